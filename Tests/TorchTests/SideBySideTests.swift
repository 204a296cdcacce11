import Foundation
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

  /// The pieces 0 ..< count through `body`, and what was handed over in order; `stop` is thrown in place of the piece of that number.
  private func sideBySide<Found>(_ count: Int, lanes: Int, stop: (at: Int, error: any Error)? = nil, _ body: (Int, Int) throws -> Found)
    -> (
      [(piece: Int, found: Found)], (any Error)?
    )
  {
    var handedOver: [(piece: Int, found: Found)] = []
    var next = 0
    do {
      try Engine.sideBySide(
        lanes: lanes,
        next: { () -> Int? in
          if let stop, next == stop.at { throw stop.error }
          guard next < count else { return nil }
          next += 1
          return next - 1
        }, body, inOrder: { handedOver.append(($0, $1)) })
      return (handedOver, nil)
    } catch {
      return (handedOver, error)
    }
  }

  @Test func piecesGiveTheBitsOfOneThreadInTheirOrder() throws {
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    try Engine.setThreads(1)
    let expected = try (0..<40).map(work)
    for (threads, lanes) in [(1, 3), (2, 2), (5, 5), (5, 2)] {
      try Engine.setThreads(threads)
      let (found, error) = sideBySide(40, lanes: lanes) { piece, lane in
        #expect((0..<min(threads, lanes)).contains(lane))
        return try work(piece)
      }
      #expect(error == nil)
      #expect(found.map(\.piece) == Array(0..<40))
      #expect(found.map(\.found) == expected)
    }
  }

  /// No lane waits for a slow piece while there are others.
  @Test func aSlowPieceHoldsUpNoOther() throws {
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    try Engine.setThreads(2)
    let others = NSCondition()
    nonisolated(unsafe) var done = 0
    let (found, error) = sideBySide(30, lanes: 2) { piece, _ in
      others.lock()
      defer { others.unlock() }
      if piece > 0 {
        done += 1
        others.signal()
      }
      // All 29 others go by on the other lane.
      let limit = Date.now + 60
      while piece == 0, done < 29, others.wait(until: limit) {}
      return done
    }
    #expect(error == nil)
    #expect(found.first?.found == 29)
    #expect(found.map(\.piece) == Array(0..<30))
  }

  @Test func noPiecesAreNoWork() throws {
    for lanes in [-1, 0, 1, 4] {
      let (found, error) = sideBySide(0, lanes: lanes) { piece, _ in piece }
      #expect(found.isEmpty && error == nil)
    }
  }

  @Test func theFirstPieceThatFailsIsTold() throws {
    struct Failed: Error, Equatable { var piece: Int }
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    try Engine.setThreads(2)
    for lanes in [1, 2] {
      let (found, error) = sideBySide(20, lanes: lanes) { piece, _ in if piece % 4 == 3 { throw Failed(piece: piece) } }
      #expect(error as? Failed == Failed(piece: 3))
      #expect(found.map(\.piece) == [0, 1, 2])
      // What a stop finds under way is still handed over.
      let (before, stopped) = sideBySide(20, lanes: lanes, stop: (5, Failed(piece: -1))) { piece, _ in piece }
      #expect(stopped as? Failed == Failed(piece: -1))
      #expect(before.map(\.piece) == Array(0..<5))
      // libtorch's own errors keep their text on the thread that made them.
      let (_, torch) = sideBySide(8, lanes: lanes) { piece, _ in _ = try Tensor.ones([2, 3]).linear(Tensor.ones([piece + 10, 4])) }
      #expect(torch is TorchError)
    }
    // Nor is anything begun behind what the receiver refused.
    var taken = 0
    var given = 0
    #expect(throws: Failed(piece: 2)) {
      try Engine.sideBySide(
        lanes: 2,
        next: { () -> Int? in
          given += 1
          return given <= 1000 ? given : nil
        }, { piece, _ in piece },
        inOrder: { piece, _ in
          if piece == 2 { throw Failed(piece: piece) }
          taken += 1
        })
    }
    #expect(taken == 1)
    #expect(given < 1000)
  }
}
