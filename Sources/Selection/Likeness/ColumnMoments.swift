import CLikeness
import Dispatch
import Foundation
import Synchronization

/// The mean and the spread of every column of a pool, in one pass, and how rows are standardised by them.
///
/// The sums are taken a fixed number of rows at a time, counted from the pool's first sample, and added up in that order, so that neither the number of
/// processors nor the way in which the pool is split into files changes a bit.
struct ColumnMoments: Sendable {
  /// The means, [D].
  let means: [Double]
  /// The population's standard deviations, [D].
  let deviations: [Double]

  /// z = x · scale + shift; both zero for a column that is the same for every sample, which then does not count.
  var scales: [Double] { deviations.map { $0 > 0 ? 1 / $0 : 0 } }
  var shifts: [Double] { zip(means, scales).map { -$0 * $1 } }
  /// Columns that count.
  var entries: Int { deviations.count { $0 > 0 } }

  private static let blockRows = 1024

  /// - Throws: `SelectionError` where a number is not finite.
  init(of rows: SampleRows) throws {
    let width = rows.width
    let origin = try rows.row(0)
    var (sums, squares) = ([Double](repeating: 0, count: width), [Double](repeating: 0, count: width))
    let blocks = ColumnMoments.blocks(of: rows)
    let wave = 2 * ProcessInfo.processInfo.activeProcessorCount
    for start in stride(from: 0, to: blocks.count, by: wave) {
      let batch = blocks[start..<min(blocks.count, start + wave)]
      let found = Mutex([Int: Result<(sums: [Double], squares: [Double]), any Error>]())
      DispatchQueue.concurrentPerform(iterations: batch.count) { place in
        let result = Result { try ColumnMoments.sums(of: batch[start + place], rows, origin) }
        found.withLock { $0[place] = result }
      }
      let results = found.withLock { $0 }
      for place in 0..<batch.count {
        guard let block = try results[place]?.get() else { continue }
        for column in 0..<width {
          sums[column] += block.sums[column]
          squares[column] += block.squares[column]
        }
      }
    }
    let count = Double(rows.count)
    means = (0..<width).map { origin[$0] + sums[$0] / count }
    deviations = (0..<width).map { max(0, (squares[$0] - sums[$0] * sums[$0] / count) / count).squareRoot() }
  }

  /// The rows of each block: of one file, or the end of one and the beginning of the next.
  private static func blocks(of rows: SampleRows) -> [[(piece: Int, rows: Range<Int>)]] {
    var blocks: [[(piece: Int, rows: Range<Int>)]] = []
    var room = 0
    for (number, piece) in rows.pieces.enumerated() {
      var start = 0
      while start < piece.count {
        if room == 0 {
          blocks.append([])
          room = blockRows
        }
        let end = min(piece.count, start + room)
        blocks[blocks.count - 1].append((number, start..<end))
        room -= end - start
        start = end
      }
    }
    return blocks
  }

  private static func sums(
    of block: [(piece: Int, rows: Range<Int>)], _ rows: SampleRows, _ origin: [Double]
  ) throws -> (sums: [Double], squares: [Double]) {
    var (sums, squares) = ([Double](repeating: 0, count: rows.width), [Double](repeating: 0, count: rows.width))
    for (number, range) in block {
      let piece = rows.pieces[number]
      let bytes = try piece.bytes(range)
      let bad = clikeness_columns(bytes.baseAddress, Int64(range.count), Int64(rows.width), origin, &sums, &squares)
      guard bad == -1 else { throw SampleRows.problem(of: range.lowerBound + Int(bad), in: piece, width: rows.width) }
      clikeness_have_read(bytes.baseAddress, Int64(bytes.count))
    }
    return (sums, squares)
  }
}
