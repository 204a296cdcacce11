import ActivationPatterns
import FineTuning
import Foundation
import Reports
import Runs

/// Figure 5: how far patterns are from the base model's while training goes on.
struct Figure5: StudyItem {
  let name = "figure-5"
  let title = "Figure 5: patterns over the steps of fine-tuning"

  func plan(_ planner: inout Planner, _ model: PlannedModel) throws {
    for seed in planner.study.seeds { for task in planner.shownTasks { try planner.changes(model, task, seed: seed) } }
  }

  func findings(_ results: StudyResults) throws -> StudyFindings {
    var findings = StudyFindings(
      paragraphs: [
        "Correlation and mean squared error between a task's pattern after so many updates and the base model's, on the same held-out samples. The shift is 1 − r. The gain is what the loss on other held-out samples fell by."
      ])
    var steps = StudyTable(
      name, "Every measurement, the mean over seeds; in brackets 95% intervals",
      [.text("model"), .text("task"), .number("step", decimals: 0)]
        + ["correlation", "mse", "loss"].flatMap {
          [.number($0, decimals: 4), .number("\($0)_low", decimals: 4), .number("\($0)_high", decimals: 4)]
        })
    var speed = StudyTable(
      "figure-5-speed",
      "Until 90% of the final shift, and whether shift and gain go together over the measurements (Spearman), the mean over seeds",
      [
        .text("model"), .text("task"), .number("steps", decimals: 1), .number("samples", decimals: 1), .number("final_shift", decimals: 4),
        .number("gain", decimals: 4), .number("rank_correlation", decimals: 2),
      ])
    let seeds = results.study.seeds
    var trainings: [Trainings] = []
    for model in results.models(of: self) {
      var speeds = [[Speed]](repeating: [], count: seeds.count)
      var curves: [(task: String, points: [(step: Int, r: SeedMean?, mse: SeedMean?)])] = []
      for task in results.shownTasks {
        let runs = try seeds.map { seed -> [StepMetrics] in
          let step = StepNames(model: model.name, task: task.name, seed: seed).training
          let folder = TrainingFolder(URL(filePath: results.plan.file("model", of: step), directoryHint: .isDirectory))
          return try StepMetrics.read(from: folder.metrics).filter { $0.correlation != nil }
        }
        let places = Set(runs.flatMap { $0.map(\.step) }).sorted()
        var points: [(Int, SeedMean?, SeedMean?)] = []
        for place in places {
          let lines = runs.compactMap { $0.first { $0.step == place } }
          let (r, mse) = (SeedMean(lines.compactMap(\.correlation)), SeedMean(lines.compactMap(\.mse)))
          let loss = SeedMean(lines.compactMap(\.evalLoss))
          points.append((place, r, mse))
          steps.rows.append(
            [.text(model.name), .text(task.name), .init(place)]
              + [r, mse, loss].flatMap { [.init($0?.mean), .init($0?.low), .init($0?.high)] })
        }
        curves.append((task.name, points))
        let figures = runs.map { Self.figures($0, window: results.study.training.settings.windowSize) }
        for (seed, figures) in figures.enumerated() { speeds[seed].append(figures) }
        func mean(_ path: KeyPath<Speed, Double?>) -> StudyTable.Cell { .init(SeedMean(figures.compactMap { $0[keyPath: path] })?.mean) }
        speed.rows.append([
          .text(model.name), .text(task.name), mean(\.steps), mean(\.samples), mean(\.shift), mean(\.gain), mean(\.rank),
        ])
      }
      trainings.append(Trainings(model: model.name, speeds: speeds))
      for (ending, title, of) in [
        ("correlation", "Likeness to the base model", { (point: (step: Int, r: SeedMean?, mse: SeedMean?)) in point.r }),
        ("mse", "Distance from the base model", { $0.mse }),
      ] {
        let chart = LineChart(
          series: curves.map { curve in
            LineChart.Series(
              name: curve.task,
              points: curve.points.map { point in
                let mean = of(point)
                return LineChart.Point(x: Double(point.step), y: mean?.mean, low: mean?.low, high: mean?.high)
              })
          }, title: "\(model.name): \(title)", xName: "updates", yName: ending == "mse" ? "mean squared error" : "Pearson correlation")
        findings.figures.append(
          StudyFigure(
            name: "\(name)-\(model.name)-\(ending)", chart: chart, caption: "The mean over seeds, with 95% intervals.", table: name))
      }
    }
    findings.tables = [Self.models(trainings), speed, steps]
    return findings
  }

  /// How fast one training changed a pattern.
  struct Speed {
    var steps, samples, shift, gain, rank: Double?
    /// The share of the final shift that is there after a quarter of the updates.
    var early: Double?
  }

  private static func figures(_ lines: [StepMetrics], window: Int) -> Speed {
    let shifts = lines.compactMap { line in line.correlation.map { (step: line.step, shift: 1 - $0, loss: line.evalLoss) } }
    guard let last = shifts.last, shifts.count > 1 else { return Speed() }
    var speed = Speed()
    speed.shift = last.shift
    if last.shift > 0, let reached = shifts.first(where: { $0.shift >= 0.9 * last.shift }) {
      speed.steps = Double(reached.step)
      speed.samples = Double(reached.step * window)
    }
    if last.shift > 0, let quarter = shifts.last(where: { 4 * $0.step <= last.step }), quarter.step > 0 {
      speed.early = quarter.shift / last.shift
    }
    if let before = shifts[0].loss, let after = last.loss { speed.gain = before - after }
    let measured = shifts.dropFirst().filter { $0.loss != nil }
    if measured.count > 2, let before = shifts[0].loss {
      speed.rank = Correlation.spearman(measured.map(\.shift), measured.map { before - ($0.loss ?? 0) })
    }
    return speed
  }
}
