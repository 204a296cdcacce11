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
      "figure-2-groups", "Within groups and between them, the mean over pairs; the last row is paired by seed",
      [.text("model"), .text("state")]
        + ["within", "between", "difference"].flatMap { [.number($0), .number("\($0)_low"), .number("\($0)_high")] }
        + [.number("undefined", "undefined heads", decimals: 0)])
    for model in results.models(of: self) {
      var means: [State: [[Double?]]] = [:]
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
        var cells = [[Double?]](repeating: [Double?](repeating: nil, count: tasks.count), count: tasks.count)
        for (row, task) in tasks.enumerated() {
          for (column, other) in tasks.enumerated() {
            let mean = SeedMean(matrices.compactMap { $0[row][column] })
            cells[row][column] = mean?.mean
            guard column > row else { continue }
            pairs.rows.append([
              .text(model.name), .text(state.rawValue), .text(task.name), .text(other.name), .init(mean?.mean), .init(mean?.low),
              .init(mean?.high),
            ])
          }
        }
        let chart = NumberMatrix(
          names: tasks.map(\.name), values: cells, title: "\(model.name): \(state.rawValue)", valueName: "Pearson correlation")
        findings.figures.append(
          StudyFigure(
            name: "\(name)-\(model.name)-\(state.rawValue.replacing(" ", with: "-"))", chart: chart, caption: "The mean over seeds.",
            table: name))
        let seeds = matrices.map { Self.groupMeans(tasks, $0) }
        means[state] = seeds
        groups.rows.append([.text(model.name), .text(state.rawValue)] + Self.cells(seeds) + [.init(undefined)])
      }
      if let before = means[.before], let after = means[.after] {
        // Paired: a seed's own base model, or the one that all seeds begin with.
        let paired = after.enumerated().map { seed, later in
          let earlier = before[results.study.redraws ? seed : 0]
          return zip(later, earlier).map { later, earlier in later.flatMap { later in earlier.map { later - $0 } } }
        }
        groups.rows.append([.text(model.name), "after less before"] + Self.cells(paired) + [.nothing])
      }
    }
    findings.tables = [groups, pairs]
    return findings
  }

  /// The mean correlation within groups, between them, and the difference; nothing where there is no such pair.
  private static func groupMeans(_ tasks: [Study.Task], _ matrix: [[Double?]]) -> [Double?] {
    var (same, other) = ([Double](), [Double]())
    for row in tasks.indices {
      for column in tasks.indices.dropFirst(row + 1) {
        guard let one = tasks[row].group, let two = tasks[column].group, let r = matrix[row][column] else { continue }
        if one == two { same.append(r) } else { other.append(r) }
      }
    }
    let means = [same, other].map { $0.isEmpty ? nil : $0.reduce(0, +) / Double($0.count) }
    return means + [means[0].flatMap { within in means[1].map { within - $0 } }]
  }

  /// The three over seeds, each with its interval.
  private static func cells(_ seeds: [[Double?]]) -> [StudyTable.Cell] {
    (0..<3).flatMap { figure -> [StudyTable.Cell] in
      let mean = SeedMean(seeds.compactMap { $0[figure] })
      return [.init(mean?.mean), .init(mean?.low), .init(mean?.high)]
    }
  }
}
