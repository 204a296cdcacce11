import ActivationPatterns
import Foundation
public import Reports

/// An ablation as pictures and as a part of a report.
extension AblationResult {
  /// Prediction against truth, or the curves where there are any.
  public func picture() -> String { curves?.svg() ?? scatter.svg() }

  /// The model and the task.
  var aboutWords: String { [URL(filePath: about.model).lastPathComponent, about.task].compactMap(\.self).joined(separator: ", ") }
  private var kind: String { items.first?.head == nil ? "layer" : "head" }

  /// How many points have their names beside them: those of the greatest true change.
  private static let namedPoints = 8
  /// How many points may all have their intervals; of more only those with names have, which would be hidden else.
  private static let pointsWithIntervals = 100

  private var scatter: ScatterPlot {
    let named = Set(items.sorted { abs($0.trueChange) > abs($1.trueChange) }.prefix(Self.namedPoints).map(\.name))
    let points = items.map { item in
      let hasIntervals = items.count <= Self.pointsWithIntervals || named.contains(item.name)
      return ScatterPlot.Point(
        x: item.prediction, y: item.trueChange, name: item.name,
        xInterval: hasIntervals ? item.predictionInterval.map { ($0.low, $0.high) } : nil,
        yInterval: hasIntervals ? item.trueInterval.map { ($0.low, $0.high) } : nil, isLabelled: named.contains(item.name))
    }
    return ScatterPlot(
      series: [(name: "\(kind)s", points: points)], title: aboutWords, xName: "predicted change of loss without the \(kind), nats a label",
      yName: "true change of loss, nats a label", hasDiagonal: true)
  }

  private var curves: LineChart? {
    guard let cumulative else { return nil }
    func line(_ name: String, _ point: (Int, Change) -> (Double, Double?, Double?)) -> LineChart.Series {
      LineChart.Series(
        name: name,
        points: cumulative.changes.enumerated().map { place, change in
          let (value, low, high) = point(place, change)
          return .init(x: Double(place + 1), y: value, low: low, high: high)
        })
    }
    var series = [
      line("these, true (95%)") { ($1.trueChange, $1.trueInterval?.low, $1.trueInterval?.high) },
      line("these, sum of predictions") { ($1.prediction, nil, nil) },
    ]
    if !random.isEmpty {
      series.append(
        line("\(random.count) random orders, true") { place, _ in
          band(place).map { ($0.mean, $0.low, $0.high) } ?? (.nan, nil, nil)
        })
    }
    return LineChart(series: series, title: aboutWords, xName: "\(kind)s switched off together", yName: "change of loss, nats a label")
  }

  /// The report's part for it; the numbers behind its pictures are added to `numbers`.
  public func section(name: String, number: Int, _ numbers: inout [(name: String, text: String)]) -> ReportPage.Section {
    func cells(_ change: Change) -> [String] {
      [change.trueChange, change.trueInterval?.low, change.trueInterval?.high, change.prediction, change.predictionInterval?.low]
        .map { CSVText.number($0) } + [CSVText.number(change.predictionInterval?.high)]
    }
    let columns = ["true_change", "true_low", "true_high", "prediction", "prediction_low", "prediction_high"]
    let file = "ablation-\(number).csv"
    numbers.append((file, CSVText.table(columns: [kind] + columns, rows: items.map { [$0.name] + cells($0) })))
    var pictures = [
      ReportPage.Picture(
        scatter,
        caption:
          "On the dashed line the prediction would be the truth; crosses are 95% intervals, names those of the greatest true change.",
        numbers: "report/\(file)")
    ]
    if let curves, let cumulative {
      let file = "ablation-curve-\(number).csv"
      let rows = cumulative.changes.enumerated().map { place, change in
        let band = band(place)
        return ["\(place + 1)", change.name] + cells(change) + [band?.mean, band?.low, band?.high].map { CSVText.number($0) }
      }
      let header = ["off", "last"] + columns + ["random_mean", "random_least", "random_greatest"]
      numbers.append((file, CSVText.table(columns: header, rows: rows)))
      pictures.append(
        .init(
          curves, caption: random.isEmpty ? "" : "The band of the random orders goes from the least to the greatest.",
          numbers: "report/\(file)"))
    }
    var paragraphs = [
      "Mean loss \(NumberText.fixed(loss, decimals: 4)) over \(samples) samples; how it changes without each of \(items.count) \(kind)s, in nats a label."
    ]
    if let agreement { paragraphs.append("Prediction against truth over \(items.count) \(kind)s: \(agreement.text).") }
    paragraphs += warnings.map { "Warning: \($0)." }
    let table = ReportPage.Table(
      columns: [(kind, false), ("true change", true), ("95% interval", false), ("prediction", true), ("95% interval", false)],
      rows: items.sorted { abs($0.trueChange) > abs($1.trueChange) }.map {
        [
          $0.name, NumberText.short($0.trueChange), $0.trueInterval?.text(digits: 3) ?? "–", NumberText.short($0.prediction),
          $0.predictionInterval?.text(digits: 3) ?? "–",
        ]
      })
    let settings = [
      ReportPage.Table(
        columns: [("model", false), ("model fingerprint", false), ("data fingerprint", false)],
        rows: [[about.model, about.modelFingerprint ?? "", about.dataFingerprint ?? ""]]),
      ReportPage.Table(
        columns: [
          ("task", false), ("format", false), ("samples", true), ("skipped", true), ("tokens", true), ("max length", true), ("type", false),
          ("choice", false), ("seed", false),
        ],
        rows: [
          [
            about.task ?? "", about.format, "\(samples)", "\(skipped)", "\(tokens)", "\(about.maxLength)", about.dtype, about.choice,
            "\(about.seed)",
          ]
        ]),
    ]
    return ReportPage.Section(
      title: "Ablation: \(name)", paragraphs: paragraphs, tables: [table], pictures: pictures, settings: settings)
  }
}
