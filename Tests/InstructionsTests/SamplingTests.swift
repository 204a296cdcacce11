import Foundation
import StrictJSON
import Testing

@testable import Instructions

@Suite struct SamplingTests {
  /// 40 pairs; the prompts of the last 10 are those of the first 10.
  static let lines = (0..<40).map { #"{"prompt": "p\#($0 % 30)", "response": "r\#($0)", "id": "\#($0)"}"# + "\n" }.joined()

  func read(_ options: DatasetOptions) throws -> [Int] {
    let folder = try TemporaryFolder()
    return try folder.instructions("a.jsonl", Self.lines, options: options).map(\.index)
  }

  @Test func samplesBySeed() throws {
    let first = try read(DatasetOptions(sample: 5, seed: 1))
    #expect(first.count == 5)
    #expect(first == first.sorted())
    #expect(try read(DatasetOptions(sample: 5, seed: 1)) == first)
    #expect(try read(DatasetOptions(sample: 5, seed: 2)) != first)
    #expect(try read(DatasetOptions(sample: 50)) == Array(0..<40))
    #expect(try read(DatasetOptions(sample: 5, seed: 1, limit: 2)) == Array(first.prefix(2)))
    // What a seed draws must never change.
    #expect(first == (try golden("sampling.json").object?["sample"]?.list?.compactMap(\.int)))
  }

  @Test func holdsOutBySeed() throws {
    let kept = try read(DatasetOptions(holdOut: .init(fraction: 0.2, readsHeldOut: false), seed: 3))
    let heldOut = try read(DatasetOptions(holdOut: .init(fraction: 0.2, readsHeldOut: true), seed: 3))
    #expect(heldOut.count == 8)
    #expect((kept + heldOut).sorted() == Array(0..<40))
    // Equal prompts are on one side.
    #expect(Set(kept.map { $0 % 30 }).isDisjoint(with: heldOut.map { $0 % 30 }))
    let folder = try TemporaryFolder()
    let all = try folder.instructions("a.jsonl", Self.lines)
    #expect(split(all, holdingOut: 0.2, seed: 3).heldOut.map(\.index) == heldOut)
    #expect(split(all, holdingOut: 0.2, seed: 3).kept.map(\.index) == kept)
    #expect(split([], holdingOut: 0.5, seed: 0).kept.isEmpty)
    #expect(split(all, holdingOut: 0, seed: 0).kept.count == 40)
    #expect(split(all, holdingOut: 1, seed: 0).heldOut.count == 40)
    #expect(heldOut == (try golden("sampling.json").object?["heldOut"]?.list?.compactMap(\.int)))
    for fraction in [0, 1, -1, .nan] {
      #expect(throws: DataError.self) { try read(DatasetOptions(holdOut: .init(fraction: fraction, readsHeldOut: true))) }
    }
  }

  @Test func leavesOutDuplicates() throws {
    let folder = try TemporaryFolder()
    let text =
      #"{"prompt": "a", "response": "b"}"# + "\n" + #"{"prompt": "ab", "response": ""}"# + "\n"
      + #"{"id": "other", "prompt": "a", "response": "b"}"#
    let reader = try Dataset(at: [try folder.write("a.jsonl", text)], options: DatasetOptions(deduplicates: true)).instructions()
    #expect(try reader.rest().map(\.index) == [0, 1])
    #expect(reader.counts.duplicates == 1)
  }

  @Test func filtersByTags() throws {
    let rows: [([String], [String])] = [(["Logic"], ["X"]), (["logic", "code"], ["X"]), (["code"], ["X", "Y"]), ([], [])]
    let instructions = rows.enumerated().map { index, tags in
      var instruction = Instruction(prompt: "p", response: "r", index: index)
      (instruction.tags, instruction.categories) = tags
      return instruction
    }
    func kept(_ filter: InstructionFilter) throws -> [Int] { try instructions.filter { try filter.keeps($0) }.map(\.index) }
    #expect(try kept(InstructionFilter()) == [0, 1, 2, 3])
    #expect(try kept(InstructionFilter(requiredTags: ["logic"])) == [0, 1])
    #expect(try kept(InstructionFilter(requiredTags: ["logic", "code"])) == [1])
    #expect(try kept(InstructionFilter(requiredTags: ["logic", "x"])) == [0, 1])
    #expect(try kept(InstructionFilter(onlyTags: ["logic"])) == [0])
    #expect(try kept(InstructionFilter(onlyTags: ["code", "logic"])) == [1])
    #expect(try kept(InstructionFilter(onlyTags: ["x"])) == [0, 1])
    #expect(try kept(InstructionFilter(requiredTags: ["code"], onlyTags: ["x", "y"])) == [2])
  }

  @Test func filtersByLanguage() throws {
    func language(_ text: String, field: String? = nil, _ wanted: String) throws -> Bool {
      var instruction = Instruction(prompt: text, response: "")
      instruction.language = field
      return try InstructionFilter(languages: [wanted]).keeps(instruction)
    }
    #expect(try language("解方程 x^2 = 1", "zh"))
    #expect(try language("Solve x² = 1", "en"))
    #expect(try !language("Solve x² = 1", "zh"))
    #expect(try language("ひらがなと漢字", "ja"))
    #expect(try language("안녕하세요", "ko"))
    #expect(try language("Привет", "ru"))
    #expect(try language("123", field: "zh-cn", "zh"))
    #expect(try language("123", field: "zh-cn", "ZH-CN"))
    #expect(try !language("123", "en"))
  }

  @Test func filtersByLength() throws {
    let filter = InstructionFilter(minimumTokens: 3, maximumTokens: 3) { $0.prompt.count + $0.response.count }
    #expect(try read(DatasetOptions(filter: InstructionFilter(maximumTokens: 4) { $0.prompt.count + $0.response.count })) == Array(0..<10))
    #expect(try !filter.keeps(Instruction(prompt: "a", response: "b")))
    #expect(try filter.keeps(Instruction(prompt: "ab", response: "c")))
    #expect(throws: DataError.self) { try read(DatasetOptions(filter: InstructionFilter(maximumTokens: 4))) }
  }

  @Test func countsWhatItLeavesOut() throws {
    let folder = try TemporaryFolder()
    let options = DatasetOptions(filter: InstructionFilter(requiredTags: ["x"]))
    let reader = try Dataset(at: [try folder.write("a.jsonl", Self.lines)], options: options).instructions()
    #expect(try reader.rest().isEmpty)
    #expect(reader.counts.filtered == 40)
    #expect(reader.counts.read == 40)
  }
}
