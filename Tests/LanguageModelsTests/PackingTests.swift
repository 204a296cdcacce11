import LanguageModels
import Testing

@Suite struct PackingTests {
  @Test func samplesLieEndToEnd() {
    let batch = PackedBatch([
      TokenizedSample(tokens: [1, 5, 6, 2], promptLength: 2), TokenizedSample(tokens: [7], promptLength: 0),
      TokenizedSample(tokens: [1, 8, 9], promptLength: 0),
    ])
    #expect(batch.tokens == [1, 5, 6, 2, 7, 1, 8, 9])
    #expect(batch.positions == [0, 1, 2, 3, 0, 0, 1, 2])
    #expect(batch.bounds == [0, 4, 5, 8])
    #expect(batch.labelPositions == [1, 2, 5, 6])
    #expect(batch.targets == [6, 2, 8, 9])
    #expect(batch.labelWeights == [0.5, 0.5, 0.5, 0.5])
    #expect(batch.labelBounds == [0, 2, 2, 4])
  }

  @Test func batchesKeepTheOrderAndTheLimit() {
    #expect(PackedBatch.plan([], tokenLimit: 10).isEmpty)
    #expect(PackedBatch.plan([3, 3, 5, 20, 1], tokenLimit: 8) == [0..<2, 2..<3, 3..<4, 4..<5])
    #expect(PackedBatch.plan([4, 4, 4], tokenLimit: 8) == [0..<2, 2..<3])
    #expect(PackedBatch.plan([1, 1, 1], tokenLimit: 0) == [0..<1, 1..<2, 2..<3])
  }

  @Test func theFirstTokenIsNoLabel() {
    #expect(TokenizedSample(tokens: [4], promptLength: 0).labelCount == 0)
    #expect(TokenizedSample(tokens: [], promptLength: 0).labelCount == 0)
    #expect(TokenizedSample(tokens: [4, 5], promptLength: 0).labelCount == 1)
  }
}
