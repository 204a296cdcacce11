/// How alike each sample of a pool is to each target: a matrix [N, T] that is made a few rows at a time and never held.
public protocol Likeness: Sendable {
  /// The samples of the pool, N.
  var sampleCount: Int { get }
  /// What the targets are called, [T]; at least one.
  var targetNames: [String] { get }

  /// Hands over the likenesses of the pool's samples in their order.
  /// - Parameter body: takes the first sample of some that follow each other, and their likenesses, [samples, T]; NaN where a sample is not like
  ///   anything, such as one whose levels are all the same.
  /// - Throws: what reading throws, `SelectionError` where a number is not finite, and what `body` throws.
  func forEachBlock(_ body: (_ first: Int, _ values: UnsafeBufferPointer<Double>) throws -> Void) throws

  /// The heads that a likeness is mostly made of, the greatest part first; empty for what is not made of heads.
  func strongestParts(_ count: Int, sample: Int, target: Int) throws -> [HeadPart]
}

extension Likeness {
  /// None: it is not made of heads.
  public func strongestParts(_ count: Int, sample: Int, target: Int) throws -> [HeadPart] { [] }
}

/// What one head adds to a correlation; the parts of all heads add up to it.
public struct HeadPart: Sendable, Hashable, Codable {
  /// The layer, counted from 0.
  public var layer: Int
  /// The head of the layer, counted from 0.
  public var head: Int
  /// Its part.
  public var part: Double

  /// A head's part.
  public init(layer: Int, head: Int, part: Double) {
    (self.layer, self.head, self.part) = (layer, head, part)
  }
}

/// Likenesses that are one number a sample, known beforehand: a loss, a length, a lot.
struct GivenLikeness: Likeness {
  let values: [Double]
  let targetNames: [String]
  var sampleCount: Int { values.count }

  func forEachBlock(_ body: (_ first: Int, _ values: UnsafeBufferPointer<Double>) throws -> Void) throws {
    try values.withUnsafeBufferPointer { try body(0, $0) }
  }
}
