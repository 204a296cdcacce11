/// A sum that carries its own rounding error (Neumaier 1974), so that a million terms are as exact as ten.
struct CompensatedSum {
  private var sum = 0.0
  private var compensation = 0.0

  var value: Double { sum + compensation }

  mutating func add(_ term: Double) {
    let total = sum + term
    compensation += abs(sum) >= abs(term) ? (sum - total) + term : (term - total) + sum
    sum = total
  }
}

extension Collection where Element == Double {
  /// The compensated sum.
  func compensatedSum() -> Double {
    var sum = CompensatedSum()
    for value in self { sum.add(value) }
    return sum.value
  }
}

/// Numbers scaled by a power of two, which is exact, so that their squares and fourth powers neither overflow nor vanish.
struct ScaledValues {
  /// The values times 2^−exponent; the largest is in [1, 2) by size.
  let values: [Double]
  /// The power of two that was divided out.
  let exponent: Int

  init(_ values: [Double]) {
    let greatest = values.reduce(0) { Swift.max($0, abs($1)) }
    exponent = greatest > 0 && greatest.isFinite ? Int(greatest.exponent) : 0
    let exponent = exponent
    self.values = exponent == 0 ? values : values.map { $0.scaled(by: -exponent) }
  }
}

extension Double {
  /// The value times 2^power, also where 2^power itself is beyond the range.
  func scaled(by power: Int) -> Double {
    var value = self
    var rest = power
    while rest != 0 && value != 0 && value.isFinite {
      let step = Swift.max(-1000, Swift.min(1000, rest))
      value *= Double(sign: .plus, exponent: step, significand: 1)
      rest -= step
    }
    return value
  }
}
