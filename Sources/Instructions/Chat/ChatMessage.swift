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

  /// A message.
  public init(_ role: Role, _ content: String) {
    self.role = role
    self.content = content
  }
}

/// Reads the messages of a conversation from a record's list: OpenAI's `role`/`content` or ShareGPT's `from`/`value`.
func messages(of record: Record, in field: String) throws(DataError) -> [ChatMessage] {
  var messages: [ChatMessage] = []
  for index in try record.list(field).indices {
    let path = "\(field).\(index)"
    let usesFrom = record.has("\(path).from")
    let roleField = usesFrom ? "\(path).from" : "\(path).role"
    let role = try record.text(roleField)
    let content = try record.text(usesFrom || record.has("\(path).value") ? "\(path).value" : "\(path).content")
    switch role.lowercased() {
    case "system": messages.append(ChatMessage(.system, content))
    case "user", "human": messages.append(ChatMessage(.user, content))
    case "assistant", "gpt", "chatgpt", "bot", "model": messages.append(ChatMessage(.assistant, content))
    default: throw record.error(roleField, "is '\(role)', not a system, user (human) or assistant (gpt)")
    }
  }
  return try checked(messages, of: record, in: field)
}

/// Checks that users and assistants take turns, the user first, behind at most one system message.
func checked(_ messages: [ChatMessage], of record: Record, in field: String) throws(DataError) -> [ChatMessage] {
  for (index, message) in messages.enumerated() {
    let turn = index - (messages.first?.role == .system ? 1 : 0)
    let expected: ChatMessage.Role = turn < 0 ? .system : turn % 2 == 0 ? .user : .assistant
    guard message.role == expected else {
      throw record.error("\(field).\(index)", "is by the \(message.role.rawValue) where the \(expected.rawValue) should speak")
    }
  }
  guard messages.contains(where: { $0.role == .user }) else { throw record.error(field, "holds no turn of the user") }
  return messages
}

extension [ChatMessage] {
  /// The system message, the first user turn and, where there is one, the first assistant turn.
  var firstExchange: [ChatMessage] {
    let end = firstIndex { $0.role == .assistant } ?? firstIndex { $0.role == .user } ?? count - 1
    return Array(prefix(end + 1))
  }
}
