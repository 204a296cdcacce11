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
  ///   - stream: names the purpose; hashed by FNV-1a and mixed into the seed.
  public init(seed: UInt64, stream: String) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in stream.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    var mixer = SeededGenerator(seed: seed)
    self.init(seed: mixer.next() ^ hash)
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

  /// A uniform integer in `0..<bound`, by Lemire's method (2019): the high half of a 128-bit product, the biased low
  /// products rejected.
  /// - Parameter bound: above 0; below that the result is 0.
  public mutating func integer(below bound: Int) -> Int {
    guard bound > 0 else { return 0 }
    let range = UInt64(bound)
    var product = next().multipliedFullWidth(by: range)
    if product.low < range {
      let threshold = (0 &- range) % range
      while product.low < threshold { product = next().multipliedFullWidth(by: range) }
    }
    return Int(product.high)
  }

  /// A uniform number in [0, 1): the upper 53 bits, so that every value is a multiple of 2⁻⁵³.
  public mutating func uniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A uniform number in (0, 1], safe to take the logarithm of.
  public mutating func positiveUniform() -> Double {
    Double((next() >> 11) + 1) * 0x1p-53
  }

  /// Shuffles in place by Fisher and Yates, from the last element down: element i changes places with one of 0...i.
  public mutating func shuffle<Element>(_ elements: inout [Element]) {
    guard elements.count > 1 else { return }
    for index in stride(from: elements.count - 1, through: 1, by: -1) {
      elements.swapAt(index, integer(below: index + 1))
    }
  }

  /// A shuffled copy, see ``shuffle(_:)``.
  public mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
    var copy = elements
    shuffle(&copy)
    return copy
  }

  /// `count` positions out of `0..<total`, without replacement, in ascending order; all of them where `count` is not below `total`.
  ///
  /// Selection sampling (Knuth, volume 2, algorithm S): every subset of that size is equally likely.
  public mutating func positions(_ count: Int, outOf total: Int) -> [Int] {
    guard total > 0, count > 0 else { return [] }
    if count >= total { return Array(0..<total) }
    var chosen: [Int] = []
    chosen.reserveCapacity(count)
    for position in 0..<total where integer(below: total - position) < count - chosen.count { chosen.append(position) }
    return chosen
  }
}
