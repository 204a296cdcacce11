import Ground
import Foundation
import StrictJSON
import Testing

@testable import Instructions

@Suite struct ParquetTests {
  static func fixture(_ name: String) -> URL { fixtures.appending(components: "parquet", name) }

  /// The hub's column types give the same instructions as JSON lines of the same records.
  @Test(arguments: [
    ("gsm8k", "gsm8k"), ("hellaswag", "hellaswag"), ("winogrande", "winogrande"), ("ai2_arc", "arc"), ("mmlu", "mmlu"), ("math", "math"),
    ("infinity-instruct", "infinity-instruct"),
  ])
  func agreesWithJSONLines(file: String, format: String) throws {
    for form in format == "infinity-instruct" ? ["first-turn", "all-turns"] : [nil] {
      let parquet = try Dataset(at: [Self.fixture("\(file).parquet")], options: DatasetOptions(form: form))
      let lines = try Dataset(at: [Self.fixture("\(file).jsonl")], options: DatasetOptions(form: form))
      #expect(parquet.formatName == format)
      #expect(lines.formatName == format)
      let read = try parquet.readAll()
      #expect(read.count == 2)
      #expect(try lines.readAll() == read)
    }
  }

  @Test func readsEveryType() throws {
    let parquet = try records(of: ParquetReader(Self.fixture("types.parquet"), name: "types"))
    let lines = try records(of: JSONLinesReader(FileBytes(Self.fixture("types.jsonl"), name: "types"), name: "types"))
    #expect(parquet.count == 3)
    for (row, (one, other)) in zip(parquet, lines).enumerated() {
      for field in other.fields.fields { #expect(one.fields[field.name] == field.value, "\(field.name), row \(row)") }
      #expect(one.fields.names == other.fields.names)  // the decimals are left out
      #expect(one.place == RecordPlace(file: "types", number: row + 1, isRow: true))
    }
  }

  @Test func namesTheRow() throws {
    let file = Self.fixture("not-utf8.parquet")
    #expect(
      message { _ = try Dataset(at: [file], options: DatasetOptions(format: "text")).readAll() }.hasSuffix(
        "not-utf8.parquet: row 2: field 'text' is not valid UTF-8"))
    let reader = try Dataset(at: [file], options: DatasetOptions(format: "text", skipBad: true)).instructions()
    #expect(try reader.rest().map(\.response) == ["ok"])
    #expect(reader.skipped == 1)
  }

  @Test func refusesBrokenFiles() throws {
    let folder = try TemporaryFolder()
    #expect(message { _ = try Dataset(at: [Self.fixture("empty.parquet")]) }.contains("holds no record"))
    let sound = Array(try Data(contentsOf: Self.fixture("gsm8k.parquet")))
    let cut = try folder.write("cut.parquet", Array(sound.dropLast(10)))
    #expect(message { _ = try Dataset(at: [cut]) }.contains("cut.parquet: cannot be read as Parquet: "))
    let stub = try folder.write("stub.parquet", Array("PAR1".utf8))
    #expect(throws: DataError.self) { try Dataset(at: [stub]) }
    let renamed = try folder.write("data.bin", sound)
    #expect(try Dataset(at: [renamed]).formatName == "gsm8k")
  }

  @Test func survivesMutations() throws {
    let folder = try TemporaryFolder()
    let seeds = try ["infinity-instruct", "types", "hellaswag"].map { Array(try Data(contentsOf: Self.fixture("\($0).parquet"))) }
    var random = SeededGenerator(seed: 8)
    for round in 0..<fuzzRounds(150) {
      let file = try folder.write("x.parquet", mutated(seeds[round % seeds.count], palette: [0, 0x7F, 0xFF], using: &random))
      if let reader = try? ParquetReader(file, name: "x") {
        while let record = try? reader.next() { _ = record }
      }
    }
  }
}
