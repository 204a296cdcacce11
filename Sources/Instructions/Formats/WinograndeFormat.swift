import Ground
import Foundation
import StrictJSON

/// Whom a pronoun means (Sakaguchi et al. 2021): a `sentence` with the blank `_`, `option1`, `option2`, and `answer` "1" or "2" (absent
/// or empty in the test part). The sentence up to the blank with the right option is the prompt, its rest the response: the
/// likelihood of the rest is what tells the options apart.
struct WinograndeFormat: DatasetFormat {
  let name = "winogrande"
  let fields = ["sentence", "option1", "option2", "answer"]

  func fits(_ record: Record) -> Bool {
    record.hasText("sentence") && record.hasText("option1") && record.hasText("option2")
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let sentence = try record.filledText("sentence")
    guard let blank = sentence.firstIndex(of: "_") else { throw record.error("sentence", "has no blank '_'") }
    let options = [try record.text("option1"), try record.text("option2")]
    var right: Int?
    if let answer = try record.optionalText("answer"), !answer.isEmpty {
      guard answer == "1" || answer == "2" else { throw record.error("answer", "is '\(answer)', not '1' or '2'") }
      right = answer == "1" ? 0 : 1
    }
    let before = String(sentence[..<blank])
    let rest = String(sentence[sentence.index(after: blank)...])
    let sample = Sample(
      record, prompt: before + (right.map { options[$0] } ?? ""), response: right == nil ? nil : rest,
      derived: ["before": .string(before), "rest": .string(rest)])
    let id = try record.optionalText("qID")
    return sample.with {
      $0.id = id
      $0.options = options
      $0.answer = right.map(Answer.option)
    }
  }
}
