import Foundation
import StrictJSON
import Testing

@testable import Instructions

@Suite struct DatasetTests {
  static let gsm8k = """
    {"question": "Tom has 3 apples & eats <1>. How many?", "answer": "3 - 1 = 2\\n#### 2"}
    {"question": "Big?", "answer": "x\\n#### 1,200"}

    """

  @Test func readsGSM8K() throws {
    let folder = try TemporaryFolder()
    let dataset = try Dataset(at: [try folder.write("train.jsonl", Self.gsm8k)])
    #expect(dataset.formatName == "gsm8k")
    #expect(dataset.formatWasRecognised)
    let all = try dataset.readAll()
    #expect(all.map(\.prompt) == ["Question: Tom has 3 apples & eats <1>. How many?\nAnswer: ", "Question: Big?\nAnswer: "])
    #expect(all.map(\.response) == ["3 - 1 = 2\n#### 2", "x\n#### 1,200"])
    #expect(all.map(\.answer) == [.text("2"), .text("1200")])
    #expect(all.map(\.index) == [0, 1])
    #expect(all.map(\.task) == ["gsm8k", "gsm8k"])
  }

  @Test func writesAndReadsPairs() throws {
    let folder = try TemporaryFolder()
    var instruction = Instruction(prompt: "a\n ", response: "", task: "t", id: "7")
    instruction.tags = ["x", "y"]
    instruction.categories = ["z"]
    instruction.language = "zh"
    instruction.options = ["p", "q"]
    instruction.answer = .option(1)
    instruction.turns = [Instruction.Turn("u", carriesLoss: false), Instruction.Turn("v", carriesLoss: true)]
    instruction.endsWithEndOfSequence = false
    var unanswered = Instruction(prompt: "中 🙂", response: "", task: "pairs", index: 1)
    unanswered.isAnswered = false
    unanswered.endsWithEndOfSequence = false
    unanswered.answer = .text("5")
    let text = [instruction, unanswered].map { JSONValue.object($0.pairsRecord).jsonText + "\n" }.joined()
    #expect(try folder.instructions("out.jsonl", text, options: DatasetOptions(format: "pairs")) == [instruction, unanswered])
  }

  @Test func mapsFields() throws {
    let folder = try TemporaryFolder()
    let text = #"{"q": {"text": "why?"}, "list": ["no", "yes"], "label": 3, "id": "mine"}"#
    let options = DatasetOptions(map: ["prompt": "q.text", "response": "list.1", "answer": "label"])
    let read = try folder.instructions("x.jsonl", text, options: options)
    #expect(read.map(\.prompt) == ["why?"])
    #expect(read.map(\.response) == ["yes"])
    #expect(read.first?.answer == .text("3"))
    #expect(read.first?.id == "mine")
    #expect(
      message { _ = try folder.instructions("y.jsonl", text, options: DatasetOptions(map: ["prompt": "z"])) }
        .hasSuffix(
          "y.jsonl:1: field 'z' is missing (the record has 'q', 'list', 'label', 'id'); check that the data has this format and these names"
        ))
  }

  @Test func namesBadRecords() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "train.jsonl", Self.gsm8k + "{\"question\": true, \"answer\": \"#### 2\"}" + "\n{\"question\": \"\"\n" + Self.gsm8k)
    #expect(message { _ = try Dataset(at: [file]).readAll() } == "\(file.relativePath):3: field 'question' is true or false, not text")
    let reader = try Dataset(at: [file], options: DatasetOptions(format: "gsm8k", skipBad: true)).instructions()
    #expect(try reader.rest().map(\.index) == [0, 1, 4, 5])
    #expect(reader.skipped == 2)
    #expect(reader.counts.skippedErrors.count == 2)
  }

  @Test func namesUnknownAndDoubtfulFormats() throws {
    let folder = try TemporaryFolder()
    #expect(
      message { _ = try folder.instructions("a.jsonl", #"{"foo": "1", "bar": 2}"#) }
        .contains("is in no format that Headway knows (its fields are 'foo', 'bar')"))
    let both = """
      {"prompt": "a", "response": "b", "question": "c", "answer": "#### 1"}
      """
    #expect(message { _ = try folder.instructions("b.jsonl", both) }.contains("fits the formats 'gsm8k', 'pairs'"))
    #expect(try folder.instructions("c.jsonl", both, options: DatasetOptions(format: "pairs")).count == 1)
    #expect(message { _ = try folder.instructions("d.jsonl", both, options: DatasetOptions(format: "x")) }.contains("no data format 'x'"))
    #expect(
      message { _ = try folder.instructions("e.jsonl", both, options: DatasetOptions(format: "pairs", form: "x")) }.contains(
        "one form only"))
  }

  @Test func refusesEmptyAndStrangeFiles() throws {
    let folder = try TemporaryFolder()
    for name in ["a.jsonl", "a.json", "a.csv", "a.txt", "a"] {
      #expect(message { _ = try folder.instructions(name, "") }.contains("is empty"), "\(name)")
      #expect(message { _ = try folder.instructions(name, " \n\n") } != "no error", "\(name)")
    }
    #expect(message { _ = try folder.instructions("b.json", "[]") }.contains("holds no record"))
    #expect(message { _ = try folder.instructions("b.bin", "hello") }.contains("none of JSON lines"))
    #expect(message { _ = try Dataset(at: [folder.url.appending(component: "none.jsonl")]) }.contains("no such file"))
    #expect(message { _ = try Dataset(at: []) }.contains("no data file"))
    #expect(message { _ = try folder.instructions("l.jsonl", Self.gsm8k, options: DatasetOptions(limit: 0)) }.contains("at least 1"))
  }

  @Test func limitsWithoutReadingOn() throws {
    let folder = try TemporaryFolder()
    let read = try folder.instructions("x.jsonl", Self.gsm8k + "broken", options: DatasetOptions(limit: 2))
    #expect(read.count == 2)
  }

  @Test func fingerprintsBytes() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.jsonl", "{\"prompt\":\"a\",\"response\":\"b\"}\n")
    // sha256sum of the file; of two such sums, a line each.
    #expect(try Dataset(at: [file]).fingerprint() == "f25f6c72d2f8e7e9fc60632a0890a51b2e758ee396cea8d681007d44b8b28966")
    #expect(try Dataset(at: [file, file]).fingerprint() == "ca51418dd27b6cf2d0fc74dce0fdbd70e1e6398580cc885cfee4c6e821cb60a5")
  }
}

@Suite struct FolderTests {
  func folder(_ names: [String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for name in names { try folder.write(name, "{\"prompt\": \"\(name)\", \"response\": \"b\"}\n") }
    return folder
  }

  func prompts(_ folder: TemporaryFolder, split: String? = nil) throws -> [String] {
    try Dataset(at: [folder.url], options: DatasetOptions(split: split)).readAll().map(\.prompt)
  }

  @Test func readsShardsInOrder() throws {
    let folder = try folder([
      "b/1.jsonl", "a-00001-of-00002.jsonl", "a-00000-of-00002.jsonl", ".hidden.jsonl", "dataset_infos.json", "SOURCE.txt",
    ])
    #expect(try prompts(folder) == ["a-00000-of-00002.jsonl", "a-00001-of-00002.jsonl", "b/1.jsonl"])
  }

  @Test func keepsSplitsApart() throws {
    let folder = try folder(["train-00000-of-00001.jsonl", "test.jsonl", "dev/algebra.jsonl", "x_val.jsonl"])
    #expect(message { _ = try prompts(folder) }.contains("holds the splits dev, test, train, val; name one with split"))
    #expect(try prompts(folder, split: "train") == ["train-00000-of-00001.jsonl"])
    #expect(try prompts(folder, split: "validation") == ["x_val.jsonl"])
    #expect(try prompts(folder, split: "all").count == 4)
    #expect(message { _ = try prompts(folder, split: "x") }.contains("has no split 'x'"))
    let file = folder.url.appending(component: "test.jsonl")
    #expect(try Dataset(at: [file], options: DatasetOptions(split: "test")).readAll().count == 1)
    #expect(throws: DataError.self) { try Dataset(at: [file], options: DatasetOptions(split: "train")) }
  }

  @Test func findsTheCachesSnapshot() throws {
    let folder = try folder([
      "datasets--o--n/snapshots/abc/main/train.jsonl", "datasets--o--n/snapshots/old/main/train.jsonl", "datasets--o--n/refs/main",
    ])
    try folder.write("datasets--o--n/refs/main", "abc\n")
    let cached = folder.url.appending(component: "datasets--o--n")
    #expect(try Dataset(at: [cached]).readAll().map(\.prompt) == ["datasets--o--n/snapshots/abc/main/train.jsonl"])
    try folder.write("datasets--o--n/snapshots/abc/socratic/train.jsonl", "{}")
    #expect(message { _ = try Dataset(at: [cached]) }.contains("holds the configurations main, socratic"))
  }

  @Test func refusesAFolderWithoutData() throws {
    let folder = try TemporaryFolder()
    #expect(message { _ = try Dataset(at: [folder.url]) }.contains("holds no data file"))
  }
}
