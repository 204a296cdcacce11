import Ground
import Torch

extension RankGroup {
  /// Does independent pieces of work side by side on all ranks, as ``Engine/sideBySide(lanes:next:_:inOrder:)`` does on the threads of one, and hands over
  /// on rank 0 what they found in their order.
  ///
  /// A rank that is free takes the next piece at once: the number of the next is counted in the store of all ranks, so that none waits for a slower one
  /// before the end. The pieces are those of one rank, and what is found in them is the same wherever it is found.
  ///
  /// - Parameters:
  ///   - ranks: the ranks; nil for this process alone.
  ///   - lanes: the most pieces at a time on this rank.
  ///   - next: gives the pieces, the same on all ranks.
  ///   - shouldStop: asked before every piece; where one rank's says so, all stop.
  ///   - stopped: the error that is thrown then.
  ///   - body: does a piece. Where it throws, all ranks stop.
  ///   - encode: what was found as bytes.
  ///   - decode: and back.
  ///   - take: receives on rank 0 what was found, in order; never called elsewhere.
  public static func sideBySide<Piece, Found>(
    on ranks: RankGroup?, lanes: Int, next: () throws -> Piece?, shouldStop: () -> Bool, stopped: any Error,
    _ body: (_ piece: Piece, _ lane: Int) throws -> Found, encode: (Found) throws -> [UInt8],
    decode: ([UInt8], Piece) throws -> Found, inOrder take: (_ piece: Piece, _ found: Found) throws -> Void
  ) throws {
    func nextUnlessStopped() throws -> Piece? {
      guard let piece = try next() else { return nil }
      if shouldStop() { throw stopped }
      return piece
    }
    guard let ranks else { return try Engine.sideBySide(lanes: lanes, next: nextUnlessStopped, body, inOrder: take) }
    try withoutActuallyEscaping(next) { next in
      try withoutActuallyEscaping(shouldStop) { shouldStop in
        let deal = Deal(ranks, next: next, shouldStop: shouldStop, stopped: stopped)
        do {
          if ranks.isFirst {
            try lead(deal, lanes: lanes, body, decode: decode, inOrder: take)
          } else {
            try Engine.sideBySide(
              lanes: lanes, next: deal.claim, { claimed, lane in try body(claimed.piece, lane) },
              inOrder: { claimed, found in try deal.send(claimed.number, encode(found)) })
          }
        } catch {
          deal.stop()
          throw error
        }
      }
    }
  }

  /// The part of rank 0, which does pieces as the others do and receives what these find.
  private static func lead<Piece, Found>(
    _ deal: Deal<Piece>, lanes: Int, _ body: (_ piece: Piece, _ lane: Int) throws -> Found, decode: ([UInt8], Piece) throws -> Found,
    inOrder take: (_ piece: Piece, _ found: Found) throws -> Void
  ) throws {
    var own: [Int: Found] = [:]
    var handedOver = 0
    /// Hands over what is there; with `waits` all, when it is there.
    func handOver(waits: Bool) throws {
      while let piece = deal.pieces[handedOver] {
        if let found = own.removeValue(forKey: handedOver) {
          try take(piece, found)
        } else if let bytes = try deal.received(handedOver, waits: waits) {
          try take(piece, decode(bytes, piece))
        } else {
          return
        }
        deal.pieces[handedOver] = nil
        handedOver += 1
      }
    }
    try Engine.sideBySide(
      lanes: lanes, next: deal.claim, { claimed, lane in try body(claimed.piece, lane) },
      inOrder: { claimed, found in
        own[claimed.number] = found
        try handOver(waits: false)
      })
    try handOver(waits: true)
  }

  /// One plan of pieces that ranks take from. Called by one thread at a time.
  private final class Deal<Piece> {
    private let ranks: RankGroup
    private let key: String
    private let next: () throws -> Piece?
    private let shouldStop: () -> Bool
    private let stopped: any Error
    private var enumerated = 0
    /// On rank 0, the pieces that were not handed over yet.
    var pieces: [Int: Piece] = [:]

    /// What a rank adds to the number of the next piece where it wants all to stop.
    private static var end: Int { 1 << 48 }

    init(_ ranks: RankGroup, next: @escaping () throws -> Piece?, shouldStop: @escaping () -> Bool, stopped: any Error) {
      self.ranks = ranks
      self.next = next
      self.shouldStop = shouldStop
      self.stopped = stopped
      key = ranks.nextKey()
    }

    /// The next piece that no rank has taken, and its number.
    func claim() throws -> (number: Int, piece: Piece)? {
      let number = try ranks.storing { try ranks.store.add(1, to: "\(key)/next") } - 1
      guard number < Self.end else { throw stopped }
      while let piece = try next() {
        if ranks.isFirst { pieces[enumerated] = piece }
        enumerated += 1
        guard enumerated > number else { continue }
        if shouldStop() { throw stopped }
        return (number, piece)
      }
      return nil
    }

    /// Ends the work on all ranks: pieces that are under way are done, no others.
    func stop() { _ = try? ranks.store.add(Self.end, to: "\(key)/next") }

    private func requireGoingOn() throws {
      if shouldStop() { throw stopped }
      if try ranks.storing({ try ranks.store.add(0, to: "\(key)/next") }) >= Self.end { throw stopped }
    }

    /// Sends what was found to rank 0.
    func send(_ number: Int, _ bytes: [UInt8]) throws { try ranks.put(bytes, at: "\(key)/\(number)") }

    /// What another rank found; nil where it is not there and is not to be waited for.
    func received(_ number: Int, waits: Bool) throws -> [UInt8]? {
      let key = "\(key)/\(number)"
      guard try waits || ranks.has(key) else { return nil }
      return try Array(ranks.take(key, isLast: true, asking: requireGoingOn))
    }
  }
}
