import Evaluation
import Foundation
public import Reports

extension EvaluationOutcome {
  /// The 95% interval of a share or mean from its standard error: ±1.96 of them, a share within 0 and 1.
  static func interval(_ value: Double?, _ error: Double?, isShare: Bool = true) -> (low: Double, high: Double)? {
    guard let value, let error else { return nil }
    let (low, high) = (value - 1.96 * error, value + 1.96 * error)
    return isShare ? (max(0, low), min(1, high)) : (low, high)
  }

  /// The 95% interval of the value.
  public var interval: (low: Double, high: Double)? { Self.interval(result.value, result.standardError, isShare: !isLoss) }

  /// Benchmarks as a part of a report: accuracies and losses with their intervals.
  /// - Parameters:
  ///   - evaluations: The results and what their files are called.
  ///   - numbers: Takes the files of numbers that the pictures name.
  public static func section(
    _ evaluations: [(name: String, outcome: EvaluationOutcome)], _ numbers: inout [(name: String, text: String)]
  ) -> ReportPage.Section {
    let file = "benchmarks.csv"
    numbers.append(
      (
        file,
        CSVText.table(
          columns: ["name", "benchmark", "variant", "model", "value", "low", "high", "count", "correct", "unanswered"],
          rows: evaluations.map { name, outcome in
            let result = outcome.result
            return [name, result.benchmark, result.variant, outcome.about.model]
              + [result.value, outcome.interval?.low, outcome.interval?.high].map { CSVText.number($0) }
              + ["\(result.count)", "\(result.correct)", "\(result.unanswered)"]
          })
      ))
    func chart(_ shown: [(name: String, outcome: EvaluationOutcome)], _ valueName: String) -> ReportPage.Picture? {
      guard !shown.isEmpty else { return nil }
      return .init(
        BarChart(
          names: shown.map { "\($0.name): \($0.outcome.result.benchmark)" },
          bars: shown.map { [.init($0.outcome.result.value, low: $0.outcome.interval?.low, high: $0.outcome.interval?.high)] },
          valueName: valueName), caption: "Lines are 95% intervals.", numbers: "report/\(file)")
    }
    let figure = { (value: Double?) in NumberText.fixed(value, decimals: 4) }
    let table = ReportPage.Table(
      columns: [
        ("name", false), ("benchmark", false), ("variant", false), ("shots", true), ("value", true), ("95% interval", false),
        ("questions", true), ("right", true), ("unanswered", true), ("cut", true), ("acc_norm", true),
      ],
      rows: evaluations.map { name, outcome in
        let result = outcome.result
        let interval = outcome.interval.map { "[\(figure($0.low)), \(figure($0.high))]" } ?? "–"
        return [
          name, result.benchmark, result.variant, "\(result.shots)", figure(result.value), interval, "\(result.count)",
          outcome.isLoss ? "–" : "\(result.correct)", "\(result.unanswered)", "\(result.truncated)",
          result.normalizedAccuracy.map { figure($0) } ?? "",
        ]
      }
    ).withoutEmptyColumns
    let subjects = evaluations.compactMap { name, outcome -> ReportPage.Table? in
      guard let subjects = outcome.result.subjects, subjects.count > 1 else { return nil }
      return ReportPage.Table(
        title: "Subjects of \(name)",
        columns: [("subject", false), ("accuracy", true), ("95% interval", false), ("questions", true), ("right", true)],
        rows: subjects.sorted { $0.key < $1.key }.map { subject, part in
          let interval = Self.interval(part.value, part.standardError).map { "[\(figure($0.low)), \(figure($0.high))]" } ?? "–"
          return [subject, figure(part.value), interval, "\(part.count)", "\(part.correct)"]
        })
    }
    let settings = ReportPage.Table(
      columns: [
        ("name", false), ("model", false), ("model fingerprint", false), ("data fingerprint", false), ("metric", false),
        ("answer", false), ("type", false), ("max length", true),
      ],
      rows: evaluations.map { name, outcome in
        let about = outcome.about
        return [
          name, about.model, about.modelFingerprint, about.dataFingerprint, outcome.result.metric, outcome.result.extraction, about.dtype,
          "\(about.maxLength)",
        ]
      })
    return ReportPage.Section(
      title: "Benchmarks",
      paragraphs: ["Shares of right answers, or mean losses in nats; intervals from the standard error over questions."],
      tables: [table] + subjects,
      pictures: [
        chart(evaluations.filter { !$0.outcome.isLoss }, "share of right answers"),
        chart(evaluations.filter(\.outcome.isLoss), "mean loss, nats a label"),
      ].compactMap(\.self), settings: [settings])
  }
}
