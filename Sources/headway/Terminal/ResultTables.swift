import ActivationPatterns
import Evaluation
import Reports
import Runs

/// A number with all its digits; empty where there is none.
private func number(_ value: Double?) -> String { CSVText.number(value) }
private func number(_ value: Int?) -> String { value.map(String.init) ?? "" }
/// The ends of an interval, as two cells.
private func ends(_ interval: Interval?) -> [String] { [number(interval?.low), number(interval?.high)] }

extension StatisticsResult: TabularItem {
  static func table(of items: [StatisticsResult]) -> CSVTable {
    let isSampled = items.contains { $0.bootstrap != nil }
    let figures = ["gini", "cv", "kurtosis", "mean"]
    return CSVTable(
      columns: ["name", "path", "step", "score"] + figures + ["min", "max", "undefined", "strongest"]
        + (isSampled ? figures.flatMap { ["\($0)_low", "\($0)_high"] } + ["reliability"] : []),
      rows: items.map { item in
        let bootstrap = item.bootstrap
        return [
          item.name, item.path, number(item.step), item.score.rawValue, number(item.gini), number(item.cv), number(item.kurtosis),
          number(item.mean), number(item.min), number(item.max), number(item.undefined),
          item.strongest.map { "\($0.layer):\($0.head)" }.joined(separator: " "),
        ]
          + (isSampled
            ? [bootstrap?.gini, bootstrap?.cv, bootstrap?.kurtosis, bootstrap?.mean].flatMap(ends) + [number(bootstrap?.reliability)] : [])
      })
  }
}

extension CorrelationResult: TabularResult {
  /// The matrix, and with intervals each column's ends behind it.
  var table: CSVTable {
    CSVTable(
      columns: ["name"] + names.flatMap { bootstrap == nil ? [$0] : [$0, "\($0) low", "\($0) high"] },
      rows: names.indices.map { row in
        [names[row]]
          + names.indices.flatMap { column in
            [number(matrix[row][column])] + (bootstrap.map { [number($0.low[row][column]), number($0.high[row][column])] } ?? [])
          }
      })
  }
}

extension FitResult: TabularResult {
  /// A row a fit: that of all basics with its intervals, then those of subsets.
  var table: CSVTable {
    let isSampled = bootstrap != nil
    let columns =
      ["target", "basics", "r2", "adjusted_r2"] + (isSampled ? ["r2_low", "r2_high"] : [])
      + names.flatMap { isSampled ? [$0, "\($0) low", "\($0) high"] : [$0] } + (intercept == nil ? [] : ["intercept"])
    let whole =
      [target, names.joined(separator: " + "), number(r2), number(adjustedR2)] + (isSampled ? ends(bootstrap?.r2) : [])
      + names.flatMap { [number(coefficients[$0])] + (isSampled ? ends(bootstrap?.coefficients[$0]) : []) }
      + (intercept == nil ? [] : [number(intercept)])
    let parts = subsets.map { subset in
      [target, subset.names.joined(separator: " + "), number(subset.r2), number(subset.adjustedR2)] + (isSampled ? ["", ""] : [])
        + names.flatMap { [number(subset.coefficients[$0])] + (isSampled ? ["", ""] : []) } + (intercept == nil ? [] : [""])
    }
    return CSVTable(columns: columns, rows: [whole] + parts)
  }
}

extension AblationResult: TabularResult {
  /// A row for whatever was off: each item, all together, then the curves step by step.
  var table: CSVTable {
    let groups =
      [("single", items), ("together", together.map { [$0] } ?? []), ("cumulative", cumulative?.changes ?? [])]
      + random.enumerated().map { ("random \($0.offset + 1)", $0.element.changes) }
    return CSVTable(
      columns: [
        "group", "off", "layer", "head", "count", "true_change", "true_low", "true_high", "prediction", "prediction_low", "prediction_high",
      ] + (benchmark == nil ? [] : ["accuracy_change", "accuracy_change_stderr"]),
      rows: groups.flatMap { group, changes in
        changes.map { change in
          [group, change.name, number(change.layer), number(change.head), number(change.count ?? 1), number(change.trueChange)]
            + ends(change.trueInterval) + [number(change.prediction)] + ends(change.predictionInterval)
            + (benchmark == nil ? [] : [number(change.accuracyChange), number(change.accuracyError)])
        }
      })
  }
}

extension EvaluationOutcome: TabularResult {
  /// The value, then that of each rule and of each subject.
  var table: CSVTable {
    func row(
      _ part: String, _ name: String, _ metric: String, _ value: Double?, error: Double?, _ correct: Int?, _ count: Int?, _ unanswered: Int?
    )
      -> [String]
    {
      [
        result.benchmark, result.variant, number(result.shots), part, name, metric, number(value), number(error), number(correct),
        number(count), number(unanswered),
      ]
    }
    var rows = [
      row(
        "all", "", result.metric, result.value, error: result.standardError, isLoss ? nil : result.correct, result.count,
        isLoss ? nil : result.unanswered)
    ]
    if let value = result.normalizedAccuracy { rows.append(row("all", "", "acc_norm", value, error: nil, nil, result.count, nil)) }
    for (name, value) in (result.circular ?? [:]).sorted(by: { $0.key < $1.key }) {
      rows.append(row("all", "", name, value, error: nil, nil, result.count, nil))
    }
    for (name, rule) in (result.rules ?? [:]).sorted(by: { $0.key < $1.key }) {
      rows.append(row("rule", name, result.metric, rule.value, error: nil, rule.correct, result.count, rule.unanswered))
    }
    for (name, subject) in (result.subjects ?? [:]).sorted(by: { $0.key < $1.key }) {
      rows.append(row("subject", name, result.metric, subject.value, error: subject.standardError, subject.correct, subject.count, nil))
    }
    return CSVTable(
      columns: ["benchmark", "variant", "shots", "part", "name", "metric", "value", "stderr", "correct", "count", "unanswered"], rows: rows)
  }
}

extension ChangeResult: TabularResult {
  var table: CSVTable {
    CSVTable(
      columns: ["score", "mean", "min", "max", "rose", "undefined"],
      rows: Score.allCases.compactMap { score in
        scores[score.rawValue].map {
          [score.rawValue, number($0.mean), number($0.min), number($0.max), number($0.rose), number($0.undefined)]
        }
      })
  }
}

extension MixResult: TabularResult {
  var table: CSVTable {
    let isLikest = within != nil
    return CSVTable(
      columns: ["task", "coefficient", "share", "samples", "available", "left_out"] + (isLikest ? ["likeness_min", "likeness_max"] : []),
      rows: tasks.map {
        [$0.name, number($0.coefficient), number($0.share), number($0.count), number($0.available), ""]
          + (isLikest ? [number($0.likeness?.least), number($0.likeness?.greatest)] : [])
      }
        + leftOut.map {
          [$0.name, number($0.coefficient), "0", "0", "", $0.reason.rawValue] + (isLikest ? ["", ""] : [])
        })
  }
}

extension SelectResult: TabularResult {
  var table: CSVTable {
    CSVTable(
      columns: ["rank", "index", "id", "task", "file", "score", "target"],
      rows: chosen.enumerated().map { place, sample in
        [
          number(place + 1), number(sample.index), sample.id, sample.task ?? "", sample.file ?? "", number(sample.score),
          sample.target ?? "",
        ]
      })
  }
}
