import Ground
import FineTuning
import Foundation
import Reports
import Torch

/// A run's pictures: the loss, and figure 5's correlation and mean squared error against the base model's pattern over the steps.
struct TrainingCurves {
  /// What losses are.
  static let lossName = "mean cross-entropy, nats a label"
  /// What was recorded, in the order of steps.
  let lines: [StepMetrics]
  /// How alike the base model's patterns of different training windows are; empty where that was not measured.
  let noiseFloor: [Double]

  init(_ folder: TrainingFolder) throws {
    lines = try StepMetrics.read(from: folder.metrics)
    noiseFloor = try RecordedPatterns.noiseFloor(of: folder)
  }

  /// The pictures by their file names; those without points left out.
  var charts: [(picture: TrainingFolder.Picture, chart: LineChart)] {
    [
      (.loss, chart("Loss", Self.lossName, [("training windows", \.loss), ("evaluation data", \.evalLoss)])),
      (
        .correlation,
        chart(
          "Likeness to the base model", "Pearson correlation of patterns",
          [("probe set", \.correlation), ("training windows", \.windowCorrelation)], floor: noiseFloor)
      ),
      (
        .mse,
        chart("Distance from the base model", "mean squared error of patterns", [("probe set", \.mse), ("training windows", \.windowMse)])
      ),
      (.gini, chart("Concentration", "Gini coefficient", [("probe set", \.gini), ("training windows", \.windowGini)])),
    ].compactMap { picture, chart in chart.map { (picture, $0) } }
  }

  /// The numbers behind them.
  var table: String {
    let columns: [(String, KeyPath<StepMetrics, Double?>)] = [
      ("loss", \.loss), ("eval_loss", \.evalLoss), ("lr", \.lr), ("correlation", \.correlation), ("mse", \.mse), ("gini", \.gini),
      ("window_correlation", \.windowCorrelation), ("window_mse", \.windowMse), ("window_gini", \.windowGini),
    ]
    return CSVText.table(
      columns: ["step"] + columns.map(\.0),
      rows: lines.map { line in ["\(line.step)"] + columns.map { CSVText.number(line[keyPath: $0.1]) } })
  }

  private func chart(
    _ title: String, _ yName: String, _ curves: [(String, KeyPath<StepMetrics, Double?>)], floor: [Double] = []
  ) -> LineChart? {
    var series: [LineChart.Series] = curves.compactMap { name, path in
      let points = lines.compactMap { line in line[keyPath: path].map { LineChart.Point(x: Double(line.step), y: $0) } }
      return points.count > 1 ? LineChart.Series(name: name, points: points) : nil
    }
    guard !series.isEmpty, let last = lines.last?.step else { return nil }
    if let low = floor.min(), let high = floor.max() {
      let mean = floor.reduce(0, +) / Double(floor.count)
      series.append(
        .init(
          name: "noise floor",
          points: [0, Double(last)].map { LineChart.Point(x: $0, y: mean, low: low, high: high) }))
    }
    return LineChart(series: series, title: title, xName: "updates", yName: yName)
  }

  /// Writes the pictures into the run's `headway/`.
  func write(to folder: TrainingFolder) throws {
    for (picture, chart) in charts { try AtomicFile.write(chart.svg(), to: folder.picture(picture)) }
  }
}
