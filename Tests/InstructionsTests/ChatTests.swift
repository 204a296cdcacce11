import StrictJSON
import Testing

@testable import Instructions

@Suite struct ChatTests {
  /// The text of all pieces is what transformers renders; the line break that Gemma and ChatML put behind the last turn is left out.
  @Test func writesWhatTransformersWrites() throws {
    let cases = try #require(try golden("chat.json").object?["cases"]?.list)
    #expect(cases.count == 18)
    for value in cases {
      let fields = try #require(value.object)
      let form = try ChatForm(named: try #require(fields["form"]?.string))
      let messages = try messages(of: Record(fields: fields, place: RecordPlace(file: "x", number: 1)), in: "messages")
      let expected = try #require(fields["text"]?.string)
      let pieces = form.pieces(of: messages)
      var text = pieces.map(\.text).joined()
      if messages.last?.role == .assistant, form == .gemma || form == .chatml { text += "\n" }
      #expect(text == expected, "\(form)")
      #expect(pieces.map(\.carriesLoss) == (0..<pieces.count).map { $0 % 2 == 1 })
      #expect(pieces.count(where: \.carriesLoss) == messages.count { $0.role == .assistant })
    }
  }

  /// TRL's `prompt` and `completion`: what is rendered of the prompt carries no loss, what the completion adds does. Of a completion of several
  /// turns only the assistant's do, and the line break behind the last turn is left out.
  @Test func writesPromptAndCompletionAsTRLDoes() throws {
    let cases = try #require(try golden("chat.json").object?["completions"]?.list)
    #expect(cases.count == 13)
    for value in cases {
      let fields = try #require(value.object)
      let form = try ChatForm(named: try #require(fields["form"]?.string))
      let record = Record(fields: fields, place: RecordPlace(file: "x", number: 1))
      #expect(ChatFormat().fits(record))
      let pieces = form.pieces(of: try promptAndCompletion(of: record))
      let given = try #require(fields["given"]?.string)
      let said = try #require(fields["said"]?.string)
      #expect(pieces.first == Instruction.Turn(given, carriesLoss: false), "\(form)")
      #expect(pieces.dropFirst().map(\.text).joined() + (form == .gemma || form == .chatml ? "\n" : "") == said, "\(form)")
      #expect(pieces.count(where: \.carriesLoss) == (fields["completion"]?.list?.count == 3 ? 2 : 1))
    }
  }

  @Test func recognisesThePublishedTemplates() throws {
    let templates = try #require(try golden("chat.json").object?["templates"]?.object)
    for field in templates.fields {
      let template = try #require(field.value.string)
      #expect(ChatForm(template: template)?.rawValue == field.name)
    }
  }

  @Test func refusesOtherTemplatesByName() throws {
    let others = try #require(try golden("chat.json").object?["others"]?.object)
    for field in others.fields {
      #expect(ChatForm(template: field.value.string ?? "") == nil, "\(field.name)")
    }
    #expect(message { _ = try ChatForm(named: "vicuna") }.contains("no chat form 'vicuna'"))
  }

  @Test func carriesLossOnAssistantTurns() {
    let talk = [
      ChatMessage(.user, "a"), ChatMessage(.assistant, "b"), ChatMessage(.user, "c"), ChatMessage(.assistant, "d"), ChatMessage(.user, "e"),
    ]
    var instruction = Instruction(prompt: "", response: "")
    instruction.set(talk, in: .plain)
    #expect(instruction.pieces.map(\.text) == ["a\n", "b", "\nc\n", "d"])
    #expect(instruction.endsWithEndOfSequence)
    instruction.set(talk, in: .llama3)
    #expect(instruction.response == "b<|eot_id|>")
    #expect(instruction.turns.map(\.carriesLoss) == [false, true])
    #expect(instruction.turns.last?.text == "d<|eot_id|>")
    #expect(!instruction.endsWithEndOfSequence)
    instruction.set([ChatMessage(.user, "a")], in: .chatml)
    #expect(instruction.prompt == "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n")
    #expect(!instruction.isAnswered)
  }

  @Test func readsConversations() throws {
    let folder = try TemporaryFolder()
    let openAI =
      #"{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]}"#
    #expect(try folder.instructions("a.jsonl", openAI).map { $0.prompt + "|" + $0.response } == ["s\nu\n|a"])
    let shareGPT =
      #"{"id": "x", "conversations": [{"from": "human", "value": "u"}, {"from": "gpt", "value": "a"}, {"from": "human", "value": "v"}, {"from": "gpt", "value": "b"}]}"#
    let read = try folder.instructions("b.jsonl", shareGPT)
    #expect(read.first?.pieces.map(\.text) == ["u\n", "a", "\nv\n", "b"])
    #expect(read.first?.task == "chat")
    let first = try folder.instructions("c.jsonl", shareGPT, options: DatasetOptions(form: "first-turn"))
    #expect(first.first?.pieces.map(\.text) == ["u\n", "a"])
    let written = try folder.instructions("d.jsonl", openAI, options: DatasetOptions(chat: .llama2))
    #expect(written.first?.prompt == "[INST] <<SYS>>\ns\n<</SYS>>\n\nu [/INST]")
    #expect(
      message { _ = try folder.instructions("e.jsonl", openAI, options: DatasetOptions(chat: .gemma)) }
        .contains("e.jsonl:1: the conversation has a system turn, for which the chat form 'gemma' has no place"))
    let alternating = #"{"messages": [{"role": "user", "content": "u"}, {"role": "user", "content": "a"}]}"#
    #expect(
      message { _ = try folder.instructions("f.jsonl", alternating) }
        .contains("field 'messages.1' is by the user where the assistant should speak"))
    let strange = #"{"messages": [{"role": "robot", "content": "u"}]}"#
    #expect(message { _ = try folder.instructions("g.jsonl", strange) }.contains("field 'messages.0.role' is 'robot'"))
  }

  @Test func writesSingleExchangesInAChatForm() throws {
    let folder = try TemporaryFolder()
    let text = #"{"prompt": "q", "response": "r"}"#
    let read = try folder.instructions("a.jsonl", text, options: DatasetOptions(chat: .chatml))
    #expect(read.first?.prompt == "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n")
    #expect(read.first?.response == "r<|im_end|>")
  }
}
