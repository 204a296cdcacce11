/// The project's one random generator: xoshiro256** (Blackman and Vigna 2018), seeded through splitmix64.
///
/// A seed gives the same numbers on every platform and in every version. The standard library promises that neither of
/// its own generator nor of its `shuffle`, so the algorithms on top (bounded integers, shuffles) are fixed here too.
public struct SeededGenerator: RandomNumberGenerator, Sendable, Hashable {
  private var s0: UInt64
  private var s1: UInt64
  private var s2: UInt64
  private var s3: UInt64

  /// The generator whose state is the first four outputs of splitmix64 started at `seed`.
  public init(seed: UInt64) {
    var counter = seed
    func splitmix() -> UInt64 {
      counter &+= 0x9E37_79B9_7F4A_7C15
      var z = counter
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    s0 = splitmix()
    s1 = splitmix()
    s2 = splitmix()
    s3 = splitmix()
  }

  /// The generator at a given state, which must not be all zero. For tests against published sequences.
  init(state: (UInt64, UInt64, UInt64, UInt64)) {
    (s0, s1, s2, s3) = state
  }

  /// A generator for one purpose among several that share a seed: its numbers are unrelated to those of other streams.
  /// - Parameters:
  ///   - seed: what the purposes share.
  ///   - stream: names the purpose; hashed and mixed into the seed.
  public init(seed: UInt64, stream: String) {
    var mixer = SeededGenerator(seed: seed)
    self.init(seed: mixer.next() ^ Fingerprint(of: stream).value)
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    func rotated(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
    let result = rotated(s1 &* 5, 7) &* 9
    let t = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= t
    s3 = rotated(s3, 45)
    return result
  }

  /// A uniform number in [0, 1): the upper 53 bits, so that every value is a multiple of 2⁻⁵³.
  public mutating func uniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A uniform number in (0, 1], safe to take the logarithm of.
  public mutating func positiveUniform() -> Double {
    Double((next() >> 11) + 1) * 0x1p-53
  }
}
