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
      fill(buffer, rows)
    }
  }

  private func fill(_ buffer: UnsafeMutableBufferPointer<Float>, _ rows: Range<Int>) {
    guard let base = buffer.baseAddress else { return }
    let width = dimension
    // Every row is written by one thread, whole.
    nonisolated(unsafe) let target = base
    let parts = max(1, min(rows.count, Engine.threads * 4))
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      for row in rows.count * part / parts..<rows.count * (part + 1) / parts {
        fill(target + row * width, row: rows.lowerBound + row)
      }
    }
  }

  /// The eight signs of every byte, the lowest bit's first: a byte at a time is several times as fast as a bit at a time.
  private static let signsOfByte: [SIMD8<Float>] = (0..<256).map { byte in
    var signs = SIMD8<Float>(repeating: 1)
    for bit in 0..<8 where byte >> bit & 1 == 1 { signs[bit] = -1 }
    return signs
  }

  private func fill(_ target: UnsafeMutablePointer<Float>, row: Int) {
    var generator = SeededGenerator(seed: key &+ UInt64(row))
    Self.signsOfByte.withUnsafeBufferPointer { signs in
      var bits: UInt64 = 0
      var column = 0
      while column < dimension {
        if column % 64 == 0 { bits = generator.next() }
        let eight = signs[Int(bits & 0xFF)]
        if column + 8 <= dimension {
          UnsafeMutableRawPointer(target + column).storeBytes(of: eight, as: SIMD8<Float>.self)
        } else {
          for place in 0..<dimension - column { target[column + place] = eight[place] }
        }
        bits >>= 8
        column += 8
      }
    }
  }

  /// Projects rows of equal length: [rows · D], row by row. Blocks are multiplied in float32 and added up in double precision.
  /// - Throws: `TorchError`.
  public func project(_ rows: [[Float]]) throws -> [Float] {
    guard let length = rows.first?.count, length > 0 else { return [] }
    let whole = try Tensor(rows.flatMap(\.self), shape: [rows.count, length])
    var sum = try Tensor.zeros([rows.count, dimension], elementType: .float64)
    let memory = FloatMemory(count: min(length, blockRows) * dimension)
    for start in stride(from: 0, to: length, by: blockRows) {
      let block = start..<min(length, start + blockRows)
      fill(memory.numbers, block)
      let signs = try Tensor(over: memory, shape: [block.count, dimension])
      sum = try sum + whole.narrowed(1, from: start, length: block.count).matrixProduct(signs)
    }
    return try (sum * (1 / Double(dimension).squareRoot())).floats()
  }
}
