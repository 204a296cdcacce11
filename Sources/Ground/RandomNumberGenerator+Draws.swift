/// What is drawn from a generator, written out because the standard library's own may change between versions, and a seed must give the same again.
extension RandomNumberGenerator {
  /// A uniform integer in `0..<bound`, by Lemire's method (2019): the high half of a 128-bit product, the biased low products rejected.
  /// - Parameter bound: above 0; below that the result is 0.
  @inlinable public mutating func integer(below bound: Int) -> Int {
    guard bound > 0 else { return 0 }
    let range = UInt64(bound)
    var product = next().multipliedFullWidth(by: range)
    if product.low < range {
      let threshold = (0 &- range) % range
      while product.low < threshold { product = next().multipliedFullWidth(by: range) }
    }
    return Int(product.high)
  }

  /// Shuffles in place by Fisher and Yates, from the last element down: element i changes places with one of those up to it.
  @inlinable public mutating func shuffle<Element>(_ elements: inout [Element]) {
    for index in elements.indices.dropFirst().reversed() { elements.swapAt(index, integer(below: index + 1)) }
  }

  /// Shuffles the numbers in a range of places, as ``shuffle(_:)`` does. For numbers apart, because callers are generic over the generator and the
  /// compiler then leaves what is generic over elements unspecialised, ten times as slow.
  @inlinable public mutating func shuffle(_ elements: inout [Double], in range: Range<Int>) {
    elements.withUnsafeMutableBufferPointer { elements in
      for index in range.dropFirst().reversed() {
        elements.swapAt(index, range.lowerBound + integer(below: index - range.lowerBound + 1))
      }
    }
  }

  /// A shuffled copy, see ``shuffle(_:)``.
  @inlinable public mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
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
