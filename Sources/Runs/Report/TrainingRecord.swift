import ActivationPatterns
import FineTuning
import Foundation
import Ground
import Reports

/// What a training run's folder tells of it: its curves, and its tracked patterns where it has any.
struct TrainingRecord {
  /// What it is called.
  let name: String
  /// Its tracked patterns.
  let series: PatternSeries?
  private let curves: TrainingCurves
  private let summary: TrainingResult?

  /// The run of a folder; nil where none lies there.
  /// - Throws: what reading its patterns throws.
  init?(_ folder: URL, name: String) throws {
    let folder = TrainingFolder(folder)
    self.name = name
    series = try PatternSeries(inFolder: folder.url)
    curves = try TrainingCurves(folder)
    summary = (try? InputFile.contents(of: folder.summary, limit: .max)).flatMap {
      try? JSONDecoder().decode(TrainingResult.self, from: $0)
    }
    guard series != nil || !curves.lines.isEmpty else { return nil }
  }

  /// How far it is, in a few words.
  var about: String {
    let updates = curves.lines.last.map { "\($0.step) updates" }
    let tracked = series.map { "patterns at \($0.steps.count) of them" }
    return ["training run", updates, tracked].compactMap(\.self).joined(separator: ", ")
  }

  /// What came of it, in a sentence; nil where it recorded no loss.
  var sentence: String? {
    guard let first = curves.lines.lazy.compactMap(\.loss).first, let last = curves.lines.reversed().lazy.compactMap(\.loss).first,
      let steps = curves.lines.last?.step
    else { return nil }
    let likeness = curves.lines.reversed().lazy.compactMap(\.correlation).first.map {
      ", and the pattern's correlation with the base model's went from 1 to \(NumberText.fixed($0, decimals: 3))"
    }
    return
      "In the \(steps) updates of \(name) the training loss went from \(NumberText.fixed(first, decimals: 3)) to \(NumberText.fixed(last, decimals: 3)) nats a label\(likeness ?? "")."
  }

  /// The run as a page goes through it.
  /// - Parameter most: the most steps, evenly spread.
  func explored(most: Int) -> HeadExplorer.TrainingRun {
    let shown = HeatMapRun.spread(series.map { Array($0.steps.indices) } ?? [], most: most)
    return .init(
      layers: series?.levels.first?.layers ?? 0, heads: series?.levels.first?.heads ?? 0, steps: shown.compactMap { series?.steps[$0] },
      values: shown.compactMap { series?.levels[$0].values },
      errors: series?.standardErrors.map { errors in shown.map { errors[$0].values.map { 1.96 * $0 } } },
      curves: curves.charts.map { _, chart in
        .init(
          yName: chart.yName,
          curves: chart.series.map { line in
            .init(name: line.name, points: line.points.compactMap { point in point.y.flatMap { $0.isFinite ? (Int(point.x), $0) : nil } })
          })
      })
  }

  /// The run on a page: losses, likeness to the base model, and what was tracked.
  func section(number: Int, _ numbers: inout [(name: String, text: String)]) -> ReportPage.Section {
    var section =
      series?.section(name: name, number: number, &numbers)
      ?? ReportPage.Section(title: "", paragraphs: ["No patterns were tracked; headway sft --track FILE does."])
    section.title = "Training: \(name)"
    let file = "training-\(number).csv"
    let drawn = curves.charts
    guard !drawn.isEmpty else { return section }
    numbers.append((file, curves.table))
    section.paragraphs = [sentence, floorSentence].compactMap(\.self) + section.paragraphs
    // The run's own curves have what the series' have, and more.
    let maps = section.pictures.suffix(series == nil ? 0 : 1)
    section.pictures = drawn.map { ReportPage.Picture($0.chart, numbers: "report/\(file)") } + maps
    if let summary { section.settings = [summary.settingsTable] }
    return section
  }

  /// Several runs beside each other: what each came to, and their losses.
  static func overview(_ runs: [TrainingRecord], _ numbers: inout [(name: String, text: String)]) -> ReportPage.Section {
    let file = "trainings.csv"
    numbers.append(
      (
        file,
        CSVText.table(
          columns: ["run", "step", "loss", "eval_loss"],
          rows: runs.flatMap { run in
            run.curves.lines.map { [run.name, "\($0.step)", CSVText.number($0.loss), CSVText.number($0.evalLoss)] }
          })
      ))
    func chart(_ title: String, _ path: KeyPath<StepMetrics, Double?>) -> ReportPage.Picture? {
      let series = runs.compactMap { run in
        let points = run.curves.lines.compactMap { line in line[keyPath: path].map { LineChart.Point(x: Double(line.step), y: $0) } }
        return points.count > 1 ? LineChart.Series(name: run.name, points: points) : nil
      }
      return series.isEmpty
        ? nil
        : .init(
          LineChart(series: series, title: title, xName: "updates", yName: TrainingCurves.lossName), numbers: "report/\(file)")
    }
    let figure = { (value: Double?) in NumberText.fixed(value, decimals: 4) }
    return ReportPage.Section(
      title: "Training runs",
      tables: [
        ReportPage.Table(
          title: "Losses in nats a label",
          columns: [
            ("run", false), ("updates", true), ("first loss", true), ("last loss", true), ("first evaluation", true),
            ("last evaluation", true), ("tracked patterns", true),
          ],
          rows: runs.map { run in
            let lines = run.curves.lines
            let (losses, evaluations) = (lines.compactMap(\.loss), lines.compactMap(\.evalLoss))
            return [run.name, "\(lines.last?.step ?? 0)", figure(losses.first), figure(losses.last)]
              + [evaluations.first, evaluations.last].map { $0 == nil ? "" : figure($0) } + [run.series.map { "\($0.steps.count)" } ?? ""]
          }
        ).withoutEmptyColumns
      ], pictures: [chart("Training loss", \.loss), chart("Evaluation loss", \.evalLoss)].compactMap(\.self))
  }

  /// What the band of the likeness is, where it was measured.
  private var floorSentence: String? {
    guard let low = curves.noiseFloor.min(), let high = curves.noiseFloor.max() else { return nil }
    let range = "\(NumberText.fixed(low, decimals: 3)) to \(NumberText.fixed(high, decimals: 3))"
    return
      "The noise floor is how alike the base model's patterns of different training windows are before any update (\(range) for \(curves.noiseFloor.count) window\(curves.noiseFloor.count == 1 ? "" : "s")): a window's likeness within it says no more than that its samples are others."
  }
}

extension TrainingResult {
  /// What training took and left, for the end of a section.
  fileprivate var settingsTable: ReportPage.Table {
    ReportPage.Table(
      columns: [
        ("updates", true), ("samples", true), ("tokens", true), ("saved as", false), ("weights that changed, %", true), ("best step", true),
      ],
      rows: [
        [
          "\(steps)", "\(samples)", "\(tokens)", savedAs, changedShare.map { NumberText.fixed(100 * $0, decimals: 2) } ?? "",
          bestStep.map(String.init) ?? "",
        ]
      ]
    ).withoutEmptyColumns
  }
}
