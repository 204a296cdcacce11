import Reports
import Runs

extension AblationResult: ReadableResult {
  /// The most items that the terminal shows.
  private static let shownItems = 64

  var notes: [String] {
    effort.map {
      ["\($0.tokenLayers) tokens × layers in \(ProgressLine.duration($0.seconds)); \(skipped) samples without a label skipped"]
    } ?? []
  }

  var text: String {
    func row(_ change: Change) -> [String] {
      [
        change.name, NumberText.short(change.trueChange), change.trueInterval?.text(digits: 3) ?? "–", NumberText.short(change.prediction),
        change.predictionInterval?.text(digits: 3) ?? "–",
      ]
        + (benchmark == nil
          ? []
          : ["\(NumberText.fixed(change.accuracyChange, decimals: 4)) ± \(NumberText.fixed(change.accuracyError, decimals: 4))"])
    }
    func table(_ first: String) -> TextTable {
      TextTable(
        [(first, .left), ("true change", .right), ("95% interval", .right), ("prediction", .right), ("95% interval", .right)]
          + (benchmark == nil ? [] : [("change of accuracy", .right)]))
    }
    let isLayers = items.first?.head == nil
    let kind = isLayers ? "layers" : "heads"
    var lines = [
      "\(about.model): mean loss \(NumberText.fixed(loss, decimals: 4)) over \(samples) samples; change of loss without each of \(items.count) \(kind), in nats a label"
    ]
    if let benchmark {
      lines.append(
        "\(benchmark.name) (\(benchmark.variant), \(benchmark.shots) shots): accuracy \(NumberText.fixed(benchmark.accuracy, decimals: 4)) over \(benchmark.count) questions with all heads on"
      )
    }
    var all = table(isLayers ? "layer" : "head")
    let shown =
      items.count <= Self.shownItems ? items : Array(items.sorted { abs($0.trueChange) > abs($1.trueChange) }.prefix(Self.shownItems))
    for change in shown { all.add(row(change)) }
    if let together { all.add(row(together)) }
    lines.append(all.text)
    if shown.count < items.count {
      lines.append("the \(shown.count) with the greatest true change of \(items.count); --json or --out has all of them")
    }
    if let agreement { lines.append("prediction against truth over \(items.count) \(kind): \(agreement.text)") }
    if let cumulative {
      var table = TextTable([
        ("off", .right), ("last", .left), ("true change", .right), ("95% interval", .right), ("prediction", .right), ("random", .right),
        ("least–greatest", .right),
      ])
      for (place, change) in cumulative.changes.enumerated() {
        let band = band(place)
        table.add([
          String(place + 1), change.name, NumberText.short(change.trueChange), change.trueInterval?.text(digits: 3) ?? "–",
          NumberText.short(change.prediction), NumberText.short(band?.mean),
          band.map { "\(NumberText.short($0.low, digits: 3))–\(NumberText.short($0.high, digits: 3))" } ?? "–",
        ])
      }
      lines.append(table.text)
    }
    return lines.joined(separator: "\n")
  }
}
