import Foundation
import Testing
import Torch

@Suite struct GradientTurnTests {
  struct Failure: Error {}

  /// Sums in float32 of the gradients that batches have by two weights, the second left out by every other batch. Factors are chosen so that another
  /// order gives other sums.
  private func sums(lanes: Int, failing: Int? = nil) throws -> [[Float]] {
    let factors: [Double] = [1e8, 3, -1e8, 5, 1e-3, 7]
    let totals = try (0..<2).map { _ in try Tensor.zeros([3]) }
    let leaves = try totals.map { total in
      let leaf = try Tensor.ones([3]).requiringGradient()
      try leaf.collectGradient(into: total)
      return leaf
    }
    let turns = GradientTurns()
    var begun = 0
    let next = { () -> Int? in
      guard begun < factors.count else { return nil }
      begun += 1
      return begun - 1
    }
    let body = { (batch: Int, _: Int) in
      try turns.batch(batch) {
        // Earlier batches would be overtaken.
        Thread.sleep(forTimeInterval: batch.isMultiple(of: 3) ? 0.02 : 0)
        if batch == failing { throw Failure() }
        let used = batch.isMultiple(of: 2) ? leaves : [leaves[0]]
        try backpropagate(from: used.map { try $0 * factors[batch] }, seeds: used.map { _ in try Tensor.ones([3]) })
      }
    }
    try Engine.sideBySide(lanes: lanes, next: next, body) { _, _ in }
    try turns.finish()
    return try totals.map { try $0.floats() }
  }

  @Test func batchesAddInTheirOrder() throws {
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    try Engine.setThreads(3)
    let expected = try sums(lanes: 1)
    var inOrder: Float = 0
    for factor in [1e8, 3, -1e8, 5, 1e-3, 7] as [Float] { inOrder += factor }
    #expect(expected[0] == [inOrder, inOrder, inOrder])
    for lanes in [2, 3] { #expect(try sums(lanes: lanes) == expected) }
  }

  @Test func aBatchThatFailsKeepsNoneWaiting() throws {
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    try Engine.setThreads(3)
    for failing in 0..<6 { #expect(throws: Failure.self) { try sums(lanes: 3, failing: failing) } }
  }

  /// The rows of an embedding are added when all batches have ended, and at once where there are no turns.
  @Test func rowsOfAnEmbeddingAreAddedLast() throws {
    let total = try Tensor.zeros([4, 2])
    let table = try Tensor.ones([4, 2]).requiringGradient()
    try table.collectGradient(into: total)
    func walkBack() throws { try backpropagate(from: [table.embedding(Tensor([1, 3, 1]))], seeds: [Tensor.ones([3, 2])]) }
    let turns = GradientTurns()
    try turns.batch(0, walkBack)
    #expect(try total.floats() == [Float](repeating: 0, count: 8))
    try turns.finish()
    #expect(try total.floats() == [0, 0, 2, 2, 0, 0, 1, 1])
    try walkBack()
    #expect(try total.floats() == [0, 0, 4, 4, 0, 0, 2, 2])
  }
}
