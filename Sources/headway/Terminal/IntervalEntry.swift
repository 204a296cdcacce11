import ActivationPatterns
import Reports

/// An interval as JSON shows it.
struct IntervalEntry: Codable {
  var estimate: Double
  var low: Double
  var high: Double

  init(_ interval: Interval) {
    estimate = interval.estimate
    low = interval.low
    high = interval.high
  }

  /// The ends, with so many decimals.
  func text(decimals: Int) -> String { "[\(NumberText.fixed(low, decimals: decimals)), \(NumberText.fixed(high, decimals: decimals))]" }

  /// The ends, with so many significant digits.
  func text(digits: Int) -> String { "[\(NumberText.short(low, digits: digits)), \(NumberText.short(high, digits: digits))]" }
}

extension Interval {
  /// The ends, with so many decimals.
  func text(decimals: Int) -> String { IntervalEntry(self).text(decimals: decimals) }

  /// The ends, with so many significant digits.
  func text(digits: Int) -> String { IntervalEntry(self).text(digits: digits) }
}
