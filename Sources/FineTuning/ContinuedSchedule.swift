import Foundation
import Ground

extension LearningRateSchedule {
  /// The settings of a run that say what rate each update has; together they may change where a run goes on, as long as the updates that are
  /// done had the rates that they would have now.
  static let settingNames = ["epochs", "steps", "schedule", "warmup_ratio"]

  /// The schedule of a run, from what it was started with; nil where that does not say.
  init?(of identity: RunIdentity, peak: Double, windowsPerEpoch: Int) {
    guard let form = identity["schedule"].flatMap(Form.init), let ratio = identity["warmup_ratio"].flatMap(Double.init) else { return nil }
    let epochs = identity["epochs"].flatMap { Int($0) }
    let (updates, overflow) = windowsPerEpoch.multipliedReportingOverflow(by: max(1, epochs ?? 1))
    let total = identity["steps"].flatMap { Int($0) } ?? (overflow ? .max : updates)
    self.init(form, peak: peak, warmupRatio: ratio, totalUpdates: total)
  }

  /// Refuses to go on with a run under this schedule where its updates had other rates.
  /// - Parameters:
  ///   - earlier: the schedule that they were made under.
  ///   - updates: how many were made.
  ///   - folder: the run's, as messages name it.
  /// - Throws: `TrainingError`, which says which update differs and what can be done.
  func requireContinuation(of earlier: LearningRateSchedule, after updates: Int, in folder: String) throws {
    guard totalUpdates >= updates else {
      throw TrainingError(
        "the run in \(folder) has done \(updates) steps, and \(totalUpdates) are asked for; give \(setting: Setting("steps", value: "\(updates)")) or more"
      )
    }
    guard let update = (0..<updates).first(where: { rate(at: $0) != earlier.rate(at: $0) }) else { return }
    let difference: Message =
      "the run in \(folder) cannot go on to step \(totalUpdates): its step \(update + 1) had the rate \(figure(earlier.rate(at: update))), which would have been \(figure(rate(at: update)))"
    let anew: Message =
      "train the model in \(folder) as a new run with another \(setting: .output), or start over"
    if form == .constant, earlier.form == .constant {
      throw TrainingError(
        "\(difference), since the warm-up is a share of all steps; keep it with \(setting: Setting("warmup_ratio", value: ratioText(keeping: earlier.warmupUpdates))), or \(anew)"
      )
    }
    throw TrainingError(
      "\(difference), since \(earlier.form == form ? "a \(form.rawValue) schedule falls to 0 at the last step" : "the schedule is another"); \(anew) (only \(setting: Setting("schedule", value: "constant")) leaves room for more steps)"
    )
  }

  private func figure(_ rate: Double) -> String { String(format: "%.4g", rate) }

  /// A warm-up ratio, as short as it can be, that gives so many updates of this schedule.
  private func ratioText(keeping updates: Int) -> String {
    guard updates > 0 else { return "0" }
    let middle = (Double(updates) - 0.5) / Double(max(1, totalUpdates))
    for digits in 1...17 {
      let text = String(format: "%.\(digits)g", middle)
      if let ratio = Double(text), (Double(totalUpdates) * ratio).rounded(.up) == Double(updates) { return text }
    }
    return "\(middle)"
  }
}

extension RunIdentity {
  /// The identity without what says how a run's learning rate runs.
  var withoutSchedule: RunIdentity {
    var identity = self
    for name in LearningRateSchedule.settingNames { identity[name] = nil }
    return identity
  }
}
