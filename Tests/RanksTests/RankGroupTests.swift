import Foundation
import Goldens
import Ground
import Testing
import Torch

@testable import Ranks

@Suite(.serialized) struct RankGroupTests {
  private struct Stopped: Error, Equatable {}

  @Test(arguments: [2, 3]) func ranksTellEachOther(count: Int) throws {
    let found = try RanksInThreads.run(count) { ranks in
      let told = try ranks.told("from \(ranks.rank)")
      let many = try ranks.told([String](repeating: "€", count: 10_000 * (ranks.rank + 1)))
      let gathered = try ranks.gathered([Double(ranks.rank), 0.1])
      return (told, many.count, gathered)
    }
    for (told, many, gathered) in try found.map({ try $0.get() }) {
      #expect(told == "from 0" && many == 10_000)
      #expect(gathered == (0..<count).map { [Double($0), 0.1] })
    }
  }

  @Test func aRankWithOtherDataIsNamed() throws {
    let found = try RanksInThreads.run(2) { ranks in
      var identity = RunIdentity()
      identity["model_fingerprint"] = "same"
      identity["data_fingerprint"] = ranks.isFirst ? "one" : "other"
      try ranks.agree(on: identity)
    }
    for case .success in found { Issue.record("ranks with different data agreed") }
    guard case .failure(let error) = found[0] else { return }
    #expect("\(error)".contains("rank 1 (") && "\(error)".contains("data fingerprint: one → other"), "\(error)")
  }

  /// What is found comes in order, once each, on the first rank alone, whoever found it and however many lanes there are.
  @Test(arguments: [(2, 1), (3, 2)]) func piecesInOrder(count: Int, lanes: Int) throws {
    let total = 60
    let found = try RanksInThreads.run(count) { ranks in
      var next = 0
      var taken: [Int] = []
      var own = Set<Int>()
      let lock = NSLock()
      try RankGroup.sideBySide(
        on: ranks, lanes: lanes,
        next: { () -> Int? in
          defer { next += 1 }
          return next < total ? next : nil
        }, shouldStop: { false }, stopped: Stopped(),
        { piece, _ -> Int in
          // Later pieces are done first as often as not.
          Thread.sleep(forTimeInterval: Double((piece * 7919) % 5) / 1000)
          lock.withLock { _ = own.insert(piece) }
          return piece * piece
        },
        encode: { Array("\($0)".utf8) },
        decode: { bytes, _ in Int(String(decoding: bytes, as: UTF8.self)) ?? -1 },
        inOrder: { piece, found in
          #expect(found == piece * piece)
          taken.append(piece)
        })
      return (taken, own)
    }
    let outcomes = try found.map { try $0.get() }
    #expect(outcomes[0].0 == Array(0..<total))
    #expect(outcomes.dropFirst().allSatisfy { $0.0.isEmpty && !$0.1.isEmpty })
    #expect(outcomes.reduce(0) { $0 + $1.1.count } == total)
  }

  /// A result that is larger than a value of the store may be.
  @Test func largeResults() throws {
    let found = try RanksInThreads.run(2) { ranks in
      var pieces = [0, 1, 2, 3][...]
      var sizes: [Int] = []
      try RankGroup.sideBySide(
        on: ranks, lanes: 1, next: { pieces.popFirst() }, shouldStop: { false }, stopped: Stopped(),
        { piece, _ -> [UInt8] in
          Thread.sleep(forTimeInterval: 0.05)
          return [UInt8](repeating: UInt8(piece), count: (4 << 20) * 2 + piece)
        }, encode: { $0 }, decode: { bytes, _ in bytes },
        inOrder: { piece, bytes in
          #expect(bytes.allSatisfy { $0 == UInt8(piece) })
          sizes.append(bytes.count)
        })
      return sizes
    }
    #expect(try found[0].get() == (0..<4).map { (4 << 20) * 2 + $0 })
  }

  /// One rank that is told to stop stops all, and what came before is handed over.
  @Test(arguments: [0, 1]) func oneStopsAll(who: Int) throws {
    let found = try RanksInThreads.run(2) { ranks -> Int in
      var next = 0
      var taken = 0
      do {
        try RankGroup.sideBySide(
          on: ranks, lanes: 1,
          next: { () -> Int? in
            next += 1
            return next
          }, shouldStop: { ranks.rank == who && next > 20 }, stopped: Stopped(), { piece, _ in piece }, encode: { Array("\($0)".utf8) },
          decode: { _, piece in piece }, inOrder: { _, _ in taken += 1 })
      } catch is Stopped {
        return taken
      }
      return -1
    }
    for outcome in found { #expect(try outcome.get() >= 0) }
  }

  /// The first rank ends where another fails, and says which one.
  @Test func aRankThatFailsIsNamed() throws {
    struct Broken: Error {}
    let found = try RanksInThreads.run(2) { ranks in
      var pieces = Array(0..<10)[...]
      try RankGroup.sideBySide(
        on: ranks, lanes: 1, next: { pieces.popFirst() }, shouldStop: { false }, stopped: Stopped(),
        { piece, _ -> Int in
          Thread.sleep(forTimeInterval: 0.02)
          if !ranks.isFirst { throw Broken() }
          return piece
        }, encode: { Array("\($0)".utf8) }, decode: { _, piece in piece }, inOrder: { _, _ in })
    }
    #expect(throws: Broken.self) { try found[1].get() }
    #expect(throws: (any Error).self) { try found[0].get() }
  }

  /// Parts reach their ranks in every type, and a row reaches all or one.
  @Test(arguments: [2, 3]) func exchanges(count: Int) throws {
    let found = try RanksInThreads.run(count) { ranks in
      try ranks.exchanging { group in
        let numbers: [Float] = (0..<count * 3).map { Float(100 * ranks.rank + $0) }
        let parts = try Tensor(numbers, shape: [count, 3])
        let received = try Tensor.zeros([count, 3])
        try group.exchange(parts, into: received).end()
        let rows = try Tensor.zeros([count, 2])
        try Tensor.overwrite([rows.narrowed(0, from: ranks.rank, length: 1)], with: [Tensor.ones([1, 2]) * Double(ranks.rank + 1)])
        try group.share(rows).end()
        let ones = try Tensor.zeros([count, 2])
        try Tensor.overwrite([ones.narrowed(0, from: ranks.rank, length: 1)], with: [Tensor.ones([1, 2])])
        try group.share(ones, with: 1).end()
        return (try received.floats(), try rows.floats(), try ones.floats(), ranks.rank)
      }
    }
    for (received, rows, ones, rank) in try found.map({ try $0.get() }) {
      for from in 0..<count {
        let part: [Float] = from == rank ? [0, 0, 0] : [0, 1, 2].map { Float(100 * from + 3 * rank) + $0 }
        let reached: Float = rank == 1 || from == rank ? 1 : 0
        #expect(Array(received[3 * from..<3 * from + 3]) == part)
        #expect(Array(rows[2 * from..<2 * from + 2]) == [Float(from + 1), Float(from + 1)])
        #expect(Array(ones[2 * from..<2 * from + 2]) == [reached, reached])
      }
    }
  }
}
