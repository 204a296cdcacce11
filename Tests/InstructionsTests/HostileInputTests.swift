import Foundation
import Ground
import StrictJSON
import Testing

@testable import Instructions

/// Files that are small and would take gigabytes or minutes: each is refused, or read within bounds.
@Suite(.timeLimit(.minutes(2))) struct HostileInputTests {
  // MARK: Expansion

  /// A gzip member that begins with the letter x and continues with copies of it: two bits for 258 bytes, the most that DEFLATE packs. It
  /// has no end.
  static func bomb(copies: Int) -> [UInt8] {
    var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0]
    var pending = 0
    var count = 0
    func put(_ value: Int, _ width: Int) {
      pending |= value << count
      count += width
      while count >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: pending))
        pending >>= 8
        count -= 8
      }
    }
    /// Huffman codes go in from their first bit on.
    func putCode(_ code: String) { for bit in code { put(bit == "1" ? 1 : 0, 1) } }
    put(1, 1)  // the last block
    put(2, 2)  // with codes of its own
    put(286 - 257, 5)
    put(0, 5)  // one distance
    put(18 - 4, 4)  // code lengths in the order 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1
    // Lengths 1 (for 18), 2 (for 1), 3 (for 2) and 3 (for 0).
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
      put(symbol == 18 ? 1 : symbol == 1 ? 2 : symbol == 2 || symbol == 0 ? 3 : 0, 3)
    }
    let codes = [18: "0", 1: "10", 0: "110", 2: "111"]
    func zeros(_ number: Int) {
      putCode(codes[18] ?? "")
      put(number - 11, 7)
    }
    zeros(120)  // 0 to 119
    putCode(codes[2] ?? "")  // x, two bits
    zeros(135)  // 121 to 255
    putCode(codes[2] ?? "")  // the end, two bits
    zeros(28)  // 257 to 284
    putCode(codes[1] ?? "")  // a length of 258, one bit
    putCode(codes[1] ?? "")  // a distance of 1, one bit
    putCode("10")  // x
    for _ in 0..<copies { putCode("00") }
    put(0, 7)
    return bytes
  }

  @Test func gzipThatUnpacksAThousandfold() throws {
    let packed = Self.bomb(copies: 1_000_000)
    #expect(packed.count < 300_000)
    let source = try GzipBytes(MemoryBytes(packed), name: "x.gz", packed: packed.count)
    var unpacked = 0
    let error = #expect(throws: DataError.self) {
      while case let piece = try source.read(), !piece.isEmpty { unpacked += piece.count }
    }
    #expect(error?.description == "x.gz: unpacks to more than 256 times its size, which no dataset does")
    #expect(unpacked > 60 << 20 && unpacked <= ExpansionLimit.free + (1 << 20))
  }

  @Test(arguments: ["x.jsonl.gz", "x.json.gz", "x.csv.gz", "x.txt.gz"]) func packedFilesOfOneEndlessRecord(name: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(name, Self.bomb(copies: 200_000))
    #expect(throws: DataError.self) { try Dataset(at: [file]).readAll() }
  }

  @Test(arguments: ["expanding-texts", "expanding-list", "expanding-rows"]) func parquetOfRepeatedValues(name: String) throws {
    let file = fixtures.appending(components: "parquet", "\(name).parquet")
    #expect(try Data(contentsOf: file).count < 20_000)
    let error = #expect(throws: DataError.self) {
      let reader = try ParquetReader(file, name: name)
      while try reader.next() != nil {}
    }
    #expect(error?.concernsOneRecord == false)
  }

  @Test func ofManyValuesOnlySoManyAreRead() throws {
    let folder = try TemporaryFolder()
    let many = "[" + String(repeating: "[],", count: RecordLimits.values) + "[]]"
    for text in ["{\"a\": \(many)}\n", "{\"a\": \(many),\n\"b\": 1}"] {
      let name = text.hasSuffix("}") ? "x.json" : "x.jsonl"
      #expect(message { _ = try folder.instructions(name, text) }.contains("more than \(RecordLimits.values) values"))
    }
    // Of the members of a document, each of which is within the limit.
    let half = "[" + String(repeating: "[],", count: RecordLimits.values / 2) + "[]]"
    #expect(
      message { _ = try folder.instructions("y.json", "{\"a\": \(half),\n\"b\": \(half)}") }.contains("values"))
  }

  @Test func aRecordIsNotLargerThanItsLimit() throws {
    let folder = try TemporaryFolder()
    let long = String(repeating: "x", count: RecordLimits.bytes + FileBytes.chunkSize)
    for (name, text) in [
      ("x.jsonl", "{\"prompt\": \"\(long)\"}\n"), ("x.json", "[{\"prompt\": \"\(long)\"}]"), ("x.csv", "prompt,response\n\"\(long)\",x\n"),
      ("y.csv", "prompt,response\n\"" + String(repeating: "xxxxxxxxxxxxxxx\n", count: RecordLimits.bytes / 16 + 1) + "\",x\n"),
      ("x.txt", String(repeating: "xxxxxxxxxxxxxxx\n", count: RecordLimits.bytes / 16 + 1)),
    ] {
      #expect(message { _ = try folder.instructions(name, text) }.contains("than 16 MiB"), "\(name)")
    }
    let wide = String(repeating: ",", count: RecordLimits.cells + 1)
    #expect(message { _ = try folder.instructions("z.csv", "\(wide)\n") }.contains("more than \(RecordLimits.cells) cells"))
  }

  @Test func recognitionKeepsFewLargeRecords() throws {
    let folder = try TemporaryFolder()
    let record = "{\"prompt\": \"\(String(repeating: "x", count: RecordLimits.recognitionBytes))\", \"response\": \"y\"}\n"
    // Two more would be too many to keep; what stands behind them is not looked at.
    let file = try folder.write("x.jsonl", record + record + "broken")
    #expect(try Dataset(at: [file]).formatName == "pairs")
  }

  @Test func questionsDoNotRepeatALongPassageWithoutEnd() throws {
    let folder = try TemporaryFolder()
    let context = String(repeating: "x", count: 1 << 20)
    let questions = Array(repeating: #"{"question": "q", "answers": [{"text": "a"}]}"#, count: 200).joined(separator: ",")
    let text = #"{"data": [{"paragraphs": [{"context": "\#(context)", "qas": [\#(questions)]}]}]}"#
    #expect(message { _ = try folder.instructions("x.json", text, options: DatasetOptions(format: "squad")) }.contains("MiB of prompts"))
  }

  // MARK: Time

  @Test func objectsOfManyFields() throws {
    let folder = try TemporaryFolder()
    let fields = (0..<100_000).map { "\"f\($0)\": 1" }.joined(separator: ",\n")
    for name in ["x.json", "x.jsonl"] {
      let text = name == "x.json" ? "{\(fields)}" : "{\(fields.replacing("\n", with: " "))}\n"
      #expect(message { _ = try folder.instructions(name, text) }.contains("in no format that Headway knows"))
    }
    // Every message is looked up by a path, and a path may be a field's own name.
    let messages = (0..<2000).map { _ in #"{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}"# }.joined(
      separator: ",")
    let chat = "{\"messages\": [\(messages)], \(fields.replacing("\n", with: " "))}\n"
    #expect(try folder.instructions("c.jsonl", chat).count == 1)
  }

  @Test func rowsOfCombiningMarks() throws {
    let folder = try TemporaryFolder()
    let marks = String(repeating: "\u{301}\u{323}", count: 200_000)
    let escaped = String(repeating: #"\u0301\u0323"#, count: 200_000)
    for (name, text) in [
      ("x.jsonl", "{\"prompt\": \"a\(marks)\", \"response\": \"b\"}\n"),
      ("y.jsonl", "{\"prompt\": \"a\(escaped)\", \"response\": \"b\"}\n"),
      ("z.jsonl", "{\"a\(marks)\": 1}\n"), ("x.csv", "prompt,response\na\(marks),b\n"), ("x.csv", "a\(marks),b\n1,2\n"),
      ("x.txt", "a\(marks)"),
    ] {
      #expect(message { _ = try folder.instructions(name, text) }.contains("combining marks in a row"), "\(name)")
    }
    // What writing needs passes: Zalgo of 200 marks a letter, Devanagari, Thai, Vietnamese decomposed.
    let text = (0..<50).map { _ in "a" + String(repeating: "\u{301}\u{323}", count: 100) }.joined() + "हिन्दी ภาษาไทย tiê\u{301}ng Viê\u{323}t"
    #expect(try folder.instructions("w.jsonl", "{\"prompt\": \"\(text)\", \"response\": \"b\"}\n").map(\.prompt) == [text])
  }

  @Test func templatesOfManyTags() throws {
    let tags = String(repeating: "{{q}} ", count: 20_000)
    #expect(message { _ = try PromptTemplate(tags, name: "t") }.contains("so it is not a template"))
    // The most tags that are read.
    let fields: JSONObject = ["q": "x"]
    let place = RecordPlace(file: "x", number: 1)
    #expect(try PromptTemplate(String(repeating: "{{q}}", count: 1000), name: "t").render(fields, at: place).prompt.utf8.count == 1000)
  }

  @Test func templatesThatMultiply() throws {
    let place = RecordPlace(file: "x.jsonl", number: 7)
    let fields: JSONObject = ["l": .list(Array(repeating: "y", count: 1000)), "q": .string(String(repeating: "z", count: 1 << 20))]
    for template in [
      String(repeating: "{{#l}}", count: 8) + "{{.}}" + String(repeating: "{{/l}}", count: 8), String(repeating: "{{q}}", count: 100),
      "{{#l}}{{q}}{{/l}}",
    ] {
      let template = try PromptTemplate(template, name: "t")
      #expect(
        message { _ = try template.render(fields, at: place) } == "x.jsonl:7: the template would make a text of more than 64 MiB of it")
    }
    #expect(try PromptTemplate("{{#l}}{{.}}{{/l}}{{q}}", name: "t").render(fields, at: place).prompt.utf8.count == 1000 + 1 << 20)
  }

  @Test func chatTemplatesOfAnyLength() {
    #expect(ChatForm(template: String(repeating: "{{ 'a' }}", count: 100_000)) == nil)
  }

  // MARK: Folders

  @Test func linksInALoop() throws {
    let folder = try TemporaryFolder()
    try folder.write("train.jsonl", "{\"prompt\": \"a\", \"response\": \"b\"}\n")
    try folder.write("sub/more.jsonl", "{\"prompt\": \"c\", \"response\": \"d\"}\n")
    // Ten links back, in each of two folders: 10¹² paths of twelve parts.
    for index in 0..<10 {
      for name in ["loop\(index)", "sub/loop\(index)"] {
        try FileManager.default.createSymbolicLink(at: folder.url.appending(path: name), withDestinationURL: folder.url)
      }
    }
    #expect(try Dataset(at: [folder.url]).readAll().map(\.prompt) == ["c", "a"])
    try FileManager.default.createSymbolicLink(
      at: folder.url.appending(path: "self.jsonl"), withDestinationURL: folder.url.appending(path: "self.jsonl"))
    #expect(message { _ = try Dataset(at: [folder.url]) }.contains("self.jsonl: the link leads nowhere"))
  }

  @Test func theCachesReferenceStaysInItsFolder() throws {
    let folder = try TemporaryFolder()
    try folder.write("elsewhere/train.jsonl", "{\"prompt\": \"secret\", \"response\": \"b\"}\n")
    try folder.write("datasets--o--n/snapshots/abc/train.jsonl", "{\"prompt\": \"a\", \"response\": \"b\"}\n")
    for reference in ["../../elsewhere", "..", ".", "", "abc/../../../elsewhere", "\0", "abc\0", "/", "none"] {
      try folder.write("datasets--o--n/refs/main", reference)
      #expect(try Dataset(at: [folder.url.appending(component: "datasets--o--n")]).readAll().map(\.prompt) == ["a"], "\(reference)")
    }
    // A pipe in its place does not keep anybody waiting.
    try FileManager.default.removeItem(at: folder.url.appending(path: "datasets--o--n/refs/main"))
    #expect(mkfifo(folder.url.appending(path: "datasets--o--n/refs/main").path(percentEncoded: false), 0o600) == 0)
    #expect(try Dataset(at: [folder.url.appending(component: "datasets--o--n")]).readAll().count == 1)
  }

  @Test func pipesAndDevicesAreNoData() throws {
    let folder = try TemporaryFolder()
    let pipe = folder.url.appending(path: "x.jsonl")
    #expect(mkfifo(pipe.path(percentEncoded: false), 0o600) == 0)
    #expect(message { _ = try Dataset(at: [folder.url]) }.contains("it is a pipe or a device"))
    #expect(message { _ = try Dataset(at: [URL(filePath: "/dev/zero")]) }.contains("it is a pipe or a device"))
    #expect(message { _ = try PromptTemplate(at: pipe) }.contains("it is a pipe or a device"))
  }

  #if os(Linux)
    @Test func namesThatAreNotUTF8() throws {
      let folder = try TemporaryFolder()
      try folder.write("ok.jsonl", "{\"prompt\": \"a\", \"response\": \"b\"}\n")
      let path =
        Array(folder.url.path(percentEncoded: false).utf8CString.dropLast()) + [0x2F, -1, -2, 0x2E, 0x6A, 0x73, 0x6F, 0x6E, 0x6C, 0]
      let file = fopen(path, "w")
      #expect(file != nil)
      if let file { fclose(file) }
      // It is not left out without a word.
      #expect(message { _ = try Dataset(at: [folder.url]) }.contains("its name is not UTF-8; rename it"))
    }
  #endif

  // MARK: Messages

  @Test func messagesStayShort() throws {
    let folder = try TemporaryFolder()
    let long = String(repeating: "👩\u{200D}", count: 100_000)
    #expect(message { _ = try folder.instructions("x.jsonl", "{\"\(long)\": 1}\n") }.utf8.count < 2000)
    #expect(message { _ = try folder.instructions("y.jsonl", "{\"\(long)\": 1, \"\(long)\": 2}\n") }.utf8.count < 2000)
  }
}
