public import ActivationPatterns
import Reports

extension Interval {
  /// The ends, with this number of decimals.
  public func text(decimals: Int) -> String {
    "[\(NumberText.fixed(low, decimals: decimals)), \(NumberText.fixed(high, decimals: decimals))]"
  }

  /// The ends, with this number of significant digits.
  public func text(digits: Int) -> String { "[\(NumberText.short(low, digits: digits)), \(NumberText.short(high, digits: digits))]" }
}
