import ActivationPatterns
import Reports

extension FitResult {
  /// The fit on a page.
  func section(name: String, number: Int, _ numbers: inout [(name: String, text: String)]) -> ReportPage.Section {
    let names = coefficients.keys.sorted { (coefficients[$1] ?? 0, $0) < (coefficients[$0] ?? 0, $1) }
    var paragraphs = [
      "The change that one task makes as a sum of the changes that others make, each with a weight α. R² says how much of it that explains: 1 for all.",
      "\(target) by \(names.count) basics: R² \(NumberText.fixed(r2, decimals: 4)), adjusted \(NumberText.fixed(adjustedR2, decimals: 4)).",
    ]
    if let test = permutation {
      paragraphs.append(
        "Permutation test, heads shuffled within layers: p = \(NumberText.short(test.withinLayers, digits: 3)). "
          + "With all heads shuffled p = \(NumberText.short(test.allHeads, digits: 3)), which a shared profile over layers alone makes small."
      )
    }
    paragraphs += warnings.map { "Warning: \($0)." }
    let file = "coefficients-\(number).csv"
    numbers.append(
      (
        file,
        CSVText.table(
          columns: ["basic", "coefficient", "low", "high", "corrected", "corrected_low", "corrected_high"],
          rows: names.map { name in
            let (ends, corrected) = (bootstrap?.coefficients[name], bootstrap?.corrected[name])
            return [name]
              + [coefficients[name], ends?.low, ends?.high, corrected?.estimate, corrected?.low, corrected?.high].map { CSVText.number($0) }
          })
      ))
    let hasCorrected = bootstrap.map { !$0.corrected.isEmpty } ?? false
    let chart = BarChart(
      names: names, series: hasCorrected ? ["α", "α corrected for noise"] : ["α"],
      bars: names.map { name in
        let ends = bootstrap?.coefficients[name]
        let corrected = bootstrap?.corrected[name]
        return [.init(coefficients[name], low: ends?.low, high: ends?.high)]
          + (hasCorrected ? [.init(corrected?.estimate, low: corrected?.low, high: corrected?.high)] : [])
      }, title: "Coefficients", valueName: "α")
    var pictures = [ReportPage.Picture(chart, caption: bootstrap == nil ? "" : "Whiskers are 95% intervals.", numbers: "report/\(file)")]
    var tables: [ReportPage.Table] = []
    if !subsets.isEmpty {
      tables.append(
        .init(
          title: "Subsets of the basics", columns: [("size", true), ("basics", false), ("R²", true), ("adjusted R²", true)],
          rows: subsets.prefix(2000).map {
            [
              "\($0.names.count)", $0.names.joined(separator: " + "), NumberText.fixed($0.r2, decimals: 4),
              NumberText.fixed($0.adjustedR2, decimals: 4),
            ]
          }))
      let pairs = subsets.filter { $0.names.count == 2 }.prefix(20)
      if pairs.count > 1 {
        let file = "pairs-\(number).csv"
        numbers.append(
          (file, CSVText.table(columns: ["pair", "r2"], rows: pairs.map { [$0.names.joined(separator: " + "), CSVText.number($0.r2)] })))
        pictures.append(
          .init(
            BarChart(
              names: pairs.map { $0.names.joined(separator: " + ") }, bars: pairs.map { [.init($0.r2)] },
              title: "Pairs of basics, best first",
              valueName: "R²"), numbers: "report/\(file)"))
      }
    }
    return ReportPage.Section(title: "Fit: \(name)", paragraphs: paragraphs, tables: tables, pictures: pictures)
  }
}
