import ActivationPatterns
import Ground
import Runs
import Selection

/// Table 3: samples of a pool that are chosen in the place of a target's own data (scenario 2).
struct Table3: StudyItem {
  let name = "table-3"
  let title = "Table 3: chosen data in the place of the target's own"

  private static let random = Study.Method(representation: "random")

  /// The steps of a target for a model and a seed.
  private struct Names {
    let prefix: String

    init(_ model: Study.Model, _ target: Study.Task, _ seed: UInt64) { prefix = "\(model.name)/seed-\(seed)/\(target.name)/selection" }

    func choice(_ method: Study.Method, _ count: Int, _ draw: Int) -> String {
      "\(prefix)/\(method.fileName)-\(count)" + (method == Table3.random ? "-draw-\(draw)" : "")
    }
  }

  private func targets(_ study: Study) -> [Study.Task] {
    let named = study.table3.targets
    return study.tasks.filter { task in named?.contains(task.name) ?? task.has(.target) }
  }

  private func draws(_ method: Study.Method, _ study: Study) -> Range<Int> { 0..<(method == Self.random ? study.table3.randomDraws : 1) }

  /// The methods with chance among them.
  private func methods(_ study: Study) -> [Study.Method] { [Self.random] + study.table3.methods.filter { $0 != Self.random } }

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    let study = planner.study
    let targets = targets(study)
    let pool = study.tasks([.pool])
    guard !targets.isEmpty, !pool.isEmpty else {
      throw RunError("table-3 chooses from a pool for a target, and the study has none; give tasks the roles 'pool' and 'target'")
    }
    for target in targets {
      try planner.evaluate(StepNames.untouched(model.model, target), model, planner.base(model), target)
      for seed in study.seeds { try plan(target, pool, seed, &planner, model) }
    }
  }

  private func plan(
    _ target: Study.Task, _ pool: [Study.Task], _ seed: UInt64, _ planner: inout Planner, _ model: PlannedModel
  ) throws {
    let study = planner.study
    let names = Names(model.model, target, seed)
    let base = planner.base(model)
    let available = planner.parts.all(target).size.samples
    let own = try planner.parts.training(target, count: min(available, study.table3.samples ?? available), seed: seed)
    let ownFile = try planner.write(own)
    var files: [(step: String, file: String)] = []
    var size = PartSize()
    for task in pool {
      let part = planner.parts.pool(task)
      files.append((part.step, try planner.write(part)))
      size = PartSize(
        samples: size.samples + part.size.samples, tokens: size.tokens + part.size.tokens, labels: size.labels + part.size.labels)
    }
    // Target and pool are seen as the model sees them that was trained on the target's few samples.
    let trained = try planner.train(
      "\(names.prefix)/own/train", model, from: base, on: (own.step, ownFile), own.size, seed: seed)
    for method in methods(study) {
      let seen = try planner.represent(method, names.prefix, model, trained, own: (own, ownFile), pool: (files, size), seed: seed)
      for count in study.table3.choose {
        for draw in draws(method, study) {
          let step = names.choice(method, count, draw)
          var run = SelectRun(
            target: seen.target, pool: seen.pool, poolData: files.map(\.file), top: count,
            out: planner.plan.file("chosen.jsonl", of: "\(step)/select"))
          run.reading.format = "pairs"
          if seen.readsTexts { (run.targetData, run.targetFormat) = ([ownFile], "pairs") }
          run.representation = method.representation
          run.algorithm = method.algorithm ?? run.algorithm
          run.standardises = method.standardises
          run.score = method.representation == "pattern" ? method.scores.first ?? study.score : nil
          run.seed = method == Self.random ? seed &* 1000 &+ UInt64(draw) : nil
          try planner.add(
            "\(step)/select", run, reading: seen.steps + (seen.readsTexts ? [own.step] : []) + files.map(\.step), mayFail: true)
          let chosen = try planner.train(
            "\(step)/train", model, from: base, on: ("\(step)/select", run.out), size.scaled(to: count), seed: seed)
          try planner.evaluate("\(step)/value", model, chosen, target)
        }
      }
    }
  }

  func findings(_ results: StudyResults) throws -> StudyFindings {
    let study = results.study
    let targets = targets(study)
    var findings = StudyFindings(paragraphs: [
      "The model is fine-tuned on the target's few samples; under that model the target and every sample of the pool are represented, the likest samples are chosen, and the untouched model is trained on them. Values are means over \(targets.count == 1 ? "the target" : "\(targets.count) targets") of what it does on the target's questions.",
      Arms.explanation,
    ])
    let head: [StudyTable.Column] = [.text("model"), .text("target"), .text("measure"), .number("choose", "samples chosen", decimals: 0)]
    var table = StudyTable(name, "Arms; in brackets 95% intervals over seeds", head + Arms.columns)
    var single = StudyTable(
      "table-3-targets", "Every target",
      head + [.text("arm"), .number("value", decimals: 4), .number("value_low", decimals: 4), .number("value_high", decimals: 4)])
    let together = targets.count == 1 ? targets[0].name : "mean of \(targets.count)"
    for model in results.models(of: self) {
      for measure in Measure.allCases where measure == .loss || targets.allSatisfy({ $0.benchmark != nil }) {
        for count in study.table3.choose {
          let arms = try arms(model, targets, measure, count, results)
          let verdicts = arms.verdicts()
          findings.verdicts.append(
            StudyVerdicts(table: name, model: model.name, target: together, measure: measure.rawValue, choose: count, arms: verdicts))
          table.rows += arms.rows([.text(model.name), .text(together), .text(measure.rawValue), .init(count)], verdicts)
          for target in targets {
            single.rows += try self.arms(model, [target], measure, count, results).arms.map { arm in
              let mean = SeedMean(arm.values.compactMap(\.self))
              return [
                .text(model.name), .text(target.name), .text(measure.rawValue), .init(count), .text(arm.name), .init(mean?.mean),
                .init(mean?.low), .init(mean?.high),
              ]
            }
          }
          findings.figures.append(
            StudyFigure(
              name: "\(name)-\(model.name)-\(measure.rawValue)-\(count)", chart: arms.chart("\(model.name): \(count) samples chosen"),
              caption: "Lines are 95% intervals over seeds.", table: name))
        }
      }
    }
    findings.tables = [table, single]
    return findings
  }

  private func arms(
    _ model: Study.Model, _ targets: [Study.Task], _ measure: Measure, _ count: Int, _ results: StudyResults
  ) throws -> Arms {
    let study = results.study
    func steps(_ method: Study.Method?, _ target: Study.Task, _ seed: UInt64) -> [String] {
      guard let method else { return [StepNames.untouched(model, target)] }
      let names = Names(model, target, seed)
      return draws(method, study).map { "\(names.choice(method, count, $0))/value" }
    }
    let kinds: [Study.Method?] = [nil] + methods(study)
    return Arms(
      measure: measure,
      arms: try kinds.map { method in
        let values = try study.seeds.map { seed in
          meanOfAll(
            try targets.map { target in meanOfAll(try steps(method, target, seed).map { try results.at(seed).value($0, measure) }) })
        }
        let all = study.seeds.flatMap { seed in targets.flatMap { steps(method, $0, seed) } }.map { "\($0)/\(measure.rawValue)" }
        let first = targets.compactMap { steps(method, $0, study.seeds[0]).first }.map { "\($0)/\(measure.rawValue)" }
        let name = method.map { $0 == Self.random ? "random" : $0.name } ?? "untouched"
        return Arms.Arm(
          name: name, values: values, operations: results.at(study.seeds[0]).operations(first),
          failure: all.lazy.compactMap(results.store.failure).first,
          paper: measure == .accuracy && targets.count > 1 ? Published.table3(model, name, choose: count) : nil)
      }, chance: "random")
  }
}

extension Planner {
  /// What a method sees of target and pool: files, the steps that write them, and whether it reads the target's texts.
  struct Seen {
    var target: String?
    var pool: [String] = []
    var steps: [String] = []
    var readsTexts = false
  }

  /// Plans what a method needs to tell samples apart.
  /// - Parameters:
  ///   - prefix: of the steps.
  ///   - source: the model that was trained on the target's samples.
  mutating func represent(
    _ method: Study.Method, _ prefix: String, _ model: PlannedModel, _ source: Source, own: (part: PlannedPart, file: String),
    pool: (files: [(step: String, file: String)], size: PartSize), seed: UInt64
  ) throws -> Seen {
    let files = pool.files.map(\.file)
    let poolSteps = pool.files.map(\.step)
    switch Representations.named(method.representation) {
    case is PatternRepresentation:
      let names = ("\(prefix)/own/pattern", "\(prefix)/pool/pattern")
      let asked = study.table3.methods.filter { $0.representation == method.representation }.map { $0.scores.first ?? study.score }
      let scores = Score.allCases.filter(asked.contains)
      let target = try pattern(
        names.0, model, source, on: [(own.part.step, own.file)], own.part.size, task: own.part.task, scores: scores)
      let chosen = try pattern(names.1, model, source, on: pool.files, pool.size, task: "pool", scores: scores)
      return Seen(target: target, pool: [chosen], steps: [names.0, names.1])
    case is EmbeddingRepresentation, is LossRepresentation:
      // Of the model as it is, as they are published: the pool's are the same for every target and seed.
      guard let kind = RepresentationFile.Kind(rawValue: method.representation) else { return Seen() }
      let hasTarget = kind == .embedding
      let names = ("\(prefix)/own/\(kind.rawValue)", "\(model.model.name)/pool/\(kind.rawValue)")
      let chosen = try represent(names.1, kind, model, base(model), files, poolSteps, pool.size)
      guard hasTarget else { return Seen(pool: [chosen], steps: [names.1]) }
      let target = try represent(names.0, kind, model, base(model), [own.file], [own.part.step], own.part.size)
      return Seen(target: target, pool: [chosen], steps: [names.0, names.1])
    case is GradientRepresentation:
      let warm = try warmUp(model, files, poolSteps, pool.size, seed: seed)
      let names = ("\(prefix)/own/gradient", "\(model.model.name)/seed-\(seed)/warm-up/gradient")
      let chosen = try represent(names.1, .gradient, model, warm, files, poolSteps, pool.size, role: .pool)
      let target = try represent(names.0, .gradient, model, warm, [own.file], [own.part.step], own.part.size, role: .target)
      return Seen(target: target, pool: [chosen], steps: [names.0, names.1])
    case is BM25Representation: return Seen(readsTexts: true)
    case .some: return Seen()
    default:
      let known = Representations.all.map(\.name)
      let remedy = nearest(to: method.representation, among: known).map { "did you mean '\($0)'?" } ?? known.joined(separator: ", ")
      throw RunError("table_3: methods: there is no representation '\(method.representation)'; \(remedy)")
    }
  }
}
