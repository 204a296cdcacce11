import CTorch

extension Engine {
  /// Does independent pieces of work side by side, each on one thread, and gives what they found in their order.
  ///
  /// Small pieces, such as the batches of a small model, are done faster so than one after another on all threads, since no thread waits for another
  /// within an operation; and what a piece computes does not depend on the number of threads. Within a piece it goes on one thread.
  ///
  /// - Parameters:
  ///   - count: the pieces.
  ///   - body: does a piece, on one of `threads` lanes that count from 0. It is called from several threads at once, but never twice at once on one
  ///     lane: what it shares with other lanes it only reads.
  /// - Throws: what the first piece that failed threw, after all are done.
  public static func sideBySide<Found>(_ count: Int, _ body: (_ piece: Int, _ lane: Int) throws -> Found) throws -> [Found] {
    var found = [Result<Found, any Error>?](repeating: nil, count: max(0, count))
    try found.withUnsafeMutableBufferPointer { found in
      // Each piece writes its own place, and nobody reads before all are done.
      nonisolated(unsafe) let places = found
      withoutActuallyEscaping(body) { body in
        let work = Work { piece, lane in places[piece] = Result { try body(piece, lane) } }
        withExtendedLifetime(work) {
          ct_side_by_side(
            Int64(count),
            { piece, lane, work in work.map { Unmanaged<Work>.fromOpaque($0).takeUnretainedValue().body(Int(piece), Int(lane)) } },
            Unmanaged.passUnretained(work).toOpaque())
        }
      }
    }
    return try found.map { piece in
      guard let piece else { throw TorchError("a piece of work was left out") }
      return try piece.get()
    }
  }

  /// A closure as C carries it.
  private final class Work {
    let body: (Int, Int) -> Void
    init(_ body: @escaping (Int, Int) -> Void) { self.body = body }
  }
}
