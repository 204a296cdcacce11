import CheckpointFiles
import Dispatch
import Ground
import Torch

/// A random projection of long rows to D numbers that keeps inner products in expectation: x ↦ x R / √D with R `[P, D]` of independent signs
/// (Rademacher; Johnson and Lindenstrauss 1984, Achlioptas 2003).
///
/// Row p of R is drawn by a generator of its own, so that R depends on nothing but the seed: it is made in blocks of rows where it is needed and never
/// stands whole in memory (it would take 32 GB for P = 10⁶ and D = 8,192).
public struct RandomProjection: Sendable {
  /// D, the length of what comes out.
  public let dimension: Int
  /// What R is drawn from.
  public let seed: UInt64
  private let key: UInt64
  /// Rows of R that stand in memory at a time: 16 MiB of it.
  private var blockRows: Int { max(1, (1 << 22) / dimension) }

  /// A projection to `dimension` numbers.
  public init(dimension: Int, seed: UInt64) {
    self.dimension = dimension
    self.seed = seed
    var generator = SeededGenerator(seed: seed, stream: "random projection")
    key = generator.next()
  }

  /// What tells projections of rows of this length apart.
  public func name(of length: Int) -> String { "rademacher, \(length) to \(dimension), seed \(seed)" }

  /// Rows from `start` on of R, without the factor 1 / √D, row by row: bit b of the generator's number w is the sign in column 64 w + b, − where it is
  /// set. Row p's generator is seeded by the first number of the stream `random projection` of the seed, plus p.
  public func signs(rows: Range<Int>) -> [Float] {
    let width = dimension
    return [Float](unsafeUninitializedCapacity: rows.count * width) { buffer, filled in
      filled = rows.count * width
      guard let base = buffer.baseAddress else { return }
      // Every row is written by one thread, whole.
      nonisolated(unsafe) let target = base
      let parts = max(1, min(rows.count, Engine.threads * 4))
      DispatchQueue.concurrentPerform(iterations: parts) { part in
        for row in rows.count * part / parts..<rows.count * (part + 1) / parts {
          fill(target + row * width, row: rows.lowerBound + row)
        }
      }
    }
  }

  private func fill(_ target: UnsafeMutablePointer<Float>, row: Int) {
    var generator = SeededGenerator(seed: key &+ UInt64(row))
    let one = Float(1).bitPattern
    var column = 0
    while column < dimension {
      var bits = generator.next()
      let end = min(dimension, column + 64)
      while column < end {
        target[column] = Float(bitPattern: one | UInt32(truncatingIfNeeded: bits & 1) << 31)
        bits >>= 1
        column += 1
      }
    }
  }

  /// Projects rows of equal length: [rows · D], row by row. Blocks are multiplied in float32 and added up in double precision.
  /// - Throws: `TorchError`.
  public func project(_ rows: [[Float]]) throws -> [Float] {
    guard let length = rows.first?.count, length > 0 else { return [] }
    let whole = try Tensor(rows.flatMap(\.self), shape: [rows.count, length])
    var sum = try Tensor.zeros([rows.count, dimension], elementType: .float64)
    for start in stride(from: 0, to: length, by: blockRows) {
      let block = start..<min(length, start + blockRows)
      let signs = try Tensor(signs(rows: block), shape: [block.count, dimension])
      sum = try sum + whole.narrowed(1, from: start, length: block.count).matrixProduct(signs)
    }
    return try (sum * (1 / Double(dimension).squareRoot())).floats()
  }
}
