import Foundation

/// Student's t distribution.
public enum StudentT {
  /// The probability of a t beyond ±`value`: the two-sided p of a test.
  /// - Parameters:
  ///   - value: t, of either sign.
  ///   - degrees: degrees of freedom, above 0.
  public static func twoSided(_ value: Double, degrees: Double) -> Double {
    guard value.isFinite else { return value.isNaN ? .nan : 0 }
    // Of the two forms the one whose argument keeps its digits.
    let square = value * value
    guard square < degrees else { return incompleteBeta(degrees / (degrees + square), degrees / 2, 0.5) }
    return 1 - incompleteBeta(square / (degrees + square), 0.5, degrees / 2)
  }

  /// The t beyond ± which lies a probability of `p`, in 0 < p < 1: for p = 0.05 the factor of a 95% interval.
  public static func twoSidedQuantile(_ p: Double, degrees: Double) -> Double {
    guard p > 0, p < 1, degrees > 0 else { return p >= 1 ? 0 : .infinity }
    // The probability falls with t: double until it is passed, then halve, to the last bits.
    var (low, high) = (0.0, 1.0)
    while twoSided(high, degrees: degrees) > p, high < 1e300 { (low, high) = (high, 2 * high) }
    for _ in 0..<200 {
      let middle = low + (high - low) / 2
      guard middle > low, middle < high else { break }
      if twoSided(middle, degrees: degrees) > p { low = middle } else { high = middle }
    }
    return low + (high - low) / 2
  }

  /// The regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz's method; Numerical Recipes, 6.4).
  static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    return x < (a + 1) / (a + b + 2) ? front * fraction(x, a, b) / a : 1 - front * fraction(1 - x, b, a) / b
  }

  private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    func kept(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / kept(1 - (a + b) * x / (a + 1))
    var result = d
    for step in 1...10_000 {
      let m = Double(step)
      for numerator in [
        m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
      ] {
        d = 1 / kept(1 + numerator * d)
        c = kept(1 + numerator / c)
        result *= c * d
        if numerator < 0 || m > 1, abs(c * d - 1) < 1e-16 { return result }
      }
    }
    return result
  }
}

/// A mean over seeds with its 95% interval by Student's t; without an interval where there is one seed.
public struct SeedMean: Codable, Sendable, Hashable {
  /// The mean.
  public var mean: Double
  /// The lower end; nil for one seed.
  public var low: Double?
  /// The upper end; nil for one seed.
  public var high: Double?
  /// The seeds.
  public var seeds: Int

  /// The mean of values, one a seed; nil without any.
  public init?(_ values: [Double]) {
    guard !values.isEmpty else { return nil }
    let spread = Spread(values)
    mean = spread.mean
    seeds = values.count
    if let error = spread.standardError {
      let half = StudentT.twoSidedQuantile(0.05, degrees: Double(values.count - 1)) * error
      (low, high) = (mean - half, mean + half)
    }
  }
}

/// Mean and standard error of a few values.
struct Spread {
  let mean: Double
  /// Of the mean, by the sample's deviation with n − 1; nil for one value.
  let standardError: Double?

  init(_ values: [Double]) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    self.mean = mean
    standardError = values.count > 1 ? (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1) / count).squareRoot() : nil
  }
}
