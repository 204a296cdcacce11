import CTorch

/// libtorch's random numbers from a seed; the same seed gives the same numbers again.
public final class RandomTensors {
  private let handle: ct_generator

  /// A generator that starts from all 64 bits of this seed.
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

  /// Uniformly distributed float32 numbers.
  public func uniform(_ shape: [Int], from low: Double, to high: Double) throws -> Tensor {
    let lengths = shape.map(Int64.init)
    return try made { ct_uniform(handle, low, high, lengths, Int32(lengths.count), $0) }
  }
}
