import ActivationPatterns
import Ground
import Reports
import Runs

/// Bins of distance: a pool cut by likeness to a target, a fine-tuning on each bin, and whether nearer data teaches more of the target.
struct DistanceBins: StudyItem {
  let name = "distance-bins"
  let title = "Bins of distance: does nearer data teach more?"

  private func targets(_ study: Study) -> [Study.Task] {
    let named = study.distanceBins.targets
    return study.tasks.filter { task in named?.contains(task.name) ?? task.has(.target) }
  }

  /// The pools that are tried for a target: a task that the pool does not have needs no leaving out.
  private func pools(_ target: Study.Task, _ study: Study) -> [Study.DistanceBins.Pool] {
    target.has(.pool) ? study.distanceBins.pools : [.without]
  }

  private static func step(
    _ model: Study.Model, _ target: Study.Task, _ seed: UInt64, _ pool: Study.DistanceBins.Pool, _ method: Study.Method
  ) -> String {
    "\(model.name)/seed-\(seed)/\(target.name)/bins/\(pool.rawValue)/\(method.fileName)"
  }

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    let study = planner.study
    let (targets, pool) = (targets(study), study.tasks([.pool]))
    guard !targets.isEmpty, !pool.isEmpty else {
      throw RunError("distance-bins cuts a pool for a target, and the study has none; give tasks the roles 'pool' and 'target'")
    }
    for target in targets {
      for seed in study.seeds {
        let most = planner.parts.all(target).size.samples
        let own = try planner.parts.training(target, count: min(most, study.distanceBins.samples), seed: seed)
        let prefix = "\(model.model.name)/seed-\(seed)/\(target.name)/bins"
        let compared = Planner.Compared(own: own, pool: try planner.poolParts(pool, without: [own], seed: seed))
        let methods = study.distanceBins.methods
        let seen = try planner.sources(
          for: methods, prefix, poolPrefix: prefix, model, planner.base(model), compared, seed: seed)
        for variant in pools(target, study) {
          let left = compared.pool.filter { variant == .with || $0.task != target.name }
          guard !left.isEmpty else {
            throw RunError("distance-bins: the pool has no task but '\(target.name)' itself; give it others, or 'pools: with'")
          }
          let size = Planner.Compared(own: own, pool: left).poolSize
          for method in methods {
            let step = Self.step(model.model, target, seed, variant, method)
            let run = BinsRun(
              sources: seen.sources, method: method, bins: study.distanceBins.bins, excluded: variant == .without ? target.name : nil,
              model: model.model.path, modelFingerprint: model.fingerprint, folder: planner.plan.file("bins", of: step))
            try planner.add(step, run, reading: seen.steps)
            for bin in 0..<study.distanceBins.bins {
              let trained = try planner.train(
                "\(step)/bin-\(bin)/train", model, from: planner.base(model), on: (step, run.file(bin)),
                size.scaled(to: max(1, size.samples / study.distanceBins.bins)), isSizeKnown: false, seed: seed)
              try planner.evaluate("\(step)/bin-\(bin)/value", model, trained, target)
            }
          }
        }
      }
    }
  }

  /// What one seed says.
  private struct Found {
    var bins: [BinsResult.Bin]
    var losses: [Double]
    /// Rank correlation of distance and loss, as it is and with the responses' length held fixed.
    var plain, partial: Double?

    init?(_ result: BinsResult, _ losses: [Double?]) {
      guard let losses = losses.complete, losses.count == result.bins.count else { return nil }
      bins = result.bins
      self.losses = losses
      let distances = result.bins.map { -$0.likeness }
      plain = Correlation.spearman(distances, losses)
      partial = RankCorrelation.partial(distances, losses, without: result.bins.map { Double($0.labels) / Double(max(1, $0.samples)) })
    }
  }

  func findings(_ results: StudyResults) throws -> StudyFindings {
    let study = results.study
    var findings = StudyFindings(paragraphs: [
      "The pool is cut into \(study.distanceBins.bins) bins of equal label tokens by likeness to \(study.distanceBins.samples) samples of the target under the base model, and the base model is fine-tuned on each for the study's epochs. The figure is Spearman's rank correlation, over the bins, of distance and the loss on the target's questions: 1 where nearer data always teaches more. Partial: with the mean length of responses held fixed. Verdicts by the partial one, after Holm's correction for the number of methods."
    ])
    var table = StudyTable(
      name, "Rank correlation of distance and loss; in brackets 95% intervals over seeds",
      [.text("model"), .text("target"), .text("pool"), .text("method")]
        + ["rho", "partial"].flatMap { [.number($0), .number("\($0)_low"), .number("\($0)_high")] } + [
          .number("corrected_low", "corrected: from"), .number("corrected_high", "corrected: to"), .text("verdict"),
          .number("seeds", decimals: 0),
        ])
    var single = StudyTable(
      "distance-bins-losses", "Every bin, the nearest first, the mean over seeds",
      [
        .text("model"), .text("target"), .text("pool"), .text("method"), .number("bin", decimals: 0), .number("likeness"),
        .number("samples", decimals: 1), .number("labels", "label tokens", decimals: 1), .number("loss", decimals: 4),
        .number("loss_low", decimals: 4), .number("loss_high", decimals: 4),
      ])
    for model in results.models(of: self) {
      for target in targets(study) {
        for pool in pools(target, study) {
          let methods = study.distanceBins.methods
          let all = try methods.map { method in
            try study.seeds.compactMap { seed -> Found? in
              let step = Self.step(model, target, seed, pool, method)
              return Found(
                try results.store.result(step, as: BinsResult.self),
                try (0..<study.distanceBins.bins).map { try results.value("\(step)/bin-\($0)/value", .loss) })
            }
          }
          let verdicts = Verdict.judge(zip(methods, all).map { ($0.name, $1.compactMap(\.partial)) })
          findings.verdicts.append(
            StudyVerdicts(
              table: name, model: model.name, target: "\(target.name), pool \(pool.rawValue) it", measure: "rank correlation", choose: nil,
              arms: verdicts))
          for ((method, found), verdict) in zip(zip(methods, all), verdicts) {
            let head: [StudyTable.Cell] = [.text(model.name), .text(target.name), .text(pool.rawValue), .text(method.name)]
            let (plain, partial) = (SeedMean(found.compactMap(\.plain)), SeedMean(found.compactMap(\.partial)))
            table.rows.append(
              head + [plain, partial].flatMap { [.init($0?.mean), .init($0?.low), .init($0?.high)] } + [
                .init(verdict.correctedLow), .init(verdict.correctedHigh), .text(Self.word(verdict)), .init(verdict.seeds),
              ])
            for bin in 0..<study.distanceBins.bins {
              func mean(_ of: (Found) -> Double) -> SeedMean? { SeedMean(found.map(of)) }
              let loss = mean { $0.losses[bin] }
              single.rows.append(
                head + [
                  .init(bin), .init(mean { $0.bins[bin].likeness }?.mean), .init(mean { Double($0.bins[bin].samples) }?.mean),
                  .init(mean { Double($0.bins[bin].labels) }?.mean), .init(loss?.mean), .init(loss?.low), .init(loss?.high),
                ])
            }
          }
          let chart = LineChart(
            series: zip(methods, all).map { method, found in
              LineChart.Series(
                name: method.name,
                points: (0..<study.distanceBins.bins).map { bin in
                  LineChart.Point(x: Double(bin), y: SeedMean(found.map { $0.losses[bin] })?.mean)
                })
            }, title: "\(model.name): \(target.name), pool \(pool.rawValue) it", xName: "bin, the nearest first",
            yName: "mean loss, nats a label")
          findings.figures.append(
            StudyFigure(
              name: "\(name)-\(model.name)-\(target.name)-\(pool.rawValue)", chart: chart, caption: "The mean over seeds.",
              table: single.name))
        }
      }
    }
    findings.tables = [table, single]
    return findings
  }

  /// A verdict in the words of a correlation.
  static func word(_ verdict: Verdict) -> String {
    switch verdict.verdict {
    case .better: "positive"
    case .worse: "negative"
    case .noBetter: "not told from 0"
    case .unknown, .missing: verdict.verdict.rawValue
    }
  }
}
