import ActivationPatterns
import Reports

extension FitResult {
  /// The fit on a page.
  func section(name: String, number: Int, _ numbers: inout [(name: String, text: String)]) -> ReportPage.Section {
    let names = coefficients.keys.sorted { (coefficients[$1] ?? 0, $0) < (coefficients[$0] ?? 0, $1) }
    var paragraphs = [
      "The change that one task makes as a sum of the changes that others make, each with a weight α. R² says how much of it that explains: 1 for all.",
      "\(target) by \(names.count) basics: R² \(NumberText.fixed(r2, decimals: 4))\(bootstrap?.r2.map { " (95% interval \($0.text(decimals: 4)))" } ?? ""), adjusted \(NumberText.fixed(adjustedR2, decimals: 4)).",
    ]
    if let heldOutSentence { paragraphs.append(heldOutSentence) }
    if let test = permutation {
      paragraphs.append(
        "Permutation test, heads shuffled within layers: p = \(NumberText.short(test.withinLayers, digits: 3)). "
          + "With all heads shuffled p = \(NumberText.short(test.allHeads, digits: 3)), which a shared profile over layers alone makes small."
      )
    }
    if let rankingSentence { paragraphs.append(rankingSentence) }
    if let reliabilitySentence { paragraphs.append(reliabilitySentence) }
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
      let pairs = subsets.filter { $0.names.count == 2 }
      if pairs.count > 1 {
        let file = "pairs-\(number).csv"
        let shares = Dictionary(bootstrap?.pairs.map { (Set($0.names), $0.first) } ?? [], uniquingKeysWith: { one, _ in one })
        numbers.append(
          (
            file,
            CSVText.table(
              columns: ["pair", "r2", "first_share"],
              rows: pairs.map {
                [$0.names.joined(separator: " + "), CSVText.number($0.r2), CSVText.number(shares[Set($0.names)])]
              })
          ))
        pictures.append(
          .init(
            BarChart(
              names: pairs.prefix(Self.shownPairs).map { $0.names.joined(separator: " + ") },
              bars: pairs.prefix(Self.shownPairs).map { [.init($0.r2)] }, title: "Pairs of basics, best first", valueName: "R²"),
            numbers: "report/\(file)"))
        if !shares.isEmpty {
          tables.append(
            .init(
              title: "How often each pair of basics is the best one where samples are drawn again",
              columns: [("pair", false), ("R²", true), ("first in, % of resamples", true)],
              rows: pairs.sorted { (shares[Set($0.names)] ?? 0) > (shares[Set($1.names)] ?? 0) }.map {
                [
                  $0.names.joined(separator: " + "), NumberText.fixed($0.r2, decimals: 4),
                  NumberText.fixed(shares[Set($0.names)].map { 100 * $0 } ?? 0, decimals: 1),
                ]
              }))
        }
      }
    }
    return ReportPage.Section(title: "Fit: \(name)", paragraphs: paragraphs, tables: tables, pictures: pictures)
  }

  /// The most pairs of a picture.
  private static let shownPairs = 20

  private var heldOutSentence: String? {
    let parts = [("heads", heldOut?.heads), ("samples", heldOut?.samples)].compactMap { what, figures in
      figures.map {
        "\(NumberText.fixed($0.mean, decimals: 4)) over half of the \(what) (95% of \($0.splits) halvings: [\(NumberText.fixed($0.low, decimals: 4)), \(NumberText.fixed($0.high, decimals: 4))])"
      }
    }
    return parts.isEmpty ? nil : "Held out, α from one half and R² on the other: \(parts.joined(separator: "; "))."
  }

  private var rankingSentence: String? {
    guard let bootstrap, let first = bootstrap.pairs.first, bootstrap.pairs.count > 1 else { return nil }
    let lead =
      bootstrap.bestMinusRunnerUp.map {
        "; the best pair's R² leads the next one's by \(NumberText.fixed($0.estimate, decimals: 4)) \($0.text(decimals: 4))"
      } ?? ""
    return
      "Drawn again \(bootstrap.replicates) times, \(first.names.joined(separator: " + ")) is the best pair in \(NumberText.fixed(100 * first.first, decimals: 0))% of draws\(lead)."
  }

  private var reliabilitySentence: String? {
    guard let reliability = bootstrap?.reliability else { return nil }
    let basics = reliability.basics.values.compactMap(\.self)
    guard let target = reliability.target, let least = basics.min() else { return nil }
    return
      "Split-half reliability: \(NumberText.fixed(target, decimals: 3)) of the target, \(NumberText.fixed(least, decimals: 3)) or more of the basics; from \(Reliability.sufficient) on intervals hold what they claim."
  }
}
