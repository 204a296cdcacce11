import Ground
public import StrictJSON

/// Headway's own form, and that of every file read with `--map`: `prompt` and `response` (TRL's `completion`), both verbatim, and optionally
/// `task`, `id`, `tags`, `categories`, `language`, `answer`, `options`, and further `turns`.
struct PairsFormat: DatasetFormat {
  let name = "pairs"
  let fields = ["prompt", "response"]
  /// All fields that it reads.
  static let readFields = [
    "prompt", "response", "task", "id", "tags", "categories", "language", "answer", "option", "options", "turns", "ends_itself",
  ]

  func fits(_ record: Record) -> Bool {
    record.hasTextOrNumber("prompt") && (record.hasTextOrNumber("response") || record.hasTextOrNumber("completion"))
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let response = try record.firstText(of: "response", "completion")
    if !record.has("response"), record.has("completion"), let label = record["label"]?.bool {
      throw record.error(
        "label",
        "is \(label): it says which completions are wanted, and Headway would learn from all; keep the wanted ones, without 'label'")
    }
    var sample = Sample(record, prompt: try record.text("prompt"), response: response)
    sample.instruction.task = try record.optionalText("task")
    sample.instruction.id = try record.optionalText("id")
    sample.instruction.tags = try record.tags("tags")
    sample.instruction.categories = try record.tags("categories")
    sample.instruction.language = try record.optionalText("language")
    sample.instruction.options = record.has("options") ? try record.texts("options") : []
    sample.instruction.answer = try answer(of: record, options: sample.instruction.options)
    sample.instruction.turns = try turns(of: record)
    if record["ends_itself"] == true { sample.instruction.endsWithEndOfSequence = false }
    return sample
  }

  private func answer(of record: Record, options: [String]) throws(DataError) -> Answer? {
    if let option = record["option"], option != .null {
      guard let index = option.int, options.indices.contains(index) else {
        throw record.error("option", "is not the 0-based position of one of the \(options.count) options")
      }
      return .option(index)
    }
    return try record.optionalText("answer").map(Answer.text)
  }

  private func turns(of record: Record) throws(DataError) -> [Instruction.Turn] {
    guard record.has("turns") else { return [] }
    var turns: [Instruction.Turn] = []
    for index in try record.list("turns").indices {
      guard let loss = record["turns.\(index).loss"]?.bool else { throw record.error("turns.\(index).loss", "is not true or false") }
      turns.append(Instruction.Turn(try record.text("turns.\(index).text"), carriesLoss: loss))
    }
    return turns
  }
}

extension Instruction {
  /// The instruction as a record of the format `pairs`, which reads back to the same instruction (apart from ``index``).
  /// A field without a value is left out.
  public var pairsRecord: JSONObject {
    var record = JSONObject()
    record["prompt"] = .string(prompt)
    if isAnswered { record["response"] = .string(response) }
    if let task { record["task"] = .string(task) }
    if let id { record["id"] = .string(id) }
    func texts(_ values: [String]) -> JSONValue? { values.isEmpty ? nil : .list(values.map(JSONValue.string)) }
    record["tags"] = texts(tags)
    record["categories"] = texts(categories)
    if let language { record["language"] = .string(language) }
    record["options"] = texts(options)
    switch answer {
    case .text(let text): record["answer"] = .string(text)
    case .option(let index): record["option"] = .int(index)
    case nil: break
    }
    if !turns.isEmpty {
      record["turns"] = .list(turns.map { ["text": .string($0.text), "loss": .bool($0.carriesLoss)] })
    }
    if isAnswered, !endsWithEndOfSequence { record["ends_itself"] = true }
    return record
  }
}
