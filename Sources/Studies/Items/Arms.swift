import Reports

/// Arms that are judged together: their values over seeds, and what each costs.
struct Arms {
  /// One arm.
  struct Arm {
    var name: String
    /// A value for each seed; nil where it could not be measured.
    var values: [Double?]
    /// Operations of everything that the arm depends on, a seed.
    var operations: Double
    /// Why it has no value, where there is a reason.
    var failure: String?
    /// What the paper reports, in percent.
    var paper: Double?
  }

  var measure: Measure
  var arms: [Arm]
  /// The arm that the others are held against.
  var chance: String

  /// Verdicts on all arms but chance, corrected for their number.
  func verdicts() -> [Verdict] {
    let base = arms.first { $0.name == chance }?.values ?? []
    return Verdict.judge(
      arms.filter { $0.name != chance }.map { arm in
        (
          arm.name,
          zip(arm.values, base).compactMap { value, other in value.flatMap { value in other.map { measure.gain(value, over: $0) } } }
        )
      })
  }

  /// The columns of a table of arms, behind those that say which comparison it is.
  static let columns: [StudyTable.Column] = [
    .text("arm"), .number("value", decimals: 4), .number("value_low", decimals: 4), .number("value_high", decimals: 4),
    .number("seeds", decimals: 0), .number("difference", "better than random by", decimals: 4), .number("difference_low", decimals: 4),
    .number("difference_high", decimals: 4), .number("corrected_low", "the same after Holm", decimals: 4),
    .number("corrected_high", decimals: 4), .text("verdict"), .number("smallest_seen", "least that could be seen", decimals: 4),
    .number("operations", decimals: 0),
    .number("paper", "paper, %", decimals: 2),
  ]

  /// The rows, each behind these cells.
  func rows(_ head: [StudyTable.Cell], _ verdicts: [Verdict]) -> [[StudyTable.Cell]] {
    arms.map { arm in
      let mean = SeedMean(arm.values.compactMap(\.self))
      let verdict = verdicts.first { $0.arm == arm.name }
      let word: String =
        if arm.values.allSatisfy({ $0 == nil }) { "could not be made: \(arm.failure ?? "see its step")" } else if arm.name == chance {
          "what others are held against"
        } else { verdict?.verdict.rawValue ?? "" }
      return head + [
        .text(arm.name), .init(mean?.mean), .init(mean?.low), .init(mean?.high), .init(mean?.seeds ?? 0), .init(verdict?.difference),
        .init(verdict?.low), .init(verdict?.high), .init(verdict?.correctedLow), .init(verdict?.correctedHigh), .text(word),
        .init(verdict?.smallestSeen), .number(arm.operations), .init(arm.paper),
      ]
    }
  }

  /// The arms as bars.
  func chart(_ title: String) -> BarChart {
    BarChart(
      names: arms.map(\.name),
      bars: arms.map { arm in
        let mean = SeedMean(arm.values.compactMap(\.self))
        return [.init(mean?.mean, low: mean?.low, high: mean?.high)]
      }, title: title, valueName: measure == .accuracy ? "share of right answers" : "mean loss, nats a label")
  }

  /// What the page says before such a table.
  static let explanation =
    "An arm is better or worse than random only where the interval of the paired difference over seeds leaves out 0 after Holm's correction for the number of arms; more is better. The smallest difference that could be seen is half of that interval: a true difference below it would have gone unnoticed. Operations are those of everything that the arm needs for one seed, its patterns, fits and choices included."
}

/// The mean of several values for a seed; nil where one is missing.
func meanOfAll(_ values: [Double?]) -> Double? {
  values.complete.flatMap { $0.isEmpty ? nil : $0.reduce(0, +) / Double($0.count) }
}
