import Ground
import Foundation
import Testing

@testable import Instructions

@Suite struct InstructionWriterTests {
  @Test func writesAtomically() throws {
    let folder = try TemporaryFolder()
    let target = try folder.write("out.jsonl", "old\n")
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.url.path(percentEncoded: false)).sorted() }
    do {
      let abandoned = try InstructionWriter(to: target)
      try abandoned.write(Instruction(prompt: "a", response: "b"))
      #expect(try names().count == 2)
    }
    #expect(try names() == ["out.jsonl"])
    #expect(try String(contentsOf: target, encoding: .utf8) == "old\n")
    let writer = try InstructionWriter(to: target)
    for index in 0..<3000 { try writer.write(Instruction(prompt: "p\(index)\n\"<&>\" 中🙂", response: "r", task: "t", id: "\(index)")) }
    try writer.finish()
    #expect(writer.count == 3000)
    #expect(try names() == ["out.jsonl"])
    let read = try Dataset(at: [target]).readAll()
    #expect(read.map(\.prompt) == (0..<3000).map { "p\($0)\n\"<&>\" 中🙂" })
    #expect(read.last?.id == "2999")
  }

  @Test func namesWhatCannotBeWritten() throws {
    let folder = try TemporaryFolder()
    for target in [folder.url.appending(components: "none", "out.jsonl"), folder.url] {
      let error = #expect(throws: FileError.self) { try InstructionWriter(to: target) }
      #expect(error?.description.contains(target.path(percentEncoded: false)) == true)
    }
  }
}

@Suite struct DatasetSummaryTests {
  @Test func countsLengths() {
    var lengths = DatasetSummary.Lengths()
    #expect(lengths.mean == nil)
    #expect(lengths.quantile(0.5) == nil)
    #expect(lengths.histogram.isEmpty)
    for length in [20, 40, 40, 50, 100] { lengths.add(length) }
    #expect(lengths.minimum == 20)
    #expect(lengths.maximum == 100)
    #expect(lengths.mean == 50)
    #expect(lengths.quantile(0.5) == 40)
    #expect(lengths.count(above: 40) == 2)
    #expect(
      lengths.histogram == [.init(from: 16, upTo: 32, count: 1), .init(from: 32, upTo: 64, count: 3), .init(from: 64, upTo: 128, count: 1)])
    var short = DatasetSummary.Lengths()
    short.add(0)
    #expect(short.histogram == [.init(from: 0, upTo: 16, count: 1)])
    short.add(.max / 2)
    #expect(short.histogram.reduce(0) { $0 + $1.count } == 2)
  }

  @Test func countsNames() {
    var summary = DatasetSummary()
    for (index, tags) in [["b"], ["a", "b"], ["c"]].enumerated() {
      var instruction = Instruction(prompt: "中🙂", response: "r", task: "t", index: index)
      instruction.tags = tags
      instruction.isAnswered = index > 0
      summary.add(instruction, tokens: 5)
    }
    #expect(summary.tags.sorted.map(\.name) == ["b", "a", "c"])
    #expect(summary.tags.sorted.map(\.count) == [2, 1, 1])
    #expect(summary.unanswered == 1)
    #expect(summary.promptCharacters.maximum == 2)
    #expect(summary.tokens.total == 15)
  }
}

@Suite struct CachedDatasetTests {
  @Test func findsDatasetsByName() throws {
    let folder = try TemporaryFolder()
    try folder.write("hub/datasets--o--n/snapshots/abc/train.jsonl", "{}")
    let cache = HuggingFaceCache(environment: ["HF_HOME": folder.url.path(percentEncoded: false)])
    #expect(try DataFiles.cachedDataset("o/n", cache)?.lastPathComponent == "datasets--o--n")
    #expect(try DataFiles.cachedDataset("a/b/c", cache) == nil)
    #expect(try DataFiles.cachedDataset("o/n.jsonl", cache) == nil)
    #expect(try DataFiles.cachedDataset("../n", cache) == nil)
    #expect(message { _ = try DataFiles.cachedDataset("o/m", cache) }.contains("hf download --repo-type dataset o/m"))
  }
}
