import Ground
import Reports
import Runs
import Selection

/// Retrieval: whether a likeness finds a target's own task in a pool of several, which needs no training on what is chosen and no accuracy.
struct Retrieval: StudyItem {
  let name = "retrieval"
  let title = "Retrieval: a target's own task among the chosen"

  private static let random = Study.Method(representation: RandomRepresentation().name)

  /// What samples are seen by.
  private enum State: String, CaseIterable {
    /// The model as it is.
    case base = "base model"
    /// The model fine-tuned on the target's samples.
    case tuned = "fine-tuned on the target"
    /// No model.
    case texts

    var folder: String { self == .base ? "base" : "tuned" }

    /// The methods that differ in this state from others.
    func methods(_ all: [Study.Method]) -> [Study.Method] {
      all.filter { method in
        let kind = Representations.named(method.representation)
        let readsFiles = kind is any FileRepresentation
        return switch self {
        case .base: readsFiles
        // Gradients are of a warm-up on the pool, whatever the target.
        case .tuned: readsFiles && !(kind is GradientRepresentation)
        case .texts: !readsFiles
        }
      }
    }
  }

  private func targets(_ study: Study) -> [Study.Task] {
    let pool = study.tasks([.pool])
    return study.retrieval.targets.map { names in pool.filter { names.contains($0.name) } } ?? pool
  }

  private func methods(_ study: Study) -> [Study.Method] { [Self.random] + study.retrieval.methods.filter { $0 != Self.random } }
  private func states(_ study: Study) -> [State] {
    State.allCases.filter { ($0 != .tuned || study.retrieval.isTuned) && !$0.methods(methods(study)).isEmpty }
  }

  private static func prefix(_ model: Study.Model, _ target: Study.Task, _ seed: UInt64) -> String {
    "\(model.name)/seed-\(seed)/\(target.name)/retrieval"
  }

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    let study = planner.study
    let (targets, pool) = (targets(study), study.tasks([.pool]))
    guard !targets.isEmpty, pool.count > 1 else {
      throw RunError(
        "retrieval looks for a target's own task in a pool of several, and the study has none; give at least two tasks the role 'pool'")
    }
    for seed in study.seeds {
      let owns = try targets.map { target in
        let most = planner.parts.all(target).size.samples
        return try planner.parts.training(target, count: min(most, study.retrieval.samples), seed: seed)
      }
      let parts = try planner.poolParts(pool, without: owns, seed: seed)
      for (target, own) in zip(targets, owns) {
        let prefix = Self.prefix(model.model, target, seed)
        let compared = Planner.Compared(own: own, pool: parts)
        for state in states(study) {
          var (source, poolPrefix) = (planner.base(model), "\(model.model.name)/seed-\(seed)/retrieval")
          if state == .tuned {
            source = try planner.train(
              "\(prefix)/train", model, from: source, on: (own.step, planner.write(own)), own.size, seed: seed)
            poolPrefix = "\(prefix)/tuned"
          }
          let methods = state.methods(methods(study))
          let seen = try planner.sources(
            for: methods, "\(prefix)/\(state.folder)", poolPrefix: poolPrefix, model, source, compared, seed: seed)
          try planner.add(
            "\(prefix)/\(state.rawValue.replacing(" ", with: "-"))",
            RetrievalRun(
              sources: seen.sources, task: target.name, methods: methods, choose: study.retrieval.choose,
              draws: study.retrieval.randomDraws, seed: seed), reading: seen.steps)
        }
      }
    }
  }

  func findings(_ results: StudyResults) throws -> StudyFindings {
    let study = results.study
    let targets = targets(study)
    var findings = StudyFindings(paragraphs: [
      "Of each of \(targets.count) target tasks \(study.retrieval.samples) samples stand for it, and the pool has other samples of it among those of \(study.tasks([.pool]).count) tasks. The figure is the share of the target's own task among the chosen; chance is its share of the pool. Verdicts are on the mean over targets, by the interval over seeds after Holm's correction for the number of methods."
    ])
    let figures: [StudyTable.Column] = [.number("share"), .number("share_low"), .number("share_high")]
    var table = StudyTable(
      name, "The mean over targets; in brackets 95% intervals over seeds",
      [.text("model"), .text("seen_by", "seen by"), .number("choose", "samples chosen", decimals: 0), .text("method")] + figures + [
        .number("chance"), .number("difference", "above chance by"), .number("corrected_low", "corrected: from"),
        .number("corrected_high", "corrected: to"), .text("verdict"), .number("seeds", decimals: 0),
      ])
    var single = StudyTable(
      "retrieval-targets", "Every target",
      [.text("model"), .text("target"), .text("seen_by", "seen by"), .number("choose", "samples chosen", decimals: 0), .text("method")]
        + figures + [.number("chance")])
    for model in results.models(of: self) {
      for count in study.retrieval.choose {
        var bars: [(name: String, bar: BarChart.Bar)] = []
        for state in states(study) {
          // [target][seed]
          let found = try targets.map { target in
            try study.seeds.map { seed in
              let step = "\(Self.prefix(model, target, seed))/\(state.rawValue.replacing(" ", with: "-"))"
              return try results.store.result(step, as: RetrievalResult.self).rows.filter { $0.choose == count }
            }
          }
          func row(_ target: Int, _ seed: Int, _ method: Study.Method) -> RetrievalResult.Row? {
            found[target][seed].first { $0.method == method.name }
          }
          let methods = state.methods(methods(study))
          var arms: [(name: String, differences: [Double])] = []
          var means: [(share: SeedMean?, chance: Double?)] = []
          for method in methods {
            let shares = study.seeds.indices.map { seed in meanOfAll(targets.indices.map { row($0, seed, method)?.share }) }
            let chances = study.seeds.indices.map { seed in meanOfAll(targets.indices.map { row($0, seed, method)?.chance }) }
            arms.append((method.name, zip(shares, chances).compactMap { share, chance in share.flatMap { a in chance.map { a - $0 } } }))
            means.append((SeedMean(shares.compactMap(\.self)), SeedMean(chances.compactMap(\.self))?.mean))
            for (place, target) in targets.enumerated() {
              let own = study.seeds.indices.map { row(place, $0, method) }
              let mean = SeedMean(own.compactMap { $0?.share })
              single.rows.append([
                .text(model.name), .text(target.name), .text(state.rawValue), .init(count), .text(method.name), .init(mean?.mean),
                .init(mean?.low), .init(mean?.high), .init(SeedMean(own.compactMap { $0?.chance })?.mean),
              ])
            }
          }
          let verdicts = Verdict.judge(arms)
          findings.verdicts.append(
            StudyVerdicts(
              table: name, model: model.name, target: "mean of \(targets.count), \(state.rawValue)", measure: "share", choose: count,
              arms: verdicts))
          for (place, method) in methods.enumerated() {
            let (mean, chance, verdict) = (means[place].share, means[place].chance, verdicts[place])
            table.rows.append([
              .text(model.name), .text(state.rawValue), .init(count), .text(method.name), .init(mean?.mean), .init(mean?.low),
              .init(mean?.high), .init(chance), .init(verdict.difference), .init(verdict.correctedLow), .init(verdict.correctedHigh),
              .text(verdict.verdict.rawValue), .init(verdict.seeds),
            ])
            bars.append(("\(method.name) (\(state.rawValue))", .init(mean?.mean, low: mean?.low, high: mean?.high)))
          }
        }
        findings.figures.append(
          StudyFigure(
            name: "\(name)-\(model.name)-\(count)",
            chart: BarChart(
              names: bars.map(\.name), bars: bars.map { [$0.bar] }, title: "\(model.name): \(count) samples chosen",
              valueName: "share of the target's own task"),
            caption: "The mean over targets; lines are 95% intervals over seeds.", table: name))
      }
    }
    findings.tables = [table, single]
    return findings
  }
}
