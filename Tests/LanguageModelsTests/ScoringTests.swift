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

  /// A batch behind kept shots gives what it gives by itself, whatever was kept before: to rounding beside a whole pass, to the bit beside each other.
  @Test(arguments: Golden.all) func whatIsKeptIsWhatWouldBeComputed(name: String) throws {
    let decoder = try Golden(name).model(.float32).decoder
    let vocabulary = decoder.shape.vocabularySize
    func batch(_ shots: Int, _ question: Int) -> [ScoredSequence] {
      [3, 5].map { option in
        let tokens = self.tokens(shots, question, vocabulary) + [option, option + question % 2]
        // The options alone, some of the shots, or everything.
        return ScoredSequence(tokens: tokens, firstScored: [tokens.count - 2, 11, 1][question % 3])
      }
    }
    let gates = (0..<decoder.shape.layers).map { layer in (0..<decoder.shape.attentionHeads).map { Float(($0 + layer) % 2) } }
    for gates in [nil, gates] {
      let beginning = KeptBeginning(decoder, gates: gates, piece: 8)
      // Longer, shorter and other beginnings, so that pieces are kept, dropped and computed anew.
      for (number, length) in [26, 14, 30, 30, 8, 4, 25].enumerated() {
        let sequences = batch(length, number)
        let kept = sequences.sharedContext
        let scores = try decoder.tokenLogProbabilities(of: sequences, gates: gates, behind: beginning, keeping: kept)
        let whole = try decoder.tokenLogProbabilities(of: sequences, gates: gates)
        for (mine, theirs) in zip(scores.joined(), whole.joined()) { #expect(abs(mine - theirs) <= 2e-6 * max(1, abs(theirs))) }
        let fresh = KeptBeginning(decoder, gates: gates, piece: 8)
        let again = try decoder.tokenLogProbabilities(of: sequences, gates: gates, behind: fresh, keeping: kept)
        #expect(again == scores)
      }
      #expect(beginning.computedCount < 6 * 24)
    }
  }

  private func tokens(_ shots: Int, _ question: Int, _ vocabulary: Int) -> [Int] {
    (0..<shots).map { 3 + ($0 * 7 + $0 / 5) % (vocabulary - 4) } + (0..<5).map { 3 + ($0 + question) % (vocabulary - 4) }
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
