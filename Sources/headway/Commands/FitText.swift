import ActivationPatterns
import Reports
import Runs

extension FitResult: ReadableResult {
  var text: String {
    var parts = [
      "\(target) by \(names.count) \(names.count == 1 ? "basic" : "basics"): R² \(NumberText.fixed(r2, decimals: 4))"
        + (bootstrap?.r2.map { " \($0.text(decimals: 4))" } ?? "")
        + ", adjusted \(NumberText.fixed(adjustedR2, decimals: 4)), \(entries) heads",
      coefficientTable.text,
    ]
    if let intercept { parts.append("intercept \(NumberText.short(intercept))") }
    if let test = permutation {
      parts.append(
        "permutation test, heads shuffled within layers: p = \(NumberText.short(test.withinLayers, digits: 3)) "
          + "(all heads shuffled: \(NumberText.short(test.allHeads, digits: 3)), which a shared layer profile alone makes small)")
    }
    for (what, figures) in [("heads", heldOut?.heads), ("samples", heldOut?.samples)] {
      guard let figures else { continue }
      parts.append(
        "held out, other half of the \(what): R² \(NumberText.fixed(figures.mean, decimals: 4)) "
          + "[\(NumberText.fixed(figures.low, decimals: 4)), \(NumberText.fixed(figures.high, decimals: 4))] over \(figures.splits) halvings"
      )
    }
    parts += subsetTables
    if let bootstrap, bootstrap.pairs.count > 1 { parts.append(pairText(bootstrap)) }
    return parts.joined(separator: "\n\n")
  }

  private var coefficientTable: TextTable {
    guard let bootstrap else {
      var table = TextTable([("basic", .left), ("α", .right)])
      for name in names { table.add([name, NumberText.fixed(coefficients[name], decimals: 4)]) }
      return table
    }
    var table = TextTable([
      ("basic", .left), ("α", .right), ("95% interval", .left), ("corrected for noise", .right), ("95% interval", .left),
      ("reliability", .right),
    ])
    for name in names {
      let corrected = bootstrap.corrected[name]
      table.add([
        name, NumberText.fixed(coefficients[name], decimals: 4), bootstrap.coefficients[name]?.text(decimals: 4) ?? "–",
        NumberText.fixed(corrected?.estimate, decimals: 4), corrected?.text(decimals: 4) ?? "–",
        NumberText.fixed(bootstrap.reliability.basics[name] ?? nil, decimals: 2),
      ])
    }
    return table
  }

  /// The best ten of each size.
  private var subsetTables: [String] {
    Dictionary(grouping: subsets, by: \.names.count).sorted { $0.key < $1.key }.map { size, subsets in
      var table = TextTable([("basics", .left), ("R²", .right), ("adjusted", .right), ("α", .left)])
      for subset in subsets.prefix(10) {
        table.add([
          subset.names.joined(separator: " + "), NumberText.fixed(subset.r2, decimals: 4),
          NumberText.fixed(subset.adjustedR2, decimals: 4),
          subset.names.map { NumberText.fixed(subset.coefficients[$0], decimals: 4) }.joined(separator: ", "),
        ])
      }
      let rest = subsets.count > 10 ? "\n… and \(subsets.count - 10) more (--json has all)" : ""
      return "subsets of \(size)\n\(table.text)\(rest)"
    }
  }

  private func pairText(_ bootstrap: Bootstrap) -> String {
    var table = TextTable([("pair", .left), ("ranks first in", .right)])
    for pair in bootstrap.pairs.prefix(10) where pair.first > 0 {
      table.add([pair.names.joined(separator: " + "), "\(NumberText.fixed(pair.first * 100, decimals: 1)) %"])
    }
    guard let difference = bootstrap.bestMinusRunnerUp else { return table.text }
    return table.text
      + "\nR² of the best pair minus the runner-up's: \(NumberText.fixed(difference.estimate, decimals: 4)) \(difference.text(decimals: 4))"
  }
}
