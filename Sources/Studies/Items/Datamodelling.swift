import Ground
import Reports
import Runs
import Selection

/// Linear datamodelling scores: whether the summed likeness of a subset's samples foretells what a model learns from the subset.
struct Datamodelling: StudyItem {
  let name = "datamodelling"
  let title = "Linear datamodelling scores: does likeness foretell what a subset teaches?"

  private func targets(_ study: Study) -> [Study.Task] {
    let named = study.datamodelling.targets
    return study.tasks.filter { task in named?.contains(task.name) ?? task.has(.target) }
  }

  private static func prefix(_ model: Study.Model, _ target: Study.Task, _ seed: UInt64) -> String {
    "\(model.name)/seed-\(seed)/\(target.name)/datamodelling"
  }

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    let study = planner.study
    let (targets, pool) = (targets(study), study.tasks([.pool]))
    guard !targets.isEmpty, !pool.isEmpty else {
      throw RunError(
        "datamodelling trains on halves of a pool for a target, and the study has none; give tasks the roles 'pool' and 'target'")
    }
    for seed in study.seeds {
      let parts = try planner.poolParts(pool, without: [], seed: seed)
      let files = try parts.map { try planner.write($0) }
      // The halves and their trainings are the same for every target.
      let shared = "\(model.model.name)/seed-\(seed)/subsets"
      let subsets = SubsetsRun(
        data: files, count: study.datamodelling.subsets, seed: seed, folder: planner.plan.file("subsets", of: shared))
      try planner.add(shared, subsets, reading: parts.map(\.step))
      for target in targets {
        let prefix = Self.prefix(model.model, target, seed)
        let questions = try planner.parts.questions(target)
        let compared = Planner.Compared(own: questions, pool: parts)
        let seen = try planner.sources(
          for: study.datamodelling.methods, prefix, poolPrefix: "\(model.model.name)/seed-\(seed)/datamodelling", model,
          planner.base(model), compared, seed: seed)
        let file = try planner.write(questions)
        let half = compared.poolSize.scaled(to: compared.poolSize.samples / 2)
        var losses: [[String]] = []
        var steps: [String] = []
        for subset in 0..<study.datamodelling.subsets {
          var own: [String] = []
          for training in 0..<study.datamodelling.trainings {
            let trained = try planner.train(
              "\(shared)/subset-\(subset)/training-\(training)", model, from: planner.base(model), on: (shared, subsets.file(subset)), half,
              seed: seed &* 1000 &+ UInt64(training))
            let step = "\(prefix)/losses/subset-\(subset)/training-\(training)"
            own.append(try planner.represent(step, .loss, model, trained, [file], [questions.step], questions.size))
            steps.append(step)
          }
          losses.append(own)
        }
        try planner.add(
          "\(prefix)/scores",
          DatamodelRun(
            sources: seen.sources, methods: study.datamodelling.methods, subsets: planner.plan.file("result.json", of: shared),
            losses: losses), reading: seen.steps + [shared] + steps)
      }
    }
  }

  func findings(_ results: StudyResults) throws -> StudyFindings {
    let study = results.study
    var findings = StudyFindings(paragraphs: [
      "Models are trained on \(study.datamodelling.subsets) random halves of the pool, \(study.datamodelling.trainings) times each in different orders. For each of the target's questions: Spearman's correlation, over the halves, of the summed likeness of a half's samples to the question (under the base model) and the question's loss after training on it, more likeness for less loss; the mean over questions. Reliability: how well another \(study.datamodelling.trainings) trainings would give the same order, from the correlation of single ones (Spearman and Brown); ceiling: its root, which a perfect likeness could reach."
    ])
    var table = StudyTable(
      name, "Linear datamodelling scores; in brackets 95% intervals over seeds",
      [
        .text("model"), .text("target"), .text("method"), .number("score"), .number("score_low"), .number("score_high"),
        .number("corrected_low", "corrected: from"), .number("corrected_high", "corrected: to"), .text("verdict"),
        .number("ceiling"), .number("reliability"), .number("single", "two single trainings"), .number("seeds", decimals: 0),
      ])
    for model in results.models(of: self) {
      for target in targets(study) {
        let found = try study.seeds.map { seed in
          try results.store.result("\(Self.prefix(model, target, seed))/scores", as: DatamodelResult.self)
        }
        let methods = study.datamodelling.methods
        let scores = methods.map { method in found.compactMap { $0.scores.first { $0.method == method.name }?.score } }
        let verdicts = Verdict.judge(zip(methods, scores).map { ($0.name, $1) })
        findings.verdicts.append(
          StudyVerdicts(
            table: name, model: model.name, target: target.name, measure: "linear datamodelling score", choose: nil, arms: verdicts))
        func mean(_ path: KeyPath<DatamodelResult, Double?>) -> StudyTable.Cell {
          .init(SeedMean(found.compactMap { $0[keyPath: path] })?.mean)
        }
        for ((method, values), verdict) in zip(zip(methods, scores), verdicts) {
          let score = SeedMean(values)
          table.rows.append([
            .text(model.name), .text(target.name), .text(method.name), .init(score?.mean), .init(score?.low), .init(score?.high),
            .init(verdict.correctedLow), .init(verdict.correctedHigh), .text(DistanceBins.word(verdict)), mean(\.ceiling),
            mean(\.reliability), mean(\.single), .init(verdict.seeds),
          ])
        }
        findings.figures.append(
          StudyFigure(
            name: "\(name)-\(model.name)-\(target.name)",
            chart: BarChart(
              names: methods.map(\.name),
              bars: scores.map { values in
                let mean = SeedMean(values)
                return [.init(mean?.mean, low: mean?.low, high: mean?.high)]
              }, title: "\(model.name): \(target.name)", valueName: "linear datamodelling score"),
            caption: "Lines are 95% intervals over seeds.", table: name))
      }
    }
    findings.tables = [table]
    return findings
  }
}
