import CTorch
import Foundation

extension Engine {
  /// Does independent pieces of work side by side, each on one thread, and hands over what they found in their order.
  ///
  /// A lane that is done takes the next piece at once: none waits for a slower one before the end. Pieces that are short beside what a thread loses within
  /// an operation, such as the batches of a model, are done faster so than one after another on all threads; and what a piece computes does not depend on
  /// the number of threads.
  ///
  /// - Parameters:
  ///   - lanes: the most pieces at a time. With one they are done in turn on the calling thread, whose operations use all threads.
  ///   - next: gives the next piece, and nil when there is none any more.
  ///   - body: does a piece, on one of the lanes, which count from 0. It is called from several threads at once, but never twice at once on one lane: what
  ///     it shares with other lanes it only reads.
  ///   - take: receives what was found, piece by piece in their order. It and `next` are called from any of the threads, but never at the same time.
  /// - Throws: the first error in the order of the pieces, of `next`, `body` or `take`: after all that came before was handed over, and when all lanes
  ///   have stopped. No piece is begun behind an error.
  public static func sideBySide<Piece, Found>(
    lanes: Int, next: () throws -> Piece?, _ body: (_ piece: Piece, _ lane: Int) throws -> Found,
    inOrder take: (_ piece: Piece, _ found: Found) throws -> Void
  ) throws {
    guard lanes > 1 else {
      while let piece = try next() { try take(piece, body(piece, 0)) }
      return
    }
    // All of this is read and written under the lock only.
    let lock = NSLock()
    var isOver = false
    var begun = 0
    var handedOver = 0
    var waiting: [Int: Result<(Piece, Found), any Error>] = [:]
    var failure: (any Error)?

    func end(_ number: Int, _ result: Result<(Piece, Found), any Error>) {
      if case .failure = result { isOver = true }
      waiting[number] = result
      while failure == nil, let result = waiting.removeValue(forKey: handedOver) {
        handedOver += 1
        do {
          let (piece, found) = try result.get()
          try take(piece, found)
        } catch {
          failure = error
          isOver = true
        }
      }
    }
    func begin() -> (number: Int, piece: Piece)? {
      guard !isOver else { return nil }
      do {
        if let piece = try next() {
          begun += 1
          return (begun - 1, piece)
        }
        isOver = true
      } catch {
        // Behind the pieces that are under way.
        end(begun, .failure(error))
      }
      return nil
    }
    onLanes(lanes) { lane in
      while let (number, piece) = lock.withLock(begin) {
        let result = Result { (piece, try body(piece, lane)) }
        lock.withLock { end(number, result) }
      }
    }
    if let failure { throw failure }
  }

  /// Calls `body` once on each of so many threads, or fewer where libtorch uses fewer.
  private static func onLanes(_ count: Int, _ body: (_ lane: Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      let work = Work(body)
      withExtendedLifetime(work) {
        ct_side_by_side(
          Int32(clamping: count), { lane, work in work.map { Unmanaged<Work>.fromOpaque($0).takeUnretainedValue().body(Int(lane)) } },
          Unmanaged.passUnretained(work).toOpaque())
      }
    }
  }

  /// A closure as C carries it.
  private final class Work {
    let body: (Int) -> Void
    init(_ body: @escaping (Int) -> Void) { self.body = body }
  }
}
