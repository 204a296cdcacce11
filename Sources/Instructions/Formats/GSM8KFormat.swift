import Ground
import StrictJSON

/// Grade-school word problems (Cobbe et al. 2021): `question`, and `answer` with the worked solution and the number behind `#### `.
struct GSM8KFormat: DatasetFormat {
  let name = "gsm8k"
  let fields = ["question", "answer"]

  func fits(_ record: Record) -> Bool {
    record.hasText("question") && record["answer"]?.string.map { finalNumber(of: $0) != nil } ?? false
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let question = try record.filledText("question")
    let answer = try record.filledText("answer")
    guard let number = finalNumber(of: answer) else { throw record.error("answer", "has no number behind '#### '") }
    var sample = Sample(record, prompt: "Question: \(question)\nAnswer: ", response: answer)
    sample.instruction.id = try record.optionalText("id")
    sample.instruction.answer = .text(number)
    return sample
  }

  /// What follows the last `####`, without spaces and the commas between thousands.
  private func finalNumber(of answer: String) -> String? {
    // Bytes, because this runs over millions of answers.
    let bytes = answer.utf8
    var marks = 0
    var index = bytes.endIndex
    while index > bytes.startIndex {
      let before = bytes.index(before: index)
      marks = bytes[before] == UInt8(ascii: "#") ? marks + 1 : 0
      index = before
      if marks == 4 { break }
    }
    guard marks == 4 else { return nil }
    let number = bytes[bytes.index(index, offsetBy: 4)...].filter { $0 > 0x20 && $0 != UInt8(ascii: ",") }
    return number.isEmpty ? nil : String(decoding: number, as: UTF8.self)
  }
}
