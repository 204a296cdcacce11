import Foundation
import StrictJSON

/// Dialogues on a reference text (Yang et al. 2023): `dialogue`, a text whose turns are marked `<user>` and `<assistant>` or a list of turns;
/// `reference`, `title`. The first exchange is the sample, or with the form `all-turns` the whole dialogue.
struct RefGPTFormat: DatasetFormat {
  let name = "refgpt"
  let fields = ["dialogue"]
  let forms = ["first-turn", "all-turns"]

  func fits(_ record: Record) -> Bool {
    switch record["dialogue"] {
    case .string(let text): text.contains("<user") && text.contains("<assistant")
    case .list(let turns): turns.first?.string != nil || turns.first?.object != nil
    default: false
    }
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let messages: [ChatMessage]
    switch try record.value("dialogue") {
    case .string(let text):
      messages = try checked(marked(text), of: record, in: "dialogue")
    case .list(let turns) where turns.first?.string != nil:
      let texts = try record.texts("dialogue")
      let isMarked = texts[0].hasPrefix("<")
      messages = try checked(
        isMarked
          ? marked(texts.joined(separator: "\n"))
          : texts.enumerated().map { ChatMessage($0.offset % 2 == 0 ? .user : .assistant, $0.element) },
        of: record, in: "dialogue")
    default:
      messages = try Instructions.messages(of: record, in: "dialogue")
    }
    var sample = Sample(record, messages: form == "all-turns" ? messages : messages.firstExchange)
    sample.instruction.id = try record.optionalText("id")
    sample.instruction.tags = try record.tags("type")
    sample.instruction.language = try record.optionalText("language")
    return sample
  }

  /// The turns of a marked text. A mark may be numbered (`<user 1>`), closed (`</user 1>`) and followed by a colon.
  private func marked(_ text: String) -> [ChatMessage] {
    var messages: [ChatMessage] = []
    var rest = text[...]
    var role: ChatMessage.Role?
    while true {
      let (before, mark, after) = nextMark(in: rest)
      if let role {
        var content = before.trimmingCharacters(in: .whitespacesAndNewlines)
        if content.hasPrefix(":") || content.hasPrefix("：") {
          content = content.dropFirst().trimmingCharacters(in: .whitespacesAndNewlines)
        }
        messages.append(ChatMessage(role, content))
      }
      guard let mark else { return messages }
      role = mark.isClosing ? nil : mark.role
      rest = after
    }
  }

  private typealias Mark = (role: ChatMessage.Role, isClosing: Bool)

  /// The text before the next mark, the mark, and the text behind it.
  private func nextMark(in text: Substring) -> (before: Substring, mark: Mark?, after: Substring) {
    var search = text.startIndex
    while let start = text[search...].firstIndex(of: "<") {
      var inner = text[text.index(after: start)...]
      let isClosing = inner.first == "/"
      if isClosing { inner = inner.dropFirst() }
      for role in [ChatMessage.Role.user, .assistant] where inner.hasPrefix(role.rawValue) {
        let behind = inner.dropFirst(role.rawValue.count).drop { $0 == " " || $0.isNumber }
        if behind.first == ">" { return (text[..<start], (role, isClosing), behind.dropFirst()) }
      }
      search = text.index(after: start)
    }
    return (text, nil, "")
  }
}
