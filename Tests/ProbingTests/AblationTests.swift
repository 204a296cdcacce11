import CheckpointFiles
import Foundation
import Goldens
import Ground
import LanguageModels
import Probing
import Testing
import Torch

@Suite struct AblationTests {
  /// What transformers found with columns of the output projection set to zero (scripts/goldens/ablation.py).
  struct Case: Decodable, CustomTestStringConvertible {
    let model: String
    let loss: [Double]
    /// [sets][heads][layer, head].
    let sets: [[[Int]]]
    /// [sets][samples].
    let without: [[Double]]

    var testDescription: String { model }
    var headSets: [HeadSet] { sets.map { HeadSet($0.map { HeadPlace(layer: $0[0], head: $0[1]) }) } }
  }
  struct Cases: Decodable { let cases: [Case] }

  static let cases: [Case] = {
    let url = Bundle.module.url(forResource: "ablation", withExtension: "json", subdirectory: "Fixtures")
    return (try? url.map { try JSONDecoder().decode(Cases.self, from: Data(contentsOf: $0)).cases } ?? []) ?? []
  }()

  @Test func goldensAreThere() { #expect(Self.cases.count >= 8) }

  /// Gates of zero against zeroed columns: losses and changes of loss to 1e-5, float32 against float64.
  @Test(arguments: cases) func gatesEqualZeroedColumns(golden: Case) throws {
    let model = try Golden(golden.model)
    let ablation = try HeadAblation(model.model(.float32).decoder, sets: golden.headSets, batchTokens: 128)
    let found = try ablation.losses(of: model.samples)
    #expect(zip(found.whole, golden.loss).allSatisfy { abs($0 - $1) < 1e-5 * $1 })
    for (set, (without, expected)) in zip(found.without, golden.without).enumerated() {
      for sample in without.indices {
        #expect(abs(without[sample] - expected[sample]) < 1e-5 * expected[sample], "set \(golden.sets[set]), sample \(sample)")
        let (change, expectedChange) = (without[sample] - found.whole[sample], expected[sample] - golden.loss[sample])
        #expect(abs(change - expectedChange) < 1e-5 * golden.loss[sample], "set \(golden.sets[set]), sample \(sample)")
      }
    }
  }

  /// Samples and sets alone, together, and in reverse order, in batches of any size: the same to the rounding of products of other sizes.
  @Test(arguments: ["llama-grouped-tied", "opt-post-norm"]) func copiesDoNotSeeEachOther(name: String) throws {
    let golden = try Golden(name)
    let model = try golden.model(.float32).decoder
    let sets = try #require(Self.cases.first { $0.model == name }).headSets
    let together = try HeadAblation(model, sets: sets, batchTokens: 4096).losses(of: golden.samples)
    for batchTokens in [1, 50] {
      let reversed = try HeadAblation(model, sets: sets.reversed(), batchTokens: batchTokens).losses(of: golden.samples.reversed())
      for (one, other) in zip(together.without, reversed.without.reversed()) {
        #expect(zip(one, other.reversed()).allSatisfy { abs($0 - $1) < 1e-5 * $0 })
      }
    }
    for (place, sample) in golden.samples.enumerated() {
      let alone = try HeadAblation(model, sets: [sets[3]], batchTokens: 8).losses(of: [sample])
      #expect(abs(alone.without[0][0] - together.without[3][place]) < 1e-5 * alone.whole[0])
    }
  }

  /// Pieces of a small model go side by side, each on one thread: the same bits at any number of threads.
  @Test func threadsChangeNoBit() throws {
    let golden = try Golden("llama-grouped-tied")
    let sets = try #require(Self.cases.first { $0.model == "llama-grouped-tied" }).headSets
    let ablation = try HeadAblation(golden.model(.float32).decoder, sets: sets, batchTokens: 60)
    try Engine.setThreads(1)
    let alone = try ablation.losses(of: golden.samples)
    for threads in [2, 3] {
      try Engine.setThreads(threads)
      let found = try ablation.losses(of: golden.samples)
      #expect(found.whole == alone.whole && found.without == alone.without)
    }
    try Engine.setThreads(1)
  }

  @Test func unknownHeadsAndNothingAreRefused() throws {
    let model = try Golden("llama-plain").model(.float32).decoder
    for sets in [[], [HeadSet([])], [HeadSet([HeadPlace(layer: 3, head: 0)])], [HeadSet([HeadPlace(layer: 0, head: 4)])]] {
      #expect(throws: ProbingError.self) { try HeadAblation(model, sets: sets, batchTokens: 8) }
    }
    let ablation = try HeadAblation(model, sets: [HeadSet(layer: 1, of: model.shape)], batchTokens: 8)
    #expect(throws: ProbingError.self) { try ablation.losses(of: [TokenizedSample(tokens: [1], promptLength: 0)]) }
  }

  /// Stopped after every possible piece, and with its last record cut off, a run ends with the same numbers.
  @Test func aResumedRunEndsWithTheSameNumbers() throws {
    let golden = try Golden("llama-grouped-tied")
    let sets = try #require(Self.cases.first { $0.model == "llama-grouped-tied" }).headSets
    let measurement = AblationMeasurement(try HeadAblation(golden.model(.float32).decoder, sets: sets, batchTokens: 200))
    var pieces = 0
    var (identity, other) = (RunIdentity(), RunIdentity())
    (identity["a"], other["a"]) = ("1", "2")
    let whole = try measurement.run(golden.samples, progress: { _ in pieces += 1 }).samples
    #expect(whole.count == 5 && pieces > 3)
    for stop in 0..<pieces {
      for cut in [0, 3] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ablation-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let output = folder.appending(path: "a.json")
        var asked = 0
        #expect(throws: PatternMeasurement.Stopped.self) {
          try measurement.run(
            golden.samples, journalOutput: output, identity: identity,
            shouldStop: {
              asked += 1
              return asked > stop
            })
        }
        let journal = AblationMeasurement.journal(beside: output)
        #expect(OutputKind.journal.isOwn(journal))
        let data = try Data(contentsOf: journal)
        if data.count > 200 { try data.dropLast(cut).write(to: journal) }
        #expect(try measurement.run(golden.samples, journalOutput: output, identity: identity, resume: true).samples == whole)
        #expect(throws: JournalError.self) { try measurement.run(golden.samples, journalOutput: output, identity: other, resume: true) }
      }
    }
  }
}
