import Ground
import Foundation
import StrictJSON
import Testing

@testable import Instructions

@Suite struct PointerTests {
  /// What a clone without Git LFS leaves in place of a large file.
  @Test(arguments: ["x.jsonl", "x.parquet", "x.jsonl.gz"]) func pointersOfGitLFS(name: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "pointers-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appending(path: name)
    try Data("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n".utf8).write(to: url)
    let text = message { _ = try Dataset(at: [url]) }
    #expect(text.contains("\(name): cannot be opened: it is a Git LFS pointer and not the file itself; run git lfs pull"), "\(text)")
  }
}

@Suite struct GzipTests {
  @Test func unpacksEveryKindOfBlock() throws {
    let files = try #require(try golden("gzip.json").object?["files"]?.list)
    #expect(files.count > 15)
    for file in files {
      let fields = try #require(file.object)
      let name = try #require(fields["file"]?.string)
      let packed = Array(try Data(contentsOf: fixtures.appending(components: "gzip", name)))
      for pieceSize in [1, 7, 1 << 18] {
        let unpacked = try bytes(of: GzipBytes(MemoryBytes(packed, pieceSize: pieceSize), name: name, packed: packed.count))
        #expect(unpacked.count == fields["size"]?.int, "\(name)")
        #expect(Int(CyclicRedundancyCheck.of(unpacked, .zip)) == fields["crc"]?.int, "\(name)")
      }
    }
  }

  @Test func namesWhatIsBroken() throws {
    let packed = Array(try Data(contentsOf: fixtures.appending(components: "gzip", "prose-best.gz")))
    func failure(_ bytes: [UInt8]) -> String {
      message { _ = try unpacked(bytes) }
    }
    func unpacked(_ input: [UInt8]) throws -> [UInt8] { try bytes(of: GzipBytes(MemoryBytes(input), name: "x.gz", packed: input.count)) }
    #expect(failure(Array(packed.dropLast(9))).contains("ends too early"))
    #expect(failure(Array(packed.dropLast(2))).contains("ends too early"))
    var changed = packed
    changed[changed.count - 5] ^= 1
    #expect(failure(changed).contains("incorrect data check; fetch the file again"))
    changed = packed
    changed[changed.count - 1] ^= 1
    #expect(failure(changed).contains("incorrect length check; fetch the file again"))
    changed = packed
    changed[2] = 7
    #expect(failure(changed).contains("unknown compression method"))
    #expect(failure(packed + [1, 2, 3]).contains("follows the data"))
    #expect(failure(packed + [0x1F]).contains("follows the data"))
    #expect(failure(packed + packed.prefix(12)).contains("ends too early"))
    #expect(failure([0x1F, 0x8B]).hasPrefix("x.gz: the gzip data is broken: "))
  }

  @Test func survivesMutations() throws {
    let seeds = try ["prose-best.gz", "short-fixed.gz", "members.gz", "zeros-huffman.gz"].map {
      Array(try Data(contentsOf: fixtures.appending(components: "gzip", $0)).prefix(3000))
    }
    var random = SeededGenerator(seed: 5)
    for round in 0..<fuzzRounds(400) {
      let input = mutated(seeds[round % seeds.count], palette: [0, 0xFF], using: &random)
      _ = try? bytes(of: GzipBytes(MemoryBytes(input, pieceSize: 1 + round % 999), name: "x.gz", packed: input.count))
    }
  }
}

@Suite struct CSVTests {
  @Test func agreesWithPython() throws {
    let cases = try #require(try golden("csv.json").object?["cases"]?.list)
    for value in cases {
      let fields = try #require(value.object)
      let text = try #require(fields["text"]?.string)
      let rows = try #require(fields["rows"]?.list).map { ($0.list ?? []).compactMap(\.string) }
      let delimiter = fields["delimiter"]?.string?.utf8.first ?? UInt8(ascii: ",")
      for pieceSize in [1, 3, 1 << 18] {
        let read = try records(
          of: CSVReader(MemoryBytes(Array(text.utf8), pieceSize: pieceSize), name: "x.csv", delimiter: delimiter))
        #expect(read.map { $0.fields.fields.compactMap(\.value.string) } == Array(rows.dropFirst()), "\(text.debugDescription)")
        #expect(read.allSatisfy { $0.fields.names == rows.first })
      }
    }
  }

  @Test func readsATableWithoutHeader() throws {
    let text = "What is 1+1?,1,2,3,4,B\n\"a\nb\",\"x, y\",2,3,4,A\n"
    let read = try records(of: CSVReader(MemoryBytes(Array(text.utf8)), name: "x.csv"))
    #expect(read.map(\.fields.names) == Array(repeating: ["question", "A", "B", "C", "D", "answer"], count: 2))
    #expect(read.map(\.place.number) == [1, 2])
    #expect(read[1].fields["A"] == "x, y")
  }

  @Test func namesTheLine() throws {
    func failure(_ text: String) -> String {
      message { _ = try records(of: CSVReader(MemoryBytes(Array(text.utf8)), name: "x.csv")) }
    }
    #expect(failure("a,b\n1,2\n3\n") == "x.csv:3: the row has 1 cells where the table has 2 columns")
    #expect(failure("a,b\n1,2\n\n3,\"4\n5") == "x.csv:4: a quoted cell is not closed by '\"'")
    #expect(failure("a,b\n\"1\"2,3\n") == "x.csv:2: cell 1 goes on behind its closing quote")
    #expect(failure("a,a\n1,2\n") == "x.csv:1: the name 'a' heads two columns (the second is column 2)")
  }

  @Test func goesOnBehindABadRow() throws {
    var reader = CSVReader(MemoryBytes(Array("a,b\n1\n2,3\n".utf8)), name: "x.csv")
    #expect(throws: DataError.self) { try reader.next() }
    #expect(try reader.next()?.fields == ["a": "2", "b": "3"])
    #expect(try reader.next() == nil)
  }
}

@Suite struct JSONReaderTests {
  static let list = #" [ {"a": 1, "s": "]}\"\\"}, "text" , {"b": [{"c": 2}]}] "#
  static let expected: [JSONObject] = [["a": 1, "s": #"]}"\"#], ["text": "text"], ["b": [["c": 2]]]]

  @Test func readsAListElementByElement() throws {
    for pieceSize in 1...20 {
      for text in [Self.list, "\u{FEFF}" + Self.list, #"{"version": "1", "data": \#(Self.list), "more": {"x": [1]}}"#] {
        let read = try records(of: JSONDocumentReader(MemoryBytes(Array(text.utf8), pieceSize: pieceSize), name: "x.json"))
        #expect(read.map(\.fields) == Self.expected)
      }
    }
  }

  @Test func readsAnObjectAsARecord() throws {
    let text = "{\n \"problem\": \"1+1\",\n \"level\": null, \"n\": -1.5\n}\n"
    let read = try records(of: JSONDocumentReader(MemoryBytes(Array(text.utf8), pieceSize: 2), name: "x.json"))
    #expect(read == [Record(fields: ["problem": "1+1", "level": nil, "n": -1.5], place: RecordPlace(file: "x.json", number: 1))])
    #expect(try records(of: JSONDocumentReader(MemoryBytes(Array("{}".utf8)), name: "x")).map(\.fields) == [[:]])
    #expect(try records(of: JSONDocumentReader(MemoryBytes(Array("[]".utf8)), name: "x")).isEmpty)
  }

  @Test func countsLines() throws {
    let text = "[\n{\"a\":\n1},\n\n {\"a\": 2}\n]"
    let read = try records(of: JSONDocumentReader(MemoryBytes(Array(text.utf8), pieceSize: 1), name: "x.json"))
    #expect(read.map(\.place.number) == [2, 5])
    let lines = "\n{\"a\": 1}\r\n  \n\"text\""
    let other = try records(of: JSONLinesReader(MemoryBytes(Array(lines.utf8), pieceSize: 1), name: "x.jsonl"))
    #expect(other.map(\.place.number) == [2, 4])
    #expect(other.map(\.fields) == [["a": 1], ["text": "text"]])
  }

  @Test(arguments: [
    "[", "[1", "[{}", "[{},", "[{},]", "[{} {}]", "[{}]]", "[{}] x", "{", #"{"a""#, #"{"a":"#, #"{"a":1"#, #"{"a":1,}"#, #"{"a":1}{"#, "1",
    "",
    #"{"data":["#, #"{"data":[{}]"#, #"{"data":[{}],}"#, #"{"data":[{}],"a"}"#, #"{"a":1,"a":2}"#, #"["a"#, "[nul]", "[}",
  ])
  func refusesBrokenDocuments(text: String) {
    #expect(throws: DataError.self) {
      try records(of: JSONDocumentReader(MemoryBytes(Array(text.utf8), pieceSize: 1), name: "x.json"))
    }
  }

  @Test func goesOnBehindABadRecord() throws {
    var document = JSONDocumentReader(MemoryBytes(Array("[{\"a\": x},\n 7, {\"a\": 1}]".utf8)), name: "x.json")
    #expect(message { _ = try document.next() } == "x.json:1: the JSON is broken: 'x' stands where a value should be (byte 6)")
    #expect(message { _ = try document.next() } == "x.json:2: the record is a whole number, not an object of fields")
    #expect(try document.next()?.fields == ["a": 1])
    #expect(try document.next() == nil)
    var lines = JSONLinesReader(MemoryBytes(Array("{\"a\": \n{\"a\": 1}".utf8)), name: "x.jsonl")
    #expect(throws: DataError.self) { try lines.next() }
    #expect(try lines.next()?.fields == ["a": 1])
  }

  @Test func survivesMutations() throws {
    let seeds = [Self.list, #"{"version": "1", "data": \#(Self.list), "more": {"x": [1]}}"#, "a,b\n\"1\n\"\"2\",3\n"].map { Array($0.utf8) }
    let palette = Array(#"{}[]",:\"#.utf8) + [0x0A, 0x0D]
    var random = SeededGenerator(seed: 9)
    for round in 0..<fuzzRounds(3000) {
      let input = mutated(seeds[round % seeds.count], palette: palette, using: &random)
      let source = { MemoryBytes(input, pieceSize: 1 + round % 9) }
      _ = try? records(of: JSONDocumentReader(source(), name: "x"))
      _ = try? records(of: JSONLinesReader(source(), name: "x"))
      _ = try? records(of: CSVReader(source(), name: "x"))
      _ = try? records(of: TextReader(source(), name: "x", unit: .paragraph))
    }
  }
}

@Suite struct TextReaderTests {
  func read(_ text: String, _ unit: TextUnit) throws -> [String] {
    try records(of: TextReader(MemoryBytes(Array(text.utf8), pieceSize: 2), name: "x.txt", unit: unit)).compactMap {
      $0.fields["text"]?.string
    }
  }

  @Test func cutsText() throws {
    let text = "\n\none\ntwo\r\n \n\nthree\n"
    #expect(try read(text, .paragraph) == ["one\ntwo", "three"])
    #expect(try read(text, .file) == ["one\ntwo\n \n\nthree"])
    #expect(try read("a\nb\nc\nd", .lines(2)) == ["a\nb", "c\nd"])
    #expect(throws: DataError.self) { try read("a\nb\nc", .lines(2)) }
    #expect(throws: DataError.self) { try records(of: TextReader(MemoryBytes([0xFF]), name: "x", unit: .file)) }
  }
}
