import Foundation
import Ground

/// How a conversation is written as text: one of the published forms of chat models, by name.
///
/// There is no engine for templates in general: a form that is not among these is refused by name rather than guessed.
/// The first begin-of-sequence token is left out of the text, because encoding adds it.
public enum ChatForm: String, Sendable, Hashable, CaseIterable {
  /// Turns joined by newlines, no roles: for models without a chat form.
  case plain
  /// `[INST] <<SYS>> … [/INST] … </s><s>[INST] …` (Llama 2 chat).
  case llama2
  /// `<|start_header_id|>user<|end_header_id|> … <|eot_id|>` (Llama 3 instruct).
  case llama3
  /// `<start_of_turn>user … <end_of_turn>` (Gemma instruct); it has no system turn.
  case gemma
  /// `[INST] … [/INST]…</s>[INST] …` (Mistral instruct 0.2); it has no system turn.
  case mistral
  /// `<|im_start|>user … <|im_end|>` (ChatML).
  case chatml

  /// The form of a name, as `--chat` takes it.
  public init(named name: String) throws(DataError) {
    guard let form = ChatForm(rawValue: name.lowercased()) else {
      throw .options("there is no chat form '\(name)'; the forms are \(ChatForm.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self = form
  }

  /// Whether the form has a place for a system message.
  var hasSystemTurn: Bool { self != .gemma && self != .mistral }

  /// Whether every assistant turn ends with a token of the form's own, so that no end-of-sequence token follows.
  var closesTurns: Bool { self != .plain }

  /// The conversation as stretches of text, the assistant's with loss.
  ///
  /// What ends an assistant's turn (`<|eot_id|>`, `</s>`…) carries loss with it, since the model has to say it; the line break that
  /// some forms put behind it belongs to the next turn and is left out at the end. A last turn of the user, which nothing answers,
  /// is only given where nothing carries loss at all: behind the last label no text has an effect. An assistant's turn without loss is
  /// a part of what is given.
  func pieces(of messages: [ChatMessage]) -> [Instruction.Turn] {
    var pieces: [Instruction.Turn] = []
    func add(_ text: String, loss: Bool = false) {
      if let last = pieces.last, last.carriesLoss == loss {
        pieces[pieces.count - 1].text += text
      } else {
        pieces.append(.init(text, carriesLoss: loss))
      }
    }
    let end = messages.lastIndex(where: \.carriesLoss) ?? messages.count - 1
    for (index, message) in messages.enumerated() where index <= end {
      let isFirst = index == 0
      let content = message.content
      let trimmed = content.trimmingCharacters(in: .whitespacesAndNewlines)
      switch (self, message.role) {
      case (.plain, .assistant): add(content, loss: message.carriesLoss)
      case (.plain, _): add((isFirst || messages[index - 1].role == .system ? "" : "\n") + content + "\n")

      case (.llama3, .assistant):
        add("<|start_header_id|>assistant<|end_header_id|>\n\n")
        add(trimmed + "<|eot_id|>", loss: message.carriesLoss)
      case (.llama3, let role): add("<|start_header_id|>\(role.rawValue)<|end_header_id|>\n\n\(trimmed)<|eot_id|>")

      case (.llama2, .system): break  // written into the first user turn
      case (.llama2, .user):
        let system = messages.first.flatMap { $0.role == .system && index == 1 ? "<<SYS>>\n\($0.content)\n<</SYS>>\n\n" : nil } ?? ""
        let inner = (system + content).trimmingCharacters(in: .whitespacesAndNewlines)
        add((pieces.isEmpty ? "" : "<s>") + "[INST] \(inner) [/INST]")
      case (.llama2, .assistant): add(" \(trimmed) </s>", loss: message.carriesLoss)

      case (.gemma, .assistant):
        add("<start_of_turn>model\n")
        add(trimmed + "<end_of_turn>", loss: message.carriesLoss)
      case (.gemma, _): add((isFirst ? "" : "\n") + "<start_of_turn>user\n\(trimmed)<end_of_turn>\n")

      case (.mistral, .assistant): add(content + "</s>", loss: message.carriesLoss)
      case (.mistral, _): add("[INST] \(content) [/INST]")

      case (.chatml, .assistant):
        add("<|im_start|>assistant\n")
        add(content + "<|im_end|>", loss: message.carriesLoss)
      case (.chatml, let role):
        let follows = !isFirst && messages[index - 1].role == .assistant
        add((follows ? "\n" : "") + "<|im_start|>\(role.rawValue)\n\(content)<|im_end|>\n")
      }
    }
    if messages.last?.role != .assistant, end == messages.count - 1 { add(opening) }
    return pieces
  }

  /// What opens the assistant's turn.
  private var opening: String {
    switch self {
    case .plain, .llama2, .mistral: ""
    case .llama3: "<|start_header_id|>assistant<|end_header_id|>\n\n"
    case .gemma: "<start_of_turn>model\n"
    case .chatml: "<|im_start|>assistant\n"
    }
  }
}

extension Instruction {
  /// Writes a conversation into the instruction: the first stretch without loss is the prompt, the first with loss the response, the
  /// others are further turns.
  mutating func set(_ messages: [ChatMessage], in form: ChatForm) {
    let pieces = form.pieces(of: messages)
    prompt = pieces.first.map(\.text) ?? ""
    response = pieces.count > 1 ? pieces[1].text : ""
    turns = Array(pieces.dropFirst(2))
    isAnswered = pieces.count > 1
    endsWithEndOfSequence = isAnswered && !form.closesTurns
  }
}
