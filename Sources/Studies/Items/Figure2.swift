import ActivationPatterns
import Reports

/// Figure 2: how alike tasks are, before fine-tuning, after it, and in what it changed.
struct Figure2: StudyItem {
  let name = "figure-2"
  let title = "Figure 2: correlations between tasks"

  /// The panels: the paper's three, and the absolute change beside the relative one, which heads of tiny levels dominate.
  private enum State: String, CaseIterable {
    case before, after
    case relative = "relative change"
    case absolute = "change"
  }

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    for seed in planner.study.seeds {
      for task in planner.shownTasks {
        try planner.changes(model, task, seed: seed)
        let names = StepNames(model: model.model.name, task: task.name, seed: seed)
        try planner.change(names.relative, before: names.before, after: names.after, relative: true)
      }
    }
  }

  func findings(_ results: StudyResults) throws -> StudyFindings {
    let tasks = results.shownTasks
    var findings = StudyFindings(
      paragraphs: [
        "Pearson correlations over heads. The paper reports that tasks fall into two groups, mathematics and code against text, and that they correlate less after fine-tuning. Heads whose level before is 0 have no relative change and are left out, pair by pair."
      ])
    var pairs = StudyTable(
      name, "Every pair of tasks; in brackets 95% intervals over seeds",
      [.text("model"), .text("state"), .text("task"), .text("other"), .number("r"), .number("r_low"), .number("r_high")])
    var groups = StudyTable(
      "figure-2-groups", "Within groups and between them, the mean over pairs",
      [.text("model"), .text("state")]
        + ["within", "between", "difference"].flatMap { [.number($0), .number("\($0)_low"), .number("\($0)_high")] }
        + [.number("undefined", "undefined heads", decimals: 0)])
    for model in results.models(of: self) {
      for state in State.allCases {
        var matrices: [[[Double?]]] = []
        var undefined = 0
        for seed in state == .before && !results.study.redraws ? Array(results.study.seeds.prefix(1)) : results.study.seeds {
          let levels = try tasks.map { task in
            let names = StepNames(model: model.name, task: task.name, seed: seed)
            return switch state {
            case .before: try results.at(seed).pattern(names.before)
            case .after: try results.pattern(names.after)
            case .relative: try results.change(names.relative)
            case .absolute: try results.change(names.change)
            }
          }
          undefined += levels.reduce(0) { $0 + $1.undefinedCount }
          matrices.append(try Correlation.matrix(levels))
        }
        var means = [[Double?]](repeating: [Double?](repeating: nil, count: tasks.count), count: tasks.count)
        for (row, task) in tasks.enumerated() {
          for (column, other) in tasks.enumerated() {
            let mean = SeedMean(matrices.compactMap { $0[row][column] })
            means[row][column] = mean?.mean
            guard column > row else { continue }
            pairs.rows.append([
              .text(model.name), .text(state.rawValue), .text(task.name), .text(other.name), .init(mean?.mean), .init(mean?.low),
              .init(mean?.high),
            ])
          }
        }
        let chart = NumberMatrix(
          names: tasks.map(\.name), values: means, title: "\(model.name): \(state.rawValue)", valueName: "Pearson correlation")
        findings.figures.append(
          StudyFigure(
            name: "\(name)-\(model.name)-\(state.rawValue.replacing(" ", with: "-"))", chart: chart, caption: "The mean over seeds.",
            table: name))
        groups.rows.append([.text(model.name), .text(state.rawValue)] + Self.groups(tasks, matrices) + [.init(undefined)])
      }
    }
    findings.tables = [groups, pairs]
    return findings
  }

  /// The mean correlation within groups, between them, and the difference, each with its interval over seeds.
  private static func groups(_ tasks: [Study.Task], _ matrices: [[[Double?]]]) -> [StudyTable.Cell] {
    var (within, between, difference) = ([Double](), [Double](), [Double]())
    for matrix in matrices {
      var (same, other) = ([Double](), [Double]())
      for row in tasks.indices {
        for column in tasks.indices.dropFirst(row + 1) {
          guard let one = tasks[row].group, let two = tasks[column].group, let r = matrix[row][column] else { continue }
          if one == two { same.append(r) } else { other.append(r) }
        }
      }
      let means = [same, other].map { $0.isEmpty ? nil : $0.reduce(0, +) / Double($0.count) }
      if let mean = means[0] { within.append(mean) }
      if let mean = means[1] { between.append(mean) }
      if let one = means[0], let two = means[1] { difference.append(one - two) }
    }
    return [within, between, difference].flatMap { values -> [StudyTable.Cell] in
      let mean = SeedMean(values)
      return [.init(mean?.mean), .init(mean?.low), .init(mean?.high)]
    }
  }
}
