extension RandomNumberGenerator {
  /// A uniform integer in 0..<bound, by Lemire's method (2019); written out because the standard library's may change between
  /// versions, and a seed must give the same result again.
  mutating func index(below bound: Int) -> Int {
    let range = UInt64(max(1, bound))
    while true {
      let (high, low) = next().multipliedFullWidth(by: range)
      // Values of the low half below 2^64 mod range would come out too often.
      if low >= range || low >= (0 &- range) % range { return Int(high) }
    }
  }

  /// Puts the elements into a random order (Fisher and Yates), as below. Written for numbers apart, because callers are generic over the generator
  /// and the compiler then leaves what is generic over elements unspecialised, ten times as slow.
  mutating func shuffle(_ elements: inout [Double], in range: Range<Int>) {
    elements.withUnsafeMutableBufferPointer { elements in
      for position in range.dropFirst().reversed() {
        elements.swapAt(position, range.lowerBound + index(below: position - range.lowerBound + 1))
      }
    }
  }

  /// Puts the elements into a random order (Fisher and Yates).
  mutating func shuffle<Element>(_ elements: inout [Element], in range: Range<Int>? = nil) {
    let range = range ?? elements.indices
    for position in range.dropFirst().reversed() {
      elements.swapAt(position, range.lowerBound + index(below: position - range.lowerBound + 1))
    }
  }
}
