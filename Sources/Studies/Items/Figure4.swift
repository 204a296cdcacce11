import Ground
import ActivationPatterns
import Reports
import Runs

/// Figure 4: complex tasks explained by pairs of basic ones.
struct Figure4: StudyItem {
  let name = "figure-4"
  let title = "Figure 4: complex tasks as combinations of basic ones"

  /// The complex tasks, each with the basic tasks of its set.
  private func fits(_ study: Study) -> [(target: Study.Task, basics: [Study.Task])] {
    study.sets.flatMap { set in
      let basics = study.tasks([.basic], of: set)
      return study.tasks([.complex], of: set).filter { _ in !basics.isEmpty }.map { ($0, basics) }
    }
  }

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    let fits = fits(planner.study)
    guard !fits.isEmpty else {
      throw RunError("figure-4 explains a complex task by basic ones of its set, and the study has none; give tasks these roles")
    }
    for seed in planner.study.seeds {
      for (target, basics) in fits {
        for task in [target] + basics { try planner.changes(model, task, seed: seed) }
        func part(_ task: Study.Task) -> (String, String) {
          (task.name, StepNames(model: model.model.name, task: task.name, seed: seed).change)
        }
        try planner.fit(
          StepNames(model: model.model.name, task: target.name, seed: seed).fit, target: part(target), basics: basics.map(part))
      }
    }
  }

  func findings(_ results: StudyResults) throws -> StudyFindings {
    let seeds = results.study.seeds
    var findings = StudyFindings(
      paragraphs: [
        "The change of a complex task, fitted by least squares without intercept; R² is centred on the mean, so that it may be negative. Pairs stand in the order of their mean R². Below: how often each pair came first over the seeds, and whether R² is more than a profile over layers would give (p, heads shuffled within layers)."
      ])
    var pairs = StudyTable(
      "figure-4", "R² of every pair of basic tasks; in brackets 95% intervals over seeds",
      [
        .text("model"), .text("target"), .text("pair"), .number("r2", "R²"), .number("r2_low"), .number("r2_high"),
        .number("first", "seeds in which it came first", decimals: 0), .text("paper", "paper: best pair"),
        .number("paper_r2", "paper: R²", decimals: 2),
      ])
    var whole = StudyTable(
      "figure-4-fits", "Fits on all basic tasks",
      [
        .text("model"), .text("target"), .number("r2", "R²"), .number("r2_low"), .number("r2_high"),
        .number("held_out", "R², held-out heads"),
        .number("p", "p, greatest over seeds", decimals: 4), .number("reliability", "the target's split-half reliability", decimals: 2),
      ])
    var coefficients = StudyTable(
      "figure-4-coefficients", "Coefficients of the fits on all basic tasks",
      [.text("model"), .text("target"), .text("basic"), .number("alpha", "α"), .number("alpha_low"), .number("alpha_high")])
    var sums = Self.sumsTable
    var all: [(model: Study.Model, target: Study.Task, fits: [FitResult])] = []
    for model in results.models(of: self) {
      for (target, basics) in fits(results.study) {
        let fits = try seeds.map { seed in
          try results.store.result(StepNames(model: model.name, task: target.name, seed: seed).fit, as: FitResult.self)
        }
        let head: [StudyTable.Cell] = [.text(model.name), .text(target.name)]
        all.append((model, target, fits))
        sums.rows += try Self.sums(model, target, basics, results)
        let found = Self.pairs(fits)
        let published = Published.figure4(target.name)
        for (place, pair) in found.enumerated() {
          pairs.rows.append(
            head + [
              .text(pair.names), .init(pair.r2?.mean), .init(pair.r2?.low), .init(pair.r2?.high), .init(pair.first),
              place == 0 ? .text(published?.pair ?? "") : "", place == 0 ? .init(published?.r2) : .nothing,
            ])
        }
        let r2 = SeedMean(fits.compactMap(\.r2))
        let heldOut = SeedMean(fits.compactMap { $0.heldOut?.heads?.mean })
        whole.rows.append(
          head + [
            .init(r2?.mean), .init(r2?.low), .init(r2?.high), .init(heldOut?.mean),
            .init(fits.compactMap { $0.permutation?.withinLayers }.max()),
            .init(SeedMean(fits.compactMap { $0.bootstrap?.reliability.target })?.mean),
          ])
        for basic in basics {
          let alpha = SeedMean(fits.compactMap { $0.coefficients[basic.name] })
          coefficients.rows.append(head + [.text(basic.name), .init(alpha?.mean), .init(alpha?.low), .init(alpha?.high)])
        }
        guard !found.isEmpty else { continue }
        let chart = BarChart(
          names: found.map(\.names), bars: found.map { [.init($0.r2?.mean, low: $0.r2?.low, high: $0.r2?.high)] },
          title: "\(model.name): \(target.name) by pairs", valueName: "R²")
        findings.figures.append(
          StudyFigure(
            name: "\(name)-\(model.name)-\(target.name)", chart: chart, caption: "Lines are 95% intervals over seeds.", table: name))
      }
    }
    findings.tables = [Self.parts(all), pairs, whole, coefficients, sums].compactMap(\.self)
    return findings
  }

  /// Every pair with its R² over seeds and the seeds in which it was best, the greatest mean first.
  private static func pairs(_ fits: [FitResult]) -> [(names: String, r2: SeedMean?, first: Int)] {
    func name(_ subset: FitResult.Subset) -> String { subset.names.sorted().joined(separator: " + ") }
    var values: [String: [Double]] = [:]
    var first: [String: Int] = [:]
    for fit in fits {
      let pairs = fit.subsets.filter { $0.names.count == 2 }
      for pair in pairs { if let r2 = pair.r2 { values[name(pair), default: []].append(r2) } }
      if let best = pairs.max(by: { ($0.r2 ?? -.infinity) < ($1.r2 ?? -.infinity) }) { first[name(best), default: 0] += 1 }
    }
    return values.map { ($0.key, SeedMean($0.value), first[$0.key] ?? 0) }.sorted {
      (-($0.1?.mean ?? 0), $0.0) < (-($1.1?.mean ?? 0), $1.0)
    }
  }
}
