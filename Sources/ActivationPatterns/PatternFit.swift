import Foundation

/// How a change (or pattern) is composed of basic ones: target = Σ α_i basic_i + ε (equation 3).
public struct PatternFit: Sendable, Equatable {
  /// How to fit.
  public struct Options: Sendable, Equatable {
    /// Whether a constant is fitted beside the basics. The paper has none.
    public var hasIntercept: Bool
    /// Whether shares must not be negative: a mixture has no negative share.
    public var isNonnegative: Bool
    /// The ridge penalty λ on basics brought to length one; nil leaves it at 0 unless they are collinear.
    public var ridge: Double?

    /// Plain least squares unless told otherwise.
    public init(hasIntercept: Bool = false, isNonnegative: Bool = false, ridge: Double? = nil) {
      self.hasIntercept = hasIntercept
      self.isNonnegative = isNonnegative
      self.ridge = ridge
    }
  }

  /// α, one for each basic.
  public let coefficients: [Double]
  /// The constant, where one was fitted.
  public let intercept: Double?
  /// R² (10), 1 − Σε² / Σ(y − ȳ)². Without an intercept it may be negative. Nil where the target is constant.
  public let r2: Double?
  /// 1 − (1 − R²)(n − 1)/(n − p), with p coefficients including the constant; nil where n ≤ p.
  public let adjustedR2: Double?
  /// The greatest singular value over the least of the basics brought to length one (and centred, where there is a constant).
  public let conditionNumber: Double
  /// The ridge penalty λ that was used.
  public let ridge: Double
  /// The entries that were fitted, n.
  public let entryCount: Int
  /// Entries left out because a relative change is undefined there.
  public let undefinedCount: Int

  /// From here on the basics are called collinear (Belsley 1980 names 30).
  public static let collinearCondition = 30.0
  /// From here on rounding in the files (single precision) decides what α is, and ridge is used unless told otherwise.
  public static let ridgeCondition = 1e6
  /// That ridge: changes α by a millionth where the basics are sound.
  public static let smallRidge = 1e-6

  /// Fits the target by the basics.
  /// - Throws: `PatternError` where shapes differ, there is no basic, or no entry is defined in all of them.
  public init(target: HeadMatrix, basics: [HeadMatrix], options: Options = Options()) throws {
    self = try FitProblem(target: target, basics: basics, options: options).fit(Array(basics.indices))
  }

  init(
    coefficients: [Double], intercept: Double?, r2: Double?, adjustedR2: Double?, conditionNumber: Double, ridge: Double, entryCount: Int,
    undefinedCount: Int
  ) {
    self.coefficients = coefficients
    self.intercept = intercept
    self.r2 = r2
    self.adjustedR2 = adjustedR2
    self.conditionNumber = conditionNumber
    self.ridge = ridge
    self.entryCount = entryCount
    self.undefinedCount = undefinedCount
  }

  /// What a reader of the coefficients should know, in sentences.
  public var warnings: [String] {
    var warnings: [String] = []
    let condition =
      conditionNumber.isFinite ? "condition number \(String(format: "%.3g", conditionNumber))" : "one is a combination of the others"
    if ridge > 0, conditionNumber >= Self.ridgeCondition {
      warnings.append(
        "the basics are collinear (\(condition)): a ridge penalty of \(ridge) was used, and single coefficients mean little")
    } else if conditionNumber >= Self.collinearCondition {
      warnings.append("the basics are nearly collinear (\(condition)): single coefficients are uncertain")
    }
    if let r2, r2 < 0 {
      warnings.append("R² is negative: without an intercept a fit can be worse than the target's own mean")
    }
    if undefinedCount > 0 { warnings.append("\(undefinedCount) entries are undefined in a relative change and were left out") }
    return warnings
  }
}
