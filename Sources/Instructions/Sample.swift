import Ground
public import StrictJSON

/// An instruction together with the fields that it was made of, which templates and benchmarks draw on.
public struct Sample: Sendable, Hashable {
  /// What was made of the record.
  public var instruction: Instruction
  /// The record's own fields, then those that the format derives (the options of a question as `options`, its subject as `subject`…).
  public var fields: JSONObject
  /// The conversation, where the format holds conversations.
  public var messages: [ChatMessage]?

  /// A sample of one prompt and one response.
  /// - Parameters:
  ///   - record: gives the fields.
  ///   - response: nil where the answer is not published.
  ///   - derived: fields that the format adds, or puts in place of the record's own.
  init(_ record: Record, prompt: String, response: String?, derived: JSONObject = JSONObject()) {
    instruction = Instruction(prompt: prompt, response: response ?? "")
    instruction.isAnswered = response != nil
    instruction.endsWithEndOfSequence = response != nil
    fields = record.fields
    for field in derived.fields { fields[field.name] = field.value }
  }

  /// A sample that is a conversation, in the plain form.
  init(_ record: Record, messages: [ChatMessage]) {
    instruction = Instruction(prompt: "", response: "")
    instruction.set(messages, in: .plain)
    fields = record.fields
    self.messages = messages
    fields["prompt"] = messages.first { $0.role == .user }.map { .string($0.content) }
    fields["response"] = messages.first(where: \.carriesLoss).map { .string($0.content) }
  }

  /// The sample with its instruction changed.
  func with(_ change: (inout Instruction) -> Void) -> Sample {
    var copy = self
    change(&copy.instruction)
    return copy
  }

  /// Writes the prompt, and the response if the template has one, by a user's template. A conversation becomes a single exchange.
  mutating func apply(_ template: PromptTemplate, at place: RecordPlace) throws(DataError) {
    var fields = fields
    if fields["prompt"] == nil { fields["prompt"] = .string(instruction.prompt) }
    if fields["response"] == nil { fields["response"] = .string(instruction.response) }
    let (prompt, response) = try template.render(fields, at: place)
    instruction.prompt = prompt
    if let response, instruction.isAnswered { instruction.response = response }
    instruction.turns = []
    instruction.endsWithEndOfSequence = instruction.isAnswered
    messages = nil
  }

  /// Writes the sample in a chat form: a conversation turn by turn, anything else as one exchange.
  mutating func apply(_ form: ChatForm, at place: RecordPlace) throws(DataError) {
    if messages == nil, !instruction.turns.isEmpty {
      throw .record(
        place,
        problem:
          "further turns without roles cannot be written in the chat form '\(form.rawValue)'; give it as a chat, or leave the form out")
    }
    let exchange =
      [ChatMessage(.user, instruction.prompt)] + (instruction.isAnswered ? [ChatMessage(.assistant, instruction.response)] : [])
    let messages = messages ?? exchange
    if let first = messages.first, first.role == .system, !form.hasSystemTurn {
      throw .record(place, problem: "the conversation has a system turn, for which the chat form '\(form.rawValue)' has no place")
    }
    instruction.set(messages, in: form)
  }
}
