import StrictJSON

/// GSM8K in other languages (Shi et al. 2022), in the layout of DeepSeek-Math: `messages`, whose first is the question, `answer`, a number, and
/// `dataset`, which ends in the language (`mgsm-zh`).
struct MGSMFormat: DatasetFormat {
  let name = "mgsm"
  let fields = ["messages", "answer"]
  let refines = ["chat"]

  func fits(_ record: Record) -> Bool {
    record.hasText("messages.0.content") && record.has("answer")
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let question = try record.filledText("messages.0.content")
    let answer = try record.filledText("answer")
    let id = try record.optionalText("id")
    let chinese = isChinese(question)
    let language = try record.optionalText("dataset")?.split(separator: "-").dropFirst().last.map(String.init)
    return Sample(
      record, prompt: chinese ? "问题：\(question)\n答案：" : "Question: \(question)\nAnswer: ", response: answer,
      derived: ["question": .string(question)]
    ).with {
      $0.id = id
      $0.language = language ?? (chinese ? "zh" : nil)
      $0.answer = .text(answer)
    }
  }
}
