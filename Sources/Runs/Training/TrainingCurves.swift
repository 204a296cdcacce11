import Ground
import FineTuning
import Foundation
import Reports
import Torch

/// A run's pictures: the loss, and figure 5's correlation and mean squared error against the base model's pattern over the steps.
struct TrainingCurves {
  private let lines: [StepMetrics]
  private let noiseFloor: [Double]

  init(_ folder: TrainingFolder) throws {
    lines = try StepMetrics.read(from: folder.metrics)
    noiseFloor = try RecordedPatterns.noiseFloor(of: folder)
  }

  /// The pictures by their file names; those without points left out.
  var pictures: [(picture: TrainingFolder.Picture, svg: String)] {
    [
      (.loss, chart("Loss", "mean cross-entropy of a label", [("training windows", \.loss), ("evaluation data", \.evalLoss)])),
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
    ].compactMap { picture, svg in svg.map { (picture, $0) } }
  }

  private func chart(
    _ title: String, _ yName: String, _ curves: [(String, KeyPath<StepMetrics, Double?>)], floor: [Double] = []
  ) -> String? {
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
    return LineChart(series: series, title: title, xName: "updates", yName: yName).svg()
  }

  /// Writes the pictures into the run's `headway/`.
  func write(to folder: TrainingFolder) throws {
    for (picture, svg) in pictures { try AtomicFile.write(svg, to: folder.picture(picture)) }
  }
}
