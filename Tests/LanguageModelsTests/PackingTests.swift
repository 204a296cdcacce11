import Testing

@testable import LanguageModels

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

  /// Towards the end batches shrink, so that lanes end together; nothing depends on how many there are.
  @Test func batchesOfLanesShrinkTowardsTheEnd() {
    let lanes = BatchLanes(size: .middle, batchTokens: 4000, passes: 2, room: .max)
    #expect(lanes.batchTokens == 1024)
    let lengths = (0..<400).map { 20 + $0 * 37 % 90 }
    let plan = lanes.plan(lengths)
    #expect(plan.flatMap(Array.init) == Array(lengths.indices))
    let tokens = plan.map { $0.reduce(0) { $0 + lengths[$1] } }
    #expect(tokens.allSatisfy { $0 <= 1024 })
    #expect(tokens.prefix(10).allSatisfy { $0 > 900 })
    #expect(tokens.suffix(5).allSatisfy { $0 <= 256 })
    // Of a large model fewer and larger ones.
    let large = BatchLanes(size: .large, batchTokens: 4000, passes: 2, room: .max).plan(lengths)
    let largeTokens = large.map { $0.reduce(0) { $0 + lengths[$1] } }
    #expect(large.flatMap(Array.init) == Array(lengths.indices) && largeTokens.allSatisfy { $0 <= 1024 })
    #expect(largeTokens.prefix(20).allSatisfy { $0 > 900 } && largeTokens.dropLast().allSatisfy { $0 > 400 })
    // One after another, all are as long as they may be.
    #expect(BatchLanes(size: nil, batchTokens: 4000, passes: 2, room: .max).plan(lengths) == PackedBatch.plan(lengths, tokenLimit: 4000))
  }

  @Test func lanesFollowFromBatchesAndMemory() {
    func count(_ size: BatchLanes.Size?, _ tokens: [Int], threads: Int, room: Int = .max) -> Int {
      BatchLanes(size: size, batchTokens: 1000, passes: 2, room: room).count(for: tokens, threads: threads) { 10 * $0 }
    }
    let many = [Int](repeating: 1000, count: 40)
    #expect(count(.middle, many, threads: 2) == 2)
    #expect(count(.middle, many, threads: 16) == 16)
    #expect(count(nil, many, threads: 16) == 1)
    #expect(count(.middle, many, threads: 1) == 1)
    // Half of the threads would have nothing to do.
    #expect(count(.middle, [1000], threads: 2) == 1)
    #expect(count(.middle, [1000, 1000], threads: 4) == 1)
    #expect(count(.middle, [1000, 200, 200], threads: 2) == 2)
    #expect(count(.middle, [1000, 100, 100], threads: 2) == 1)
    // The bits of small models never depend on the threads.
    #expect(count(.small, [1000], threads: 2) == 1)
    #expect(count(.small, [1000, 1], threads: 4) == 2)
    // The longest batches may meet.
    #expect(count(.small, [100, 1000, 100, 800], threads: 4, room: 19_000) == 3)
    #expect(count(.small, [100, 1000, 100, 800], threads: 4, room: 18_999) == 2)
    #expect(count(.small, [100, 1000, 100, 800], threads: 4, room: 9999) == 1)
    #expect(count(.middle, many, threads: 16, room: 50_000) == 1)
    #expect(count(.middle, [], threads: 16) == 1)
  }

  @Test func theFirstTokenIsNoLabel() {
    #expect(TokenizedSample(tokens: [4], promptLength: 0).labelCount == 0)
    #expect(TokenizedSample(tokens: [], promptLength: 0).labelCount == 0)
    #expect(TokenizedSample(tokens: [4, 5], promptLength: 0).labelCount == 1)
  }
}
