import Ground
import StrictJSON

/// Questions of 57 subjects (Hendrycks et al. 2021): CSV files without a header row, named after subject and split, with the
/// columns question, A, B, C, D, letter; on the hub `question`, `subject`, `choices[]`, `answer` 0 to 3.
struct MMLUFormat: DatasetFormat {
  let name = "mmlu"
  let fields = ["question", "A", "B", "C", "D", "answer"]

  func fits(_ record: Record) -> Bool {
    guard record.hasText("question"), let answer = record["answer"], !record.has("id") else { return false }
    if let choices = record["choices"]?.list { return choices.count == 4 && answer.int != nil }
    return MultipleChoice.letters.allSatisfy(record.has) && MultipleChoice.letters.contains(answer.string ?? "")
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let choice: MultipleChoice
    if record.has("choices") {
      let options = try record.texts("choices")
      guard options.count == 4 else { throw record.error("choices", "has \(options.count) elements, not 4") }
      let right = try record.integer("answer")
      guard options.indices.contains(right) else { throw record.error("answer", "is \(right), not 0 to 3") }
      choice = MultipleChoice(question: try record.filledText("question"), labels: MultipleChoice.letters, options: options, right: right)
    } else {
      choice = try MultipleChoice(lettered: record, question: "question", answer: "answer")
    }
    let subject = try record.optionalText("subject") ?? subject(of: record)
    return choice.sample(of: record, prompt: choice.prompt(inChinese: false), tags: [subject], id: nil)
  }
}
