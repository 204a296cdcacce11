import CheckpointFiles
import Foundation
import Goldens
import Testing
import Torch

@testable import LanguageModels

/// Log-probabilities of sequences that share their beginnings.
@Suite struct ScoringTests {
  private struct Fixture: Decodable {
    struct Sequence: Decodable {
      var tokens: [Int]
      var first: Int
    }
    var sequences: [Sequence]
    var models: [String: [Double]]

    var scored: [ScoredSequence] { sequences.map { ScoredSequence(tokens: $0.tokens, firstScored: $0.first) } }
  }

  private func fixture() throws -> Fixture {
    let folder = try #require(Bundle.module.resourceURL).appending(component: "Fixtures")
    return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: folder.appending(component: "scoring.json")))
  }

  /// float32 against float64 sums of up to 24 tokens' log-probabilities: each is off by some 1e-7 of its size.
  @Test(arguments: Golden.all) func sumsAreTransformersOwn(name: String) throws {
    let fixture = try fixture()
    let expected = try #require(fixture.models[name])
    let decoder = try Golden(name).model(.float32).decoder
    let together = try decoder.logProbabilities(of: fixture.scored)
    #expect(zip(together, expected).allSatisfy { abs($0 - $1) <= 2e-6 * max(1, abs($1)) }, "\(zip(together, expected).map { $0 - $1 })")
    for (sequence, sum) in zip(fixture.scored, together) {
      let alone = try decoder.logProbabilities(of: [sequence])[0]
      #expect(abs(alone - sum) <= 2e-6 * max(1, abs(sum)))
    }
  }

  @Test func whatIsSharedIsComputedOnce() throws {
    let scored = try fixture().scored
    let tree = PrefixTree(scored)
    // 12 shots, 9 and 10 tokens of questions, of tails all but their last token (0 + 0 + 1 + 3 + 2), twice; 4 of the sequence by itself; the cut
    // beginnings of the shots (9 and 12 tokens, nobody behind them) come after it and share among themselves.
    #expect(tree.computedCount == 12 + 9 + 10 + 2 * 6 + 4 + 9 + 2)
    let whole = scored.reduce(0) { $0 + $1.tokens.count - 1 }
    #expect(PrefixTree(scored, shares: false).computedCount == whole)
    // Every sequence is the join of its nodes.
    for (sequence, path) in zip(scored, tree.paths) { #expect(path.flatMap { tree.nodes[$0].tokens } == sequence.tokens) }
  }

  @Test func onlyScoredTokensReachTheVocabulary() throws {
    let context = Array(1...10)
    let options = [[1], [2], [3]].map { ScoredSequence(tokens: context + $0, firstScored: 10) }
    let batch = PackedTree(PrefixTree(options))
    // One row predicts all three letters.
    #expect(batch.tokens == context && batch.rows == [9, 9, 9] && batch.targets == [1, 2, 3])
    #expect(batch.scores([0.5, 1, 2], options) == [[-0.5], [-1], [-2]])
    let twice = [options[0], options[0]]
    #expect(PackedTree(PrefixTree(twice)).scores([0.25], twice) == [[-0.25], [-0.25]])
  }

  @Test func sequencesThatCannotBeScoredAreRefused() throws {
    let decoder = try Golden("opt-published").model(.float32).decoder
    let longest = decoder.shape.maximumPositions + 1
    #expect(throws: ModelError.self) { try decoder.logProbabilities(of: [ScoredSequence(tokens: [], firstScored: 1)]) }
    #expect(throws: ModelError.self) { try decoder.logProbabilities(of: [ScoredSequence(tokens: [1, 9999], firstScored: 1)]) }
    let tooLong = ScoredSequence(tokens: [Int](repeating: 1, count: longest + 1), firstScored: longest)
    #expect(throws: ModelError.self) { try decoder.logProbabilities(of: [tooLong]) }
    let fits = ScoredSequence(tokens: [Int](repeating: 1, count: longest), firstScored: longest - 1)
    #expect(try decoder.logProbabilities(of: [fits])[0] < 0)
    // A token with nothing before it is not predicted.
    #expect(try decoder.logProbabilities(of: [ScoredSequence(tokens: [1], firstScored: 0)]) == [0])
  }
}
