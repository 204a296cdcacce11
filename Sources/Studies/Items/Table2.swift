import Ground
import Runs
import Selection

/// Table 2: a mixture of basic tasks first, then the complex task's own few samples (scenario 1).
struct Table2: StudyItem {
  let name = "table-2"
  let title = "Table 2: mixtures of basic tasks"

  /// The arms that train on a mixture first.
  private enum Mix: String, CaseIterable {
    case random = "random shares"
    case equal = "equal shares"
    case fitted = "fitted mixture"

    var shares: Mixture.Shares {
      switch self {
      case .random: .random
      case .equal: .equal
      case .fitted: .fit
      }
    }
  }

  /// The steps of a target for a model and a seed.
  private struct Names {
    let prefix: String

    init(_ model: Study.Model, _ target: Study.Task, _ seed: UInt64) { prefix = "\(model.name)/seed-\(seed)/\(target.name)" }

    var before: String { "\(prefix)/own/before" }
    var after: String { "\(prefix)/own/after" }
    var change: String { "\(prefix)/own/change" }
    var fit: String { "\(prefix)/mixture/fit" }
    func mix(_ mix: Mix, _ draw: Int) -> String { "\(prefix)/mixture/\(mix.shares.rawValue)-\(draw)" }
    func value(_ arm: String) -> String { "\(prefix)/mixture/\(arm)/value" }
  }

  private func targets(_ study: Study) -> [Study.Task] {
    let named = study.table2.targets
    return study.tasks.filter { task in named?.contains(task.name) ?? task.has(.target) }
  }

  private func candidates(_ study: Study) -> [Study.Task] {
    let named = study.table2.candidates
    return named.map { names in study.tasks.filter { names.contains($0.name) } } ?? study.tasks([.basic, .candidate], of: study.sets.first)
  }

  private func draws(_ mix: Mix, _ study: Study) -> Range<Int> { 0..<(mix == .random ? study.table2.randomDraws : 1) }

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    let study = planner.study
    let targets = targets(study)
    let candidates = candidates(study)
    guard !targets.isEmpty, !candidates.isEmpty else {
      throw RunError("table-2 mixes basic tasks for a target, and the study has none; give tasks the roles 'basic' and 'target'")
    }
    for target in targets {
      try planner.evaluate(StepNames.untouched(model.model, target), model, planner.base(model), target)
      for seed in study.seeds { try plan(target, candidates, seed, &planner, model) }
    }
  }

  private func plan(
    _ target: Study.Task, _ candidates: [Study.Task], _ seed: UInt64, _ planner: inout Planner, _ model: PlannedModel
  ) throws {
    let study = planner.study
    let names = Names(model.model, target, seed)
    let base = planner.base(model)
    let available = planner.parts.all(target).size.samples
    let own = try planner.parts.training(target, count: min(available, study.table2.samples ?? available), seed: seed)
    let ownData = (step: own.step, file: try planner.write(own))

    // The target's change, every sample measured under the model that was trained on the other folds.
    try planner.pattern(names.before, model, base, on: own)
    var folded: [String] = []
    var foldSteps: [String] = []
    for (number, fold) in planner.parts.folds(of: own, study.table2.folds, seed: seed).enumerated() {
      let others = (step: fold.others.step, file: try planner.write(fold.others))
      let trained = try planner.train(
        "\(names.prefix)/own/fold-\(number)/train", model, from: base, on: others, fold.others.size, seed: seed)
      folded.append(try planner.pattern("\(names.prefix)/own/fold-\(number)/after", model, trained, on: fold.own))
      foldSteps.append("\(names.prefix)/own/fold-\(number)/after")
    }
    try planner.add(
      names.after, JoinRun(patterns: folded, out: planner.plan.file("pattern.safetensors", of: names.after)), reading: foldSteps)
    try planner.change(names.change, before: names.before, after: names.after)
    for task in candidates { try planner.changes(model, task, seed: seed) }
    let fit = try planner.fit(
      names.fit, target: (target.name, names.change),
      basics: candidates.map { ($0.name, StepNames(model: model.model.name, task: $0.name, seed: seed).change) })

    // The target's own samples alone, for the study's epochs and for as many updates as mixture and target take together.
    let together = planner.updates(study.table2.total) + planner.updates(own.size.samples)
    for (arm, updates) in [("target alone", nil), ("equal compute", together)] {
      let step = "\(names.prefix)/mixture/\(arm.replacing(" ", with: "-"))"
      let trained = try planner.train("\(step)/train", model, from: base, on: ownData, own.size, updates: updates, seed: seed)
      try planner.evaluate("\(step)/value", model, trained, target)
    }

    var files: [TaskFile] = []
    var parts: [String] = []
    var size = PartSize()
    for task in candidates {
      let all = planner.parts.all(task)
      files.append(TaskFile(try planner.write(all), name: task.name))
      parts.append(all.step)
      size = PartSize(
        samples: size.samples + all.size.samples, tokens: size.tokens + all.size.tokens, labels: size.labels + all.size.labels)
    }
    for mix in Mix.allCases {
      for draw in draws(mix, study) {
        let step = names.mix(mix, draw)
        var run = MixRun(fit: fit, tasks: files, total: study.table2.total, out: planner.plan.file("mixture.jsonl", of: "\(step)/mix"))
        run.reading.format = "pairs"
        run.top = study.table2.keep
        run.shares = mix.shares
        run.seed = seed &* 1000 &+ UInt64(draw)
        try planner.add("\(step)/mix", run, reading: [names.fit] + parts, mayFail: true)
        let data = (step: "\(step)/mix", file: run.out)
        let first = try planner.train("\(step)/first", model, from: base, on: data, size.scaled(to: study.table2.total), seed: seed)
        let trained = try planner.train("\(step)/train", model, from: first, on: ownData, own.size, seed: seed)
        try planner.evaluate("\(step)/value", model, trained, target)
      }
    }
  }

  func findings(_ results: StudyResults) throws -> StudyFindings {
    let study = results.study
    var findings = StudyFindings(paragraphs: [
      "The target's change is fitted on every candidate; the \(study.table2.keep) tasks with the greatest coefficients share \(study.table2.total) samples, on which the model is trained before it is trained on the target's own. The change is measured inside the target's own training samples, in \(study.table2.folds) folds: its questions are not used.",
      Arms.explanation,
    ])
    var table = StudyTable(
      name, "Arms; in brackets 95% intervals over seeds", [.text("model"), .text("target"), .text("measure")] + Arms.columns)
    var shares = StudyTable(
      "table-2-shares", "What was mixed",
      [
        .text("model"), .text("target"), .number("seed", decimals: 0), .text("arm"), .text("task"), .number("alpha", "α"), .number("share"),
        .number("samples", decimals: 0),
      ])
    for model in results.models(of: self) {
      for target in targets(study) {
        for measure in Measure.allCases where measure == .loss || target.benchmark != nil {
          let arms = try arms(model, target, measure, results)
          let verdicts = arms.verdicts()
          findings.verdicts.append(
            StudyVerdicts(table: name, model: model.name, target: target.name, measure: measure.rawValue, choose: nil, arms: verdicts))
          table.rows += arms.rows([.text(model.name), .text(target.name), .text(measure.rawValue)], verdicts)
          findings.figures.append(
            StudyFigure(
              name: "\(name)-\(model.name)-\(target.name)-\(measure.rawValue)", chart: arms.chart("\(model.name): \(target.name)"),
              caption: "Lines are 95% intervals over seeds.", table: name))
        }
        for seed in study.seeds { try shares.rows += Self.shares(model, target, seed, results) }
      }
    }
    findings.tables = [table, shares]
    return findings
  }

  private func arms(_ model: Study.Model, _ target: Study.Task, _ measure: Measure, _ results: StudyResults) throws -> Arms {
    let study = results.study
    func steps(_ arm: String, _ seed: UInt64) -> [String] {
      let names = Names(model, target, seed)
      if let mix = Mix(rawValue: arm) { return draws(mix, study).map { "\(names.mix(mix, $0))/value" } }
      return arm == "untouched" ? [StepNames.untouched(model, target)] : [names.value(arm.replacing(" ", with: "-"))]
    }
    let arms = ["untouched", "target alone", "equal compute"] + Mix.allCases.map(\.rawValue)
    return Arms(
      measure: measure,
      arms: try arms.map { arm in
        let values = try study.seeds.map { seed in meanOfAll(try steps(arm, seed).map { try results.value($0, measure) }) }
        let all = study.seeds.flatMap { steps(arm, $0) }.map { "\($0)/\(measure.rawValue)" }
        // Of random draws one is what a user would pay for.
        let first = steps(arm, study.seeds[0]).prefix(1).map { "\($0)/\(measure.rawValue)" }
        return Arms.Arm(
          name: arm, values: values, operations: results.operations(Array(first)),
          failure: all.lazy.compactMap(results.store.failure).first,
          paper: measure == .accuracy ? Published.table2(model, arm, target: target.name) : nil)
      }, chance: Mix.random.rawValue)
  }

  private static func shares(
    _ model: Study.Model, _ target: Study.Task, _ seed: UInt64, _ results: StudyResults
  ) throws -> [[StudyTable.Cell]] {
    let names = Names(model, target, seed)
    var rows: [[StudyTable.Cell]] = []
    for mix in Mix.allCases {
      let step = "\(names.mix(mix, 0))/mix"
      guard results.store.failure(step) == nil else { continue }
      let made = try results.store.result(step, as: MixResult.self)
      let head: [StudyTable.Cell] = [.text(model.name), .text(target.name), .number(Double(seed)), .text(mix.rawValue)]
      rows += made.tasks.map { head + [.text($0.name), .number($0.coefficient), .number($0.share), .init($0.count)] }
      if mix == .fitted { rows += made.leftOut.map { head + [.text($0.name), .number($0.coefficient), 0, 0] } }
    }
    return rows
  }
}
