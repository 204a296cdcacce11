import Ground
import StrictJSON

/// What one side says in a conversation.
public struct ChatMessage: Sendable, Hashable {
  /// Who speaks.
  public enum Role: String, Sendable, Hashable {
    case system, user, assistant
  }

  /// Who speaks.
  public var role: Role
  /// What is said, verbatim.
  public var content: String
  /// Whether the model is trained and measured on it: an assistant's turn, unless the data gives it as a part of the prompt.
  public var carriesLoss: Bool

  /// A message, the assistant's with loss.
  public init(_ role: Role, _ content: String) {
    self.role = role
    self.content = content
    carriesLoss = role == .assistant
  }
}

/// Reads the messages of a conversation from a record's list: OpenAI's `role`/`content` or ShareGPT's `from`/`value`.
func messages(of record: Record, in field: String) throws(DataError) -> [ChatMessage] {
  try refuseTools(of: record)
  return try checked(try readMessages(of: record, in: field), of: record) { "\(field).\($0)" }
}

/// Reads TRL's conversational `prompt` and `completion`: one conversation, of which only the completion's assistant turns carry loss.
func promptAndCompletion(of record: Record) throws(DataError) -> [ChatMessage] {
  try refuseTools(of: record)
  var prompt = try readMessages(of: record, in: "prompt")
  for index in prompt.indices { prompt[index].carriesLoss = false }
  let completion = try readMessages(of: record, in: "completion")
  let count = prompt.count
  return try checked(prompt + completion, of: record) { $0 < count ? "prompt.\($0)" : "completion.\($0 - count)" }
}

/// The messages of a list, whoever speaks when.
private func readMessages(of record: Record, in field: String) throws(DataError) -> [ChatMessage] {
  var messages: [ChatMessage] = []
  for index in try record.list(field).indices {
    let path = "\(field).\(index)"
    for call in ["tool_calls", "function_call"] where isFilled(record["\(path).\(call)"]) {
      throw record.error("\(path).\(call)", "calls a tool, \(toolsRemedy)")
    }
    let usesFrom = record.has("\(path).from")
    let roleField = usesFrom ? "\(path).from" : "\(path).role"
    let role = try record.text(roleField)
    let content: String
    switch role.lowercased() {
    case "tool", "function", "observation", "function_response":
      throw record.error(roleField, "is '\(role)', the reply of a tool, \(toolsRemedy)")
    default: content = try text(of: record, at: usesFrom || record.has("\(path).value") ? "\(path).value" : "\(path).content")
    }
    switch role.lowercased() {
    case "system": messages.append(ChatMessage(.system, content))
    case "user", "human": messages.append(ChatMessage(.user, content))
    case "assistant", "gpt", "chatgpt", "bot", "model": messages.append(ChatMessage(.assistant, content))
    default: throw record.error(roleField, "is '\(role)', not a system, user (human) or assistant (gpt)")
    }
  }
  return messages
}

/// What a message says: a text, or OpenAI's list of parts where all of them are text.
private func text(of record: Record, at path: String) throws(DataError) -> String {
  guard let parts = record[path]?.list else { return try record.text(path) }
  var text = ""
  for index in parts.indices {
    let part = "\(path).\(index)"
    let kind = try record.text("\(part).type")
    guard kind == "text" else {
      throw record.error("\(part).type", "is '\(kind)', and only text is read; leave such records out with \(setting: .skipsBad)")
    }
    text += try record.text("\(part).text")
  }
  return text
}

/// What can be done about tools, as the end of a sentence.
private let toolsRemedy: Message =
  "which no chat form of Headway writes; leave such records out with \(setting: .skipsBad), or write the data as the model's template renders it (docs/Datasets.md, Chats)"

/// Refuses a record whose conversation offers the model tools.
private func refuseTools(of record: Record) throws(DataError) {
  for field in ["tools", "functions"] where isFilled(record[field]) { throw record.error(field, "offers the model tools, \(toolsRemedy)") }
}

/// Whether a field says something: tables hold null, an empty list or its text where there is nothing.
private func isFilled(_ value: JSONValue?) -> Bool {
  switch value {
  case nil, .null: false
  case .list(let elements): !elements.isEmpty
  case .object(let object): !object.fields.isEmpty
  case .string(let text): !["", "[]", "{}", "null"].contains(text.filter { !$0.isWhitespace })
  case .double(let number): !number.isNaN
  default: true
  }
}

/// Checks that users and assistants take turns, the user first, behind at most one system message.
func checked(_ messages: [ChatMessage], of record: Record, in field: String) throws(DataError) -> [ChatMessage] {
  try checked(messages, of: record) { "\(field).\($0)" }
}

private func checked(_ messages: [ChatMessage], of record: Record, path: (Int) -> String) throws(DataError) -> [ChatMessage] {
  for (index, message) in messages.enumerated() {
    let turn = index - (messages.first?.role == .system ? 1 : 0)
    let expected: ChatMessage.Role = turn < 0 ? .system : turn % 2 == 0 ? .user : .assistant
    guard message.role == expected else {
      throw record.error(path(index), "is by the \(message.role.rawValue) where the \(expected.rawValue) should speak")
    }
  }
  guard messages.contains(where: { $0.role == .user }) else {
    let first = path(0)
    throw record.error(String(first.prefix { $0 != "." }), "holds no turn of the user")
  }
  return messages
}

extension [ChatMessage] {
  /// What stands up to the first assistant turn with loss; where there is none, up to the first user turn.
  var firstExchange: [ChatMessage] {
    let end = firstIndex(where: \.carriesLoss) ?? firstIndex { $0.role == .user } ?? count - 1
    return Array(prefix(end + 1))
  }
}
