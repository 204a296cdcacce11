import Foundation

/// How the learning rate runs over the updates of a training, by the formulas of transformers' `get_{constant,linear,cosine}_schedule_with_warmup`.
public struct LearningRateSchedule: Sendable, Hashable {
  /// The form after the warm-up.
  public enum Form: String, Sendable, Hashable, Codable, CaseIterable {
    /// Half a cosine down to 0.
    case cosine
    /// A line down to 0.
    case linear
    /// The peak throughout.
    case constant
  }

  /// The form.
  public let form: Form
  /// The greatest rate.
  public let peak: Double
  /// Updates until it is reached; the first of them has the rate 0.
  public let warmupUpdates: Int
  /// All updates.
  public let totalUpdates: Int

  /// A schedule; the warm-up's updates are rounded up, as transformers rounds a warm-up ratio.
  public init(_ form: Form, peak: Double, warmupRatio: Double, totalUpdates: Int) {
    self.form = form
    self.peak = peak
    self.totalUpdates = totalUpdates
    warmupUpdates = Int((Double(totalUpdates) * min(max(warmupRatio, 0), 1)).rounded(.up))
  }

  /// The rate of an update.
  /// - Parameter update: counted from 0: updates done before it.
  public func rate(at update: Int) -> Double {
    if update < warmupUpdates { return peak * Double(update) / Double(max(1, warmupUpdates)) }
    let rest = Double(max(1, totalUpdates - warmupUpdates))
    switch form {
    case .constant: return peak
    case .linear: return peak * max(0, Double(totalUpdates - update) / rest)
    case .cosine: return peak * max(0, 0.5 * (1 + cos(.pi * Double(update - warmupUpdates) / rest)))
    }
  }
}
