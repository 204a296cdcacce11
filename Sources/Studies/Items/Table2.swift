import Ground
import Runs
import Selection

/// Table 2: a mixture of basic tasks first, then the complex task's own few samples (scenario 1).
struct Table2: StudyItem {
  let name = "table-2"
  let title = "Table 2: mixtures of basic tasks"

  /// The arm that the others are held against.
  private static let chance = Study.Table2.Arm.randomShares

  /// The steps of a target for a model and a seed.
  private struct Names {
    let prefix: String

    init(_ model: Study.Model, _ target: Study.Task, _ seed: UInt64) { prefix = "\(model.name)/seed-\(seed)/\(target.name)" }

    var before: String { "\(prefix)/own/before" }
    var after: String { "\(prefix)/own/after" }
    var change: String { "\(prefix)/own/change" }
    /// The target's own samples under the model that was trained on them, and a candidate's under the same.
    var tuned: String { "\(prefix)/own/tuned" }
    func tuned(_ candidate: Study.Task) -> String { "\(prefix)/mixture/likeness/\(candidate.name)" }
    var fit: String { "\(prefix)/mixture/fit" }
    func arm(_ arm: Study.Table2.Arm, _ draw: Int) -> String {
      "\(prefix)/mixture/\(arm.rawValue)" + (arm.mixture == nil ? "" : "-\(draw)")
    }
    func value(_ arm: Study.Table2.Arm, _ draw: Int) -> String { "\(self.arm(arm, draw))/value" }
  }

  private func targets(_ study: Study) -> [Study.Task] {
    let named = study.table2.targets
    return study.tasks.filter { task in named?.contains(task.name) ?? task.has(.target) }
  }

  /// The arms of a study in the order of its tables.
  private func arms(_ study: Study) -> [Study.Table2.Arm] {
    Study.Table2.Arm.allCases.filter { $0 == Self.chance || study.table2.arms.contains($0) }
  }

  private func draws(_ arm: Study.Table2.Arm, _ study: Study) -> Range<Int> {
    0..<(arm == .randomShares || arm == .randomPair ? study.table2.randomDraws : 1)
  }

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    let study = planner.study
    let targets = targets(study)
    guard !targets.isEmpty, !study.mixtureCandidates.isEmpty else {
      throw RunError("table-2 mixes basic tasks for a target, and the study has none; give tasks the roles 'basic' and 'target'")
    }
    for target in targets {
      try planner.evaluate(StepNames.untouched(model.model, target), model, planner.base(model), target)
      for seed in study.seeds { try plan(target, seed, &planner, model) }
    }
  }

  private func plan(_ target: Study.Task, _ seed: UInt64, _ planner: inout Planner, _ model: PlannedModel) throws {
    let study = planner.study
    let names = Names(model.model, target, seed)
    let base = planner.base(model)
    let available = planner.parts.all(target).size.samples
    let own = try planner.parts.training(target, count: min(available, study.table2.samples ?? available), seed: seed)
    let ownData = (step: own.step, file: try planner.write(own))
    try planChange(own, names, seed, &planner, model)

    // The target's own samples alone, for the study's epochs and for as many updates as mixture and target take together.
    let arms = arms(study)
    let together = planner.updates(study.table2.total) + planner.updates(own.size.samples)
    for (arm, updates) in [(Study.Table2.Arm.targetAlone, nil), (.equalCompute, together)] where arms.contains(arm) {
      let trained = try planner.train(
        "\(names.arm(arm, 0))/train", model, from: base, on: ownData, own.size, updates: updates, seed: seed)
      try planner.evaluate(names.value(arm, 0), model, trained, target)
    }
    if arms.contains(where: { $0.mixture?.isLikest == true }) { try planLikeness(own, ownData, names, seed, &planner, model) }
    for arm in arms where arm.mixture != nil {
      for draw in draws(arm, study) {
        let mixed = try planMixture(arm, draw, names, seed, &planner)
        let step = names.arm(arm, draw)
        let first = try planner.train("\(step)/first", model, from: base, on: mixed.data, mixed.size, seed: seed)
        let trained = try planner.train("\(step)/train", model, from: first, on: ownData, own.size, seed: seed)
        try planner.evaluate(names.value(arm, draw), model, trained, target)
      }
    }
  }

  /// Plans the target's change, every sample measured under the model that was trained on the other folds, and its fit on the candidates' changes.
  private func planChange(
    _ own: PlannedPart, _ names: Names, _ seed: UInt64, _ planner: inout Planner, _ model: PlannedModel
  ) throws {
    let study = planner.study
    let base = planner.base(model)
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
    let candidates = study.mixtureCandidates
    for task in candidates { try planner.changes(model, task, seed: seed) }
    try planner.fit(
      names.fit, target: (own.task, names.change),
      basics: candidates.map { ($0.name, StepNames(model: model.model.name, task: $0.name, seed: seed).change) })
  }

  /// Plans the patterns by which likest samples are drawn: the target's and the candidates', under the model that was trained on the target's own.
  private func planLikeness(
    _ own: PlannedPart, _ ownData: (step: String, file: String), _ names: Names, _ seed: UInt64, _ planner: inout Planner,
    _ model: PlannedModel
  ) throws {
    // The arm of the target alone trains the same model, where there is one.
    let tuned = try planner.train(
      "\(names.arm(.targetAlone, 0))/train", model, from: planner.base(model), on: ownData, own.size, seed: seed)
    try planner.pattern(names.tuned, model, tuned, on: own)
    for task in planner.study.mixtureCandidates {
      try planner.pattern(names.tuned(task), model, tuned, on: planner.parts.pool(task))
    }
  }

  /// Plans an arm's mixture.
  /// - Returns: its step and file, and how long it is.
  private func planMixture(
    _ arm: Study.Table2.Arm, _ draw: Int, _ names: Names, _ seed: UInt64, _ planner: inout Planner
  ) throws -> (data: (step: String, file: String), size: PartSize) {
    let study = planner.study
    let step = "\(names.arm(arm, draw))/mix"
    let (shares, isLikest) = arm.mixture ?? (.fit, false)
    var tasks = study.mixtureCandidates
    switch arm {
    case .randomPair:
      var generator = SeededGenerator(seed: seed, stream: "study random pair \(draw)")
      tasks = generator.positions(min(study.table2.keep, tasks.count), outOf: tasks.count).map { [tasks] in tasks[$0] }
    case .wrongPair: tasks = tasks.filter { study.table2.wrong.contains($0.name) }
    default: break
    }
    var inputs: [String] = []
    var size = PartSize()
    var files: [TaskFile] = []
    for task in tasks {
      let part = isLikest ? planner.parts.pool(task) : planner.parts.all(task)
      files.append(TaskFile(try planner.write(part), name: task.name))
      inputs.append(part.step)
      size = PartSize(
        samples: size.samples + part.size.samples, tokens: size.tokens + part.size.tokens, labels: size.labels + part.size.labels)
    }
    var run = MixRun(fit: nil, tasks: files, total: study.table2.total, out: planner.plan.file("mixture.jsonl", of: step))
    run.reading.format = "pairs"
    run.shares = shares
    run.seed = seed &* 1000 &+ UInt64(draw)
    if arm.isOfFit {
      run.fit = planner.plan.file("fit.json", of: names.fit)
      run.top = study.table2.keep
      inputs.insert(names.fit, at: 0)
    }
    if isLikest {
      run.within = planner.plan.file("pattern.safetensors", of: names.tuned)
      run.pool = tasks.map { PatternSource(planner.plan.file("pattern.safetensors", of: names.tuned($0)), name: $0.name) }
      inputs += [names.tuned] + tasks.map(names.tuned)
    }
    try planner.add(step, run, reading: inputs, mayFail: true)
    return ((step, run.out), size.scaled(to: study.table2.total))
  }

  func findings(_ results: StudyResults) throws -> StudyFindings {
    let study = results.study
    var findings = StudyFindings(paragraphs: [
      "The target's change is fitted on every candidate; the \(study.table2.keep) tasks with the greatest coefficients share \(study.table2.total) samples, on which the model is trained before it is trained on the target's own. The change is measured inside the target's own training samples, in \(study.table2.folds) folds: its questions are not used."
    ])
    let arms = arms(study)
    if arms.contains(where: { !$0.isOfFit && $0.mixture != nil }) {
      findings.paragraphs.append(
        "The random pair, all candidates and the wrong pair are mixed in equal shares, whatever the fit says of them.")
    }
    if arms.contains(where: { $0.mixture?.isLikest == true }) {
      findings.paragraphs.append(
        "Likest samples are those of each task whose patterns correlate most with the target's mean pattern (equation 5), both under the model that was trained on the target's own samples."
      )
    }
    findings.paragraphs.append(Arms.explanation)
    var table = StudyTable(
      name, "Arms; in brackets 95% intervals over seeds", [.text("model"), .text("target"), .text("measure")] + Arms.columns)
    var shares = StudyTable(
      "table-2-shares", "What was mixed",
      [
        .text("model"), .text("target"), .number("seed", decimals: 0), .text("arm"), .number("draw", decimals: 0), .text("task"),
        .number("alpha", "α"), .number("share"),
        .number("samples", decimals: 0),
      ])
    var crossed = StudyTable(
      "table-2-crossed",
      "Shares by samples within tasks; gains are paired differences, more is better; in brackets 95% intervals over seeds",
      [.text("model"), .text("target"), .text("measure"), .text("samples", "samples within tasks")] + Self.crossedColumns)
    var mixed = StudyTable(
      "table-2-mixtures", "What was mixed, on average over seeds and draws",
      [
        .text("model"), .text("target"), .text("arm"), .text("task"), .number("alpha", "α"), .number("share"),
        .number("samples", decimals: 1),
        .number("mixtures", "in so many mixtures", decimals: 0), .number("all", "of", decimals: 0),
      ])
    for model in results.models(of: self) {
      for target in targets(study) {
        for measure in Measure.allCases where measure == .loss || target.benchmark != nil {
          let arms = try self.arms(model, target, measure, results)
          let verdicts = arms.verdicts()
          findings.verdicts.append(
            StudyVerdicts(table: name, model: model.name, target: target.name, measure: measure.rawValue, choose: nil, arms: verdicts))
          table.rows += arms.rows([.text(model.name), .text(target.name), .text(measure.rawValue)], verdicts)
          findings.figures.append(
            StudyFigure(
              name: "\(name)-\(model.name)-\(target.name)-\(measure.rawValue)", chart: arms.chart("\(model.name): \(target.name)"),
              caption: "Lines are 95% intervals over seeds.", table: name))
          crossed.rows += Self.crossed(arms).map { [.text(model.name), .text(target.name), .text(measure.rawValue)] + $0 }
        }
        let drawn = try study.seeds.flatMap { try self.shares(model, target, $0, results) }
        shares.rows += drawn
        mixed.rows += Self.means(of: drawn)
      }
    }
    findings.tables = [table] + (crossed.rows.isEmpty ? [] : [crossed]) + [mixed]
    findings.filesOnly = [shares]
    return findings
  }

  private static let crossedColumns: [StudyTable.Column] = [
    .number("fitted", "fitted shares", decimals: 4), .number("fitted_low", decimals: 4), .number("fitted_high", decimals: 4),
    .number("equal", "equal shares", decimals: 4), .number("equal_low", decimals: 4), .number("equal_high", decimals: 4),
    .number("gain", "gain of fitted shares", decimals: 4), .number("gain_low", decimals: 4), .number("gain_high", decimals: 4),
  ]

  /// Fitted and equal shares crossed with chance and likeness within tasks, with the gain of either in the margins; nothing where an arm is missing.
  private static func crossed(_ arms: Arms) -> [[StudyTable.Cell]] {
    func values(_ arm: Study.Table2.Arm) -> [Double?]? { arms.arms.first { $0.name == arm.title }?.values }
    guard let chance = values(.fittedMixture), let equal = values(.equalShares), let likest = values(.fittedMixtureLikest),
      let equalLikest = values(.equalSharesLikest)
    else { return [] }
    func gains(_ one: [Double?], over other: [Double?]) -> [Double?] {
      zip(one, other).map { one, other in one.flatMap { one in other.map { arms.measure.gain(one, over: $0) } } }
    }
    func cells(_ values: [Double?]) -> [StudyTable.Cell] {
      let mean = SeedMean(values.compactMap(\.self))
      return [.init(mean?.mean), .init(mean?.low), .init(mean?.high)]
    }
    func row(_ name: String, _ fitted: [Double?], _ equal: [Double?], _ gain: [Double?]) -> [StudyTable.Cell] {
      [.text(name)] + cells(fitted) + cells(equal) + cells(gain)
    }
    let (fittedGain, equalGain) = (gains(likest, over: chance), gains(equalLikest, over: equal))
    let interaction = zip(fittedGain, equalGain).map { one, other in one.flatMap { one in other.map { one - $0 } } }
    return [
      row("drawn by chance", chance, equal, gains(chance, over: equal)),
      row("likest to the target", likest, equalLikest, gains(likest, over: equalLikest)),
      row("gain of the likest", fittedGain, equalGain, interaction),
    ]
  }

  private func arms(_ model: Study.Model, _ target: Study.Task, _ measure: Measure, _ results: StudyResults) throws -> Arms {
    let study = results.study
    func arm(_ name: String, _ steps: (UInt64) -> [String]) throws -> Arms.Arm {
      let values = try study.seeds.map { seed in meanOfAll(try steps(seed).map { try results.at(seed).value($0, measure) }) }
      let all = study.seeds.flatMap(steps).map { "\($0)/\(measure.rawValue)" }
      // Of random draws one is what a user would pay for.
      let first = steps(study.seeds[0]).prefix(1).map { "\($0)/\(measure.rawValue)" }
      return Arms.Arm(
        name: name, values: values, operations: results.at(study.seeds[0]).operations(Array(first)),
        failure: all.lazy.compactMap(results.store.failure).first,
        paper: measure == .accuracy ? Published.table2(model, name, target: target.name) : nil)
    }
    let untouched = try arm("untouched") { _ in [StepNames.untouched(model, target)] }
    return Arms(
      measure: measure,
      arms: try [untouched]
        + arms(study).map { kind in
          try arm(kind.title) { seed in draws(kind, study).map { Names(model, target, seed).value(kind, $0) } }
        }, chance: Self.chance.title)
  }

  /// The rows of all seeds and draws put together, by arm and task: mean coefficient, share and samples, and in how many mixtures a task is.
  private static func means(of rows: [[StudyTable.Cell]]) -> [[StudyTable.Cell]] {
    func number(_ cell: StudyTable.Cell) -> Double? { if case .number(let number) = cell { number } else { nil } }
    var order: [[StudyTable.Cell]] = []
    var groups: [[StudyTable.Cell]: [[StudyTable.Cell]]] = [:]
    for row in rows {
      let key = [row[0], row[1], row[3], row[5]]
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(row)
    }
    return order.map { key in
      let own = groups[key] ?? []
      let all = Set(rows.filter { $0[3] == key[2] }.map { [$0[2], $0[4]] }).count
      func mean(_ column: Int, over count: Int) -> StudyTable.Cell {
        let values = own.compactMap { number($0[column]) }
        return .init(values.isEmpty || count == 0 ? nil : values.reduce(0, +) / Double(count))
      }
      return key + [
        mean(6, over: own.count { number($0[6]) != nil }), mean(7, over: all), mean(8, over: all),
        .init(own.count { (number($0[8]) ?? 0) > 0 }), .init(all),
      ]
    }
  }

  private func shares(_ model: Study.Model, _ target: Study.Task, _ seed: UInt64, _ results: StudyResults) throws -> [[StudyTable.Cell]] {
    let names = Names(model, target, seed)
    var rows: [[StudyTable.Cell]] = []
    for arm in arms(results.study) where arm.mixture != nil {
      for draw in draws(arm, results.study) {
        let step = "\(names.arm(arm, draw))/mix"
        guard results.store.failure(step) == nil else { continue }
        let made = try results.store.result(step, as: MixResult.self)
        let head: [StudyTable.Cell] = [
          .text(model.name), .text(target.name), .number(Double(seed)), .text(arm.title), .init(draw),
        ]
        rows += made.tasks.map { head + [.text($0.name), .init($0.coefficient), .number($0.share), .init($0.count)] }
        if arm == .fittedMixture { rows += made.leftOut.map { head + [.text($0.name), .number($0.coefficient), 0, 0] } }
      }
    }
    return rows
  }
}

extension Study.Table2.Arm {
  /// What results call it.
  var title: String {
    switch self {
    case .equalSharesLikest: "equal shares (likest samples)"
    case .fittedMixtureLikest: "fitted mixture (likest samples)"
    default: rawValue.replacing("-", with: " ")
    }
  }

  /// How its mixture is made; nil where it trains on the target's samples alone.
  var mixture: (shares: Mixture.Shares, isLikest: Bool)? {
    switch self {
    case .targetAlone, .equalCompute: nil
    case .randomShares: (.random, false)
    case .equalShares, .randomPair, .allCandidates, .wrongPair: (.equal, false)
    case .fittedMixture: (.fit, false)
    case .equalSharesLikest: (.equal, true)
    case .fittedMixtureLikest: (.fit, true)
    }
  }

  /// Whether a fit says which tasks are mixed.
  var isOfFit: Bool { mixture != nil && ![.randomPair, .allCandidates, .wrongPair].contains(self) }
}
