public import CheckpointFiles
import CTorch

/// libtorch's random numbers from a seed; the same seed gives the same numbers again.
public final class RandomTensors {
  private let handle: ct_generator

  /// A generator that starts from this seed.
  public init(seed: UInt64) throws {
    var made: ct_generator?
    try check(ct_generator_make(seed, &made))
    guard let made else { throw TorchError("random generator: none was made") }
    handle = made
  }
  deinit { ct_generator_release(handle) }

  /// Normally distributed float32 numbers.
  public func normal(_ shape: [Int], mean: Double = 0, deviation: Double = 1) throws -> Tensor {
    let lengths = shape.map(Int64.init)
    return try made { ct_normal(handle, mean, deviation, lengths, Int32(lengths.count), $0) }
  }

  /// A mask that switches elements off: 0 with probability `rate`, else 1 / (1 − rate).
  public func dropoutMask(_ shape: [Int], rate: Double, elementType: ElementType = .float32) throws -> Tensor {
    let lengths = shape.map(Int64.init)
    return try made { ct_dropout_mask(handle, rate, lengths, Int32(lengths.count), elementType.ctorch, $0) }
  }

  /// Uniformly distributed float32 numbers.
  public func uniform(_ shape: [Int], from low: Double, to high: Double) throws -> Tensor {
    let lengths = shape.map(Int64.init)
    return try made { ct_uniform(handle, low, high, lengths, Int32(lengths.count), $0) }
  }
}
