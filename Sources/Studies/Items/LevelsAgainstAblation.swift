import ActivationPatterns
import Foundation
import Ground
import Reports
import Runs

/// Levels against ablation: whether a head's level foretells what switching it off does, per model and score.
struct LevelsAgainstAblation: StudyItem {
  let name = "ablation"
  let title = "Levels against ablation: does a level tell what a head is worth?"

  private func tasks(_ study: Study) -> [Study.Task] {
    study.ablation.tasks.map { names in study.tasks.filter { names.contains($0.name) } }
      ?? study.tasks([.basic, .complex], of: study.sets.first)
  }

  /// The steps of a task under the base model, or under the one that was fine-tuned on it.
  private static func step(_ model: Study.Model, _ task: Study.Task, _ seed: UInt64?) -> String {
    "\(model.name)/\(seed.map { "seed-\($0)" } ?? "before")/\(task.name)/ablation"
  }

  private func states(_ study: Study) -> [Bool] { study.ablation.isTuned ? [false, true] : [false] }

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    let study = planner.study
    let tasks = tasks(study)
    guard !tasks.isEmpty else {
      throw RunError("ablation switches heads off for a task, and the study has none; give a task the role 'basic'")
    }
    for task in tasks {
      let isTarget = task.has(.target)
      let part = try isTarget ? planner.parts.questions(task) : planner.parts.probe(task)
      // Of a target all questions are taken, as its benchmark asks them.
      let count = min(part.size.samples, (isTarget ? nil : study.ablation.samples) ?? part.size.samples)
      let own = PlannedPart(
        "\(part.step)-ablated", part.task, Array(part.samples.prefix(count)), isHeldOut: part.isHeldOut,
        size: part.samples.isEmpty ? part.size.scaled(to: count) : nil)
      try plan(task, own, nil, planner.base(model), &planner, model)
      guard study.ablation.isTuned else { continue }
      for seed in study.seeds {
        let count = isTarget ? planner.parts.all(task).size.samples : planner.parts.trainingCount(ofSet: task.set)
        let training = try planner.parts.training(task, count: min(count, study.budgets.train ?? count), seed: seed)
        let trained = try planner.train(
          "\(Self.step(model.model, task, seed))/train", model, from: planner.base(model), on: (training.step, planner.write(training)),
          training.size, seed: seed)
        try plan(task, own, seed, trained, &planner, model)
      }
    }
  }

  private func plan(
    _ task: Study.Task, _ part: PlannedPart, _ seed: UInt64?, _ source: Planner.Source, _ planner: inout Planner, _ model: PlannedModel
  ) throws {
    let step = Self.step(model.model, task, seed)
    let file = try planner.write(part)
    try planner.pattern(
      "\(step)/pattern", model, source, on: [(part.step, file)], part.size, task: task.name, scores: planner.study.ablation.scores)
    try planner.ablate("\(step)/heads", model, source, on: (part.step, file), part.size, task)
  }

  /// The relations of one score's levels to what switching heads off did, over heads.
  private struct Relation {
    /// Of the level (its negative for signed levels, which predict a change) with the change of loss.
    var pearson, spearman: Double?
    /// Of the level's size with the change's.
    var size: Double?
    /// Of the level with what the share of right answers fell by; nil where none was asked.
    var accuracy: Double?

    init(_ score: Score, _ levels: [Double], _ result: AblationResult) {
      let changes = result.items.map(\.trueChange)
      let predicted = levels.map { score == .signed ? -$0 : $0 }
      pearson = Correlation.pearson(predicted, changes)
      spearman = Correlation.spearman(predicted, changes)
      size = Correlation.spearman(levels.map(abs), changes.map(abs))
      let lost = result.items.map { $0.accuracyChange.map { -$0 } }
      accuracy = lost.complete.flatMap { Correlation.spearman(predicted, $0) }
    }
  }

  func findings(_ results: StudyResults) throws -> StudyFindings {
    let study = results.study
    let figures: [(name: String, title: String, of: KeyPath<Relation, Double?>)] = [
      ("pearson", "loss: Pearson", \.pearson), ("spearman", "loss: Spearman", \.spearman), ("size", "sizes: Spearman", \.size),
      ("accuracy", "accuracy: Spearman", \.accuracy),
    ]
    let columns = figures.flatMap { figure -> [StudyTable.Column] in
      [.number(figure.name, figure.title), .number("\(figure.name)_low"), .number("\(figure.name)_high")]
    }
    var findings = StudyFindings(paragraphs: [
      "Every head is switched off by itself. Over heads: the correlation of a head's level with the change of the mean loss (of signed levels their negative, which is the first-order estimate of it), rank correlation of the two sizes, and, where a task's benchmark compares options, rank correlation of the level with what accuracy fell by. Level and change are of the same samples."
    ])
    var table = StudyTable(
      name, "The mean over tasks; in brackets 95% intervals over seeds",
      [.text("model"), .text("state"), .text("score")] + columns + [.number("values", "seeds", decimals: 0)])
    var single = StudyTable(
      "ablation-tasks", "Every task, the mean over seeds",
      [.text("model"), .text("task"), .text("state"), .text("score")] + columns + [.number("loss", decimals: 4)])
    let tasks = tasks(study)
    for model in results.models(of: self) {
      for isTuned in states(study) {
        // The base model is one for all seeds, unless these redraw it.
        let seeds = isTuned || results.study.redraws ? study.seeds : Array(study.seeds.prefix(1))
        // [task][seed]
        let found = try tasks.map { task in
          try seeds.map { seed -> (AblationResult, String) in
            let step = Self.step(model, task, isTuned ? seed : nil)
            return (try results.at(seed).store.result("\(step)/heads", as: AblationResult.self), "\(step)/pattern")
          }
        }
        let state: StudyTable.Cell = isTuned ? "fine-tuned" : "base"
        for score in study.ablation.scores {
          let relations = try zip(tasks, found).map { _, own in
            try zip(seeds, own).map { seed, found in
              Relation(score, try results.at(seed).levels(score, of: found.1), found.0)
            }
          }
          func cells(_ values: (KeyPath<Relation, Double?>) -> [Double?]) -> [StudyTable.Cell] {
            figures.flatMap { figure -> [StudyTable.Cell] in
              let mean = SeedMean(values(figure.of).compactMap(\.self))
              return [.init(mean?.mean), .init(mean?.low), .init(mean?.high)]
            }
          }
          table.rows.append(
            [.text(model.name), state, .text(score.rawValue)]
              + cells { path in
                seeds.indices.map { seed in
                  // Tasks that ask nothing have no accuracy.
                  let defined = relations.compactMap { $0[seed][keyPath: path] }
                  return defined.isEmpty ? nil : defined.reduce(0, +) / Double(defined.count)
                }
              } + [.init(seeds.count)])
          for (place, task) in tasks.enumerated() {
            single.rows.append(
              [.text(model.name), .text(task.name), state, .text(score.rawValue)]
                + cells { path in relations[place].map { $0[keyPath: path] } }
                + [.init(SeedMean(found[place].map(\.0.loss))?.mean)])
          }
        }
      }
    }
    findings.tables = [table, single]
    return findings
  }
}

extension StudyResults {
  /// The mean levels that a step measured under a score, head by head.
  func levels(_ score: Score, of step: String) throws -> [Double] {
    let url = URL(filePath: plan.file("pattern.safetensors", of: step))
    guard let matrix = try PatternFile.read(from: url).matrix(score) else {
      throw RunError("\(url.relativePath) has no score \(score.rawValue); delete the step's folder and run the study again")
    }
    return matrix.values
  }
}

extension Planner {
  /// Plans switching every head off by itself.
  mutating func ablate(
    _ name: String, _ model: PlannedModel, _ source: Source, on data: (step: String, file: String), _ size: PartSize, _ task: Study.Task
  ) throws {
    var run = AblationRun(model: source.path, data: [], choice: .all)
    run.model = modelSettings(source, study.dtype)
    run.data = pairs([data.file], for: model)
    run.resamples = 200
    run.out = plan.file("ablation.json", of: name)
    if task.has(.target), let benchmark = task.benchmark, let reading = parts.material.heldOut[task.name]?.reading {
      // Questions are asked as they are published.
      (run.benchmark, run.data) = (benchmark, reading)
      run.data.maximumLength = study.training.maximumLength
    }
    // A copy for each head, of which half the layers are computed again.
    var cost = costs(model).measuring(size, fromMaster: isMaster(source))
    cost.operations *= 0.25 * Double(model.dimensions.layers * model.dimensions.heads)
    cost.bytesWritten = 0
    try add(
      name, run, reading: source.inputs + [data.step], from: externals(model, source), cost: cost)
  }
}
