import Foundation
import StrictJSON
import Testing

@testable import Instructions

/// Data in the shapes in which people have it.
@Suite struct DataShapeTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func read(_ line: String, _ options: DatasetOptions = DatasetOptions()) throws -> Instruction {
    try #require(try folder.instructions("x.jsonl", line + "\n", options: options).first)
  }

  private func failure(_ line: String, _ options: DatasetOptions = DatasetOptions()) -> String { message { _ = try read(line, options) } }

  // MARK: TRL

  @Test func readsPromptAndCompletion() throws {
    let plain = try read(#"{"prompt": "The sky is", "completion": " blue."}"#)
    #expect(plain.pieces.map(\.text) == ["The sky is", " blue."])
    #expect(plain.task == "pairs" && plain.endsWithEndOfSequence)
    #expect(try read(#"{"prompt": "a", "completion": "b", "response": "c"}"#).response == "c")
    let talk =
      #"{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}], "completion": [{"role": "assistant", "content": "d"}]}"#
    #expect(try read(talk).pieces == [.init("a\nb\nc\n", carriesLoss: false), .init("d", carriesLoss: true)])
    #expect(try read(talk, DatasetOptions(form: "first-turn")).response == "d")
    #expect(
      failure(#"{"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "user", "content": "b"}]}"#)
        .hasSuffix("x.jsonl:1: field 'completion.0' is by the user where the assistant should speak"))
    #expect(try read(#"{"text": "The sky is blue."}"#).response == "The sky is blue.")
  }

  @Test func refusesPreferencesByName() {
    #expect(
      failure(#"{"prompt": "a", "completion": "b", "label": false}"#).contains(
        "field 'label' is false: it says which completions are wanted"))
    #expect(
      failure(#"{"prompt": "a", "chosen": "b", "rejected": "c"}"#).hasSuffix(
        "it holds preferences; read the answers that were chosen with map prompt=prompt,response=chosen"))
    let talks = #"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]"#
    #expect(failure(#"{"chosen": \#(talks), "rejected": \#(talks)}"#).hasSuffix("with format chat and map messages=chosen"))
    #expect(
      failure(#"{"prompt": \#(talks), "chosen": \#(talks), "rejected": \#(talks)}"#).hasSuffix("with format chat and map completion=chosen")
    )
    #expect(failure(#"{"text": "a", "label": 1}"#).contains("read its texts with format text, or name the fields"))
  }

  @Test func refusesToolsByName() throws {
    let talk = #"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]"#
    #expect(
      failure(#"{"messages": \#(talk), "tools": [{"type": "function"}]}"#).contains(
        "x.jsonl:1: field 'tools' offers the model tools, which no chat form of Headway writes; leave such records out with skip_bad"))
    #expect(failure(#"{"messages": \#(talk), "tools": "[{}]"}"#).contains("field 'tools'"))
    for empty in ["null", "[]", "\"\"", "\"[]\"", "\"null\"", "{}"] {
      #expect(try read(#"{"messages": \#(talk), "tools": \#(empty)}"#).response == "b", "\(empty)")
    }
    let call = #"{"role": "assistant", "content": null, "tool_calls": [{"type": "function"}]}"#
    #expect(
      failure(#"{"messages": [{"role": "user", "content": "a"}, \#(call)]}"#).contains("field 'messages.1.tool_calls' calls a tool"))
    #expect(
      failure(#"{"messages": [{"role": "user", "content": "a"}, {"role": "tool", "content": "a"}]}"#)
        .contains("field 'messages.1.role' is 'tool', the reply of a tool"))
    let counted = try Dataset(
      at: [folder.write("y.jsonl", #"{"messages": \#(talk)}"# + "\n" + #"{"messages": \#(talk), "tools": [1]}"# + "\n")],
      options: DatasetOptions(skipBad: true)
    ).instructions()
    #expect(try counted.rest().count == 1 && counted.skipped == 1)
  }

  @Test func readsPartsThatAreText() throws {
    func talk(_ parts: String) -> String {
      #"{"messages": [{"role": "user", "content": [\#(parts)]}, {"role": "assistant", "content": "b"}]}"#
    }
    let text = #"{"type": "text", "text": "a"}"#
    #expect(try read(talk("\(text), \(text)")).prompt == "aa\n")
    #expect(failure(talk(#"\#(text), {"type": "image"}"#)).contains("field 'messages.0.content.1.type' is 'image', and only text is read"))
  }

  // MARK: Numbers

  @Test func takesNumbersAsResponses() throws {
    for (number, text) in [("4", "4"), ("-7", "-7"), ("0.5", "0.5"), ("4.0", "4.0"), ("1e3", "1000.0"), ("1e-05", "1e-05")] {
      #expect(try read(#"{"prompt": "q", "response": \#(number)}"#).response == text)
      #expect(try read(#"{"instruction": "q", "output": \#(number)}"#).response == text)
    }
    #expect(try read(#"{"prompt": 1, "response": 2}"#).prompt == "1")
    let missing = "{\"prompt\": \"q\", \"response\": \"r\"}\n{\"prompt\": \"q\", \"response\": NaN}\n"
    #expect(try folder.instructions("x.jsonl", missing, options: DatasetOptions(format: "pairs")).map(\.isAnswered) == [true, false])
    #expect(
      failure(#"{"prompt": "q", "response": 123456789012345678901}"#).hasSuffix(
        "field 'response' is a number of more digits than are kept; put it in quotes"))
    #expect(failure(#"{"prompt": "q", "response": true}"#, DatasetOptions(format: "pairs")).contains("field 'response' is"))
  }

  // MARK: Several sources

  @Test func readsEachSourceInItsOwnFormat() throws {
    let sums = try folder.write("sums.jsonl", #"{"question": "1+1", "answer": "two #### 2"}"# + "\n")
    let own = try folder.write("own.jsonl", #"{"prompt": "a", "response": "b", "task": "x"}"# + "\n")
    let table = try folder.write("table.tsv", "instruction\tinput\toutput\nSay it\t\tit\n")
    let sources = [DataSource(sums), DataSource(own), DataSource(own, task: "mine"), DataSource(table, task: "table")]
    let dataset = try Dataset(of: sources)
    #expect(dataset.formatName == "gsm8k+pairs+alpaca")
    #expect(dataset.templateName == "gsm8k+pairs+alpaca")
    #expect(dataset.formatDescription.contains("pairs (mine), alpaca (table)"))
    let read = try dataset.readAll()
    #expect(read.map(\.task) == ["gsm8k", "x", "mine", "table"])
    #expect(read.map(\.index) == [0, 1, 2, 3])
    #expect(read[0].prompt == "Question: 1+1\nAnswer: ")
    #expect(
      message { _ = try Dataset(of: sources, options: DatasetOptions(form: "first-turn")) }.contains(
        "'gsm8k' has one form only, the format 'pairs' has one form only"))
    #expect(
      message { _ = try Dataset(of: sources, options: DatasetOptions(format: "gsm8k")).readAll() }.contains(
        "own.jsonl:1: field 'question' is missing"))
    let limited = try Dataset(of: sources, options: DatasetOptions(limit: 2)).instructions()
    #expect(try limited.rest().count == 2)
    #expect(limited.limitWarning != nil)
  }

  // MARK: Tables

  @Test func tellsWhatSeparatesCells() throws {
    for (name, text) in [
      ("a.csv", "prompt,response\nWhat; is it?,\"b, c\"\n"), ("b.csv", "prompt;response\nWhat, is it?;\"b; c\"\n"),
      ("c.csv", "prompt\tresponse\nWhat, is it?\tb, c\n"), ("d.tsv", "prompt\tresponse\nWhat, is it?\tb, c\n"),
      ("e.dat", "prompt;response\r\nWhat, is it?;b, c\r\n"), ("f.tsv.gz", "prompt\tresponse\n1\t2\n"),
    ] where !name.hasSuffix(".gz") {
      let read = try folder.instructions(name, text)
      #expect(read.count == 1 && read[0].prompt.hasPrefix("What") && read[0].response.hasPrefix("b"), "\(name): \(read)")
    }
    #expect(message { _ = try folder.instructions("g.dat", "one line, one comma\n") }.contains("is none of JSON lines, JSON, CSV, TSV"))
    try folder.write("dir/x.tsv", "prompt\tresponse\na\tb\n")
    #expect(try Dataset(at: [folder.url.appending(path: "dir")]).readAll().map(\.response) == ["b"])
  }

  // MARK: Encodings

  @Test func namesTheEncoding() throws {
    let line = #"{"prompt": "Où est le café?", "response": "à Zürich"}"# + "\n"
    func failure(_ name: String, _ bytes: [UInt8]) -> String { message { _ = try Dataset(at: [try folder.write(name, bytes)]).readAll() } }
    let wide = line.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    #expect(failure("w.jsonl", [0xFF, 0xFE] + wide).contains("w.jsonl: is UTF-16 and not UTF-8; convert it: iconv -f UTF-16 -t UTF-8 /"))
    #expect(failure("w.jsonl", [0xFF, 0xFE] + wide).hasSuffix("/w.utf8.jsonl"))
    #expect(failure("v.csv", wide).contains("is UTF-16 and not UTF-8; convert it: iconv -f UTF-16LE"))
    #expect(failure("u.txt", [0xFE, 0xFF, 0, 0x41]).contains("is UTF-16"))
    let latin = line.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    #expect(
      failure("l.jsonl", latin).contains(
        "l.jsonl:1: the record is not UTF-8 but looks like Latin-1 (Windows-1252); convert it: iconv -f WINDOWS-1252 -t UTF-8 /"))
    #expect(failure("l.json", Array("[".utf8) + latin + Array("]".utf8)).contains("looks like Latin-1"))
    #expect(
      failure("l.csv", Array("prompt,response\ncaf".utf8) + [0xE9] + Array(",b\n".utf8)).contains(
        "l.csv:2: cell 1 is not UTF-8 but looks like Latin-1"))
    #expect(failure("l.txt", Array("caf".utf8) + [0xE9, 0x0A]).contains("l.txt:1: the text is not UTF-8 but looks like Latin-1"))
    // "中文字" in GB18030.
    #expect(failure("g.txt", [0xD6, 0xD0, 0xCE, 0xC4, 0xD7, 0xD6, 0x0A]).contains("looks like an encoding of East Asia"))
    #expect(failure("b.txt", Array("中文 中文 中文 中文 ".utf8) + [0xE9, 0x0A]).contains("is not valid UTF-8 in 1 place"))
  }

  // MARK: Pipes

  @Test func readsANamedPipeMoreThanOnce() throws {
    let pipe = folder.url.appending(path: "pipe")
    #expect(mkfifo(pipe.path(percentEncoded: false), 0o600) == 0)
    let text = String(repeating: "prompt;response\n", count: 1) + (0..<5000).map { "question \($0), still;answer \($0)\n" }.joined()
    let writer = Thread {
      guard let handle = try? FileHandle(forWritingTo: pipe) else { return }
      try? handle.write(contentsOf: Data(text.utf8))
      try? handle.close()
    }
    writer.start()
    let dataset = try Dataset(at: [pipe])
    #expect(dataset.name.hasSuffix("/pipe"))
    #expect(try dataset.readAll().count == 5000)
    #expect(try dataset.readAll().last?.response == "answer 4999")
    let file = try folder.write("same", text)
    #expect(try dataset.fingerprint() == Dataset(at: [file]).fingerprint())
    #expect(try Dataset(at: [pipe]).readAll().count == 5000)
  }

  // MARK: Templates that are not known

  @Test func showsThePythonThatRenders() throws {
    let talk = #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#
    let file = try folder.write("talk it.jsonl", talk + "\n")
    var options = DatasetOptions()
    options.modelChatTemplate = "{{ 'unknown' }}"
    options.modelName = "./my model"
    let told = message { _ = try Dataset(at: [file], options: options) }
    #expect(told.hasPrefix("the model's own chat template is none of the forms that Headway writes (plain, llama2, llama3"))
    #expect(told.contains("python3 -c 'import json,sys,transformers;") && told.contains("p(s(d,d[\"messages\"]))"))
    #expect(told.hasSuffix(" './my model' '\(file.relativePath)' > pairs.jsonl"))
    options.chat = .chatml
    #expect(try Dataset(at: [file], options: options).readAll().count == 1)
    let pairs = try folder.write("p.jsonl", #"{"prompt": "a", "response": "b"}"#)
    options.chat = nil
    #expect(try Dataset(at: [pairs], options: options).readAll().count == 1)
    options.writesModelChat = true
    #expect(
      message { _ = try Dataset(at: [pairs], options: options) }.contains(
        "headway data \(pairs.relativePath) --write plain.jsonl && python3 -c"))
  }
}
