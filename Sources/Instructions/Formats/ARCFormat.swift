import Ground
import StrictJSON

/// School science questions (Clark et al. 2018). JSON lines: `question.stem`, `question.choices[].text/label`; on the hub: `question`,
/// `choices.text[]`, `choices.label[]`; both `answerKey`, a letter or a number. The response is the right option's text.
struct ARCFormat: DatasetFormat {
  let name = "arc"
  let fields = ["question", "choices", "answerKey"]

  func fits(_ record: Record) -> Bool {
    record.has("answerKey")
      && (record.hasText("question.stem") && record["question.choices"]?.list != nil
        || record.hasText("question") && record["choices.text"]?.list != nil)
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    var labels: [String] = []
    var options: [String] = []
    let isOriginal = record["question"]?.object != nil
    if isOriginal {
      for index in try record.list("question.choices").indices {
        labels.append(try record.text("question.choices.\(index).label"))
        options.append(try record.text("question.choices.\(index).text"))
      }
    } else {
      labels = try record.texts("choices.label")
      options = try record.texts("choices.text")
    }
    let choices = isOriginal ? "question.choices" : "choices.text"
    guard options.count > 1 else { throw record.error(choices, "has fewer than two options") }
    guard options.count == labels.count else { throw record.error(choices, "has \(options.count) options but \(labels.count) labels") }
    var right: Int?
    if let key = try record.optionalText("answerKey"), !key.isEmpty {
      guard let index = labels.firstIndex(of: key) else {
        throw record.error("answerKey", "is '\(key)', which is not the label of an option")
      }
      right = index
    }
    let question = try record.filledText(isOriginal ? "question.stem" : "question")
    let choice = MultipleChoice(question: question, labels: labels, options: options, right: right)
    let derived: JSONObject = ["question": .string(question), "options": .list(options.map(JSONValue.string))]
    let id = try record.optionalText("id")
    return Sample(record, prompt: choice.prompt(inChinese: false), response: right.map { options[$0] }, derived: derived).with {
      $0.id = id
      $0.options = options
      $0.answer = right.map(Answer.option)
    }
  }
}
