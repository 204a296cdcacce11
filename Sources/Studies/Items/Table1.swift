import ActivationPatterns
import Runs

/// Table 1: how concentrated patterns are before and after fine-tuning, the mean over tasks.
struct Table1: StudyItem {
  let name = "table-1"
  let title = "Table 1: the distribution of activation patterns"

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    for seed in planner.study.seeds { for task in planner.shownTasks { try planner.changes(model, task, seed: seed) } }
  }

  /// The statistics of one pattern, by their names in files.
  private static let figures: [(name: String, title: String, decimals: Int, of: @Sendable (PatternStatistics) -> Double?)] = [
    ("gini", "Gini", 2, \.gini), ("cv", "CV", 2, \.coefficientOfVariation), ("kurtosis", "kurtosis", 2, \.kurtosis),
    ("mean", "mean level", 4, \.mean),
  ]

  func findings(_ results: StudyResults) throws -> StudyFindings {
    let tasks = results.shownTasks
    let study = results.study
    let seeds = study.seeds
    var columns: [StudyTable.Column] = [.text("model"), .text("state")]
    for figure in Self.figures {
      columns += [
        .number(figure.name, figure.title, decimals: figure.decimals), .number("\(figure.name)_low", decimals: figure.decimals),
        .number("\(figure.name)_high", decimals: figure.decimals),
      ]
    }
    columns += [.number("rose", "heads that rose, %", decimals: 1), .number("rose_low", decimals: 1), .number("rose_high", decimals: 1)]
    columns += [
      .number("paper_gini", "paper: Gini", decimals: 2), .number("paper_cv", "paper: CV", decimals: 2),
      .number("paper_kurtosis", "paper: kurtosis", decimals: 2),
    ]
    var table = StudyTable(
      name, "Mean over \(tasks.count) tasks; in brackets 95% intervals over \(seeds.count) seeds; changes are paired by seed", columns)
    var single = StudyTable(
      "table-1-tasks", "Every task",
      [.text("model"), .text("task"), .number("seed", decimals: 0), .text("state")]
        + Self.figures.map { .number($0.name, $0.title, decimals: $0.decimals) } + [
          .number("rose", "heads that rose, %", decimals: 1), .number("changed_share", "weights that changed, %, as stored", decimals: 1),
          .number("changed_share_float32", "in float32", decimals: 1),
        ])
    for model in results.models(of: self) {
      func names(_ task: Study.Task, _ seed: UInt64) -> StepNames { StepNames(model: model.name, task: task.name, seed: seed) }
      // The base model is one for all seeds, unless these redraw it.
      let before = try (study.redraws ? seeds : Array(seeds.prefix(1))).map { seed in
        let found = try tasks.map { PatternStatistics(try results.at(seed).pattern(names($0, seed).before), strongest: 0) }
        for (task, statistics) in zip(tasks, found) {
          single.rows.append(
            [.text(model.name), .text(task.name), study.redraws ? .number(Double(seed)) : .nothing, "before"]
              + Self.figures.map { .init($0.of(statistics)) } + [.nothing, .nothing, .nothing])
        }
        return found
      }
      var after: [[PatternStatistics]] = []
      var rose: [Double] = []
      for seed in seeds {
        after.append(try tasks.map { PatternStatistics(try results.pattern(names($0, seed).after), strongest: 0) })
        let shares = try tasks.map { task -> Double in
          let change = try results.change(names(task, seed).change).defined
          return 100 * Double(change.count { $0 > 0 }) / Double(max(1, change.count))
        }
        rose.append(shares.reduce(0, +) / Double(max(1, shares.count)))
        for (index, task) in tasks.enumerated() {
          let training = try results.store.result(names(task, seed).training, as: TrainingResult.self)
          single.rows.append(
            [.text(model.name), .text(task.name), .number(Double(seed)), "after"]
              + Self.figures.map { .init($0.of(after[after.count - 1][index])) }
              + [
                .number(shares[index]), .init(training.changedShare.map { 100 * $0 }),
                .init(training.changedShareInFloat32.map { 100 * $0 }),
              ])
        }
      }
      let published = Published.table1(model)
      /// Each seed's mean over tasks; nothing for a seed none of whose tasks has the figure.
      func means(_ seeds: [[PatternStatistics]], of figure: (PatternStatistics) -> Double?) -> [Double?] {
        seeds.map { tasks in
          let each = tasks.compactMap(figure)
          return each.isEmpty ? nil : each.reduce(0, +) / Double(each.count)
        }
      }
      for isAfter in [false, true] {
        var row: [StudyTable.Cell] = [.text(model.name), isAfter ? "after SFT" : "before SFT"]
        for figure in Self.figures {
          let mean = SeedMean(means(isAfter ? after : before, of: figure.of).compactMap(\.self))
          row += [.init(mean?.mean), .init(mean?.low), .init(mean?.high)]
        }
        let share = isAfter ? SeedMean(rose) : nil
        row += [.init(share?.mean), .init(share?.low), .init(share?.high)]
        let values = isAfter ? published?.after : published?.before
        row += [.init(values?.gini), .init(values?.cv), .init(values?.kurtosis)]
        table.rows.append(row)
      }
      var change: [StudyTable.Cell] = [.text(model.name), "change"]
      for figure in Self.figures {
        let first = means(before, of: figure.of), second = means(after, of: figure.of)
        // Paired: a seed's own base model, or the one that all seeds begin with.
        let differences = second.indices.compactMap { index -> Double? in
          guard let later = second[index], let earlier = first[study.redraws ? index : 0] else { return nil }
          return later - earlier
        }
        let mean = SeedMean(differences)
        change += [.init(mean?.mean), .init(mean?.low), .init(mean?.high)]
      }
      table.rows.append(change + [StudyTable.Cell](repeating: .nothing, count: 6))
    }
    return StudyFindings(
      paragraphs: [
        "A Gini coefficient above 0.4 means that few heads carry a task, a coefficient of variation above 1 that levels are strongly dispersed, a kurtosis above 3 that some heads are far out. The paper reports that all three fall with fine-tuning."
      ], tables: [table, single])
  }
}
