import Testing
import Torch

@Suite struct SideBySideTests {
  /// Products, a loop of Headway's own and a way back, as a batch has them.
  private func work(_ piece: Int) throws -> [Float] {
    let x = try tensor([96, 40], step: 7, from: piece).requiringGradient()
    let weight = try tensor([40, 40], step: 5, from: 3)
    let normed = try x.linear(weight).rmsNorm(Tensor.ones([40]), epsilon: 1e-6, offset: 0)
    let gradient = try gradients(of: [normed.linear(weight)], seeds: [Tensor.ones([96, 40])], by: [x])
    return try (gradient[0]?.floats() ?? []) + normed.floats()
  }

  private func tensor(_ shape: [Int], step: Int, from first: Int) throws -> Tensor {
    let values: [Float] = (0..<shape[0] * shape[1]).map { place in
      let remainder: Int = (place * step + first) % 23
      return Float(remainder) / 23 - 0.5
    }
    return try Tensor(values, shape: shape)
  }

  @Test func piecesGiveTheBitsOfOneThreadInTheirOrder() throws {
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    try Engine.setThreads(1)
    let expected = try (0..<40).map(work)
    for threads in [1, 2, 5] {
      try Engine.setThreads(threads)
      let found = try Engine.sideBySide(40) { piece, lane in
        #expect((0..<threads).contains(lane))
        return try work(piece)
      }
      #expect(found == expected)
    }
  }

  @Test func noPiecesAreNoWork() throws {
    #expect(try Engine.sideBySide(0) { piece, _ in piece } == [])
    #expect(try Engine.sideBySide(-1) { piece, _ in piece } == [])
  }

  @Test func theFirstPieceThatFailsIsTold() {
    struct Failed: Error, Equatable { var piece: Int }
    #expect(throws: Failed(piece: 3)) {
      try Engine.sideBySide(20) { piece, _ in if piece % 4 == 3 { throw Failed(piece: piece) } }
    }
    // libtorch's own errors keep their text on the thread that made them.
    #expect(throws: TorchError.self) {
      try Engine.sideBySide(8) { piece, _ in _ = try Tensor.ones([2, 3]).linear(Tensor.ones([piece + 10, 4])) }
    }
  }
}
