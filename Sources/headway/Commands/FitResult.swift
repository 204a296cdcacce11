import ActivationPatterns
import Foundation
import Reports

/// What `headway fit` found, as JSON and as text.
struct FitResult: Encodable {
  /// A subset of the basics and its fit.
  struct Subset: Encodable {
    var names: [String]
    var coefficients: [String: Double]
    var r2: NullableNumber
    var adjustedR2: NullableNumber
    var conditionNumber: NullableNumber

    init(_ subset: SubsetSearch.Subset, names all: [String]) {
      names = subset.basics.map { all[$0] }
      coefficients = Dictionary(uniqueKeysWithValues: zip(names, subset.fit.coefficients))
      r2 = .init(subset.fit.r2)
      adjustedR2 = .init(subset.fit.adjustedR2)
      conditionNumber = .init(subset.fit.conditionNumber)
    }

    enum CodingKeys: String, CodingKey {
      case names, coefficients, r2
      case adjustedR2 = "adjusted_r2"
      case conditionNumber = "condition_number"
    }
  }

  /// Intervals from resampled samples.
  struct Bootstrap: Encodable {
    struct Pair: Encodable {
      var names: [String]
      /// The share of resamples in which this pair's R² was the greatest.
      var first: Double
    }
    struct Reliabilities: Encodable {
      var target: NullableNumber
      var basics: [String: NullableNumber]
    }
    var replicates: Int
    var seed: UInt64
    var coefficients: [String: IntervalEntry]
    var corrected: [String: IntervalEntry]
    var r2: IntervalEntry?
    var pairs: [Pair]
    var bestMinusRunnerUp: IntervalEntry?
    var reliability: Reliabilities

    init(_ bootstrap: FitBootstrap, names: [String], seed: UInt64) {
      func entries(_ intervals: [Interval?]) -> [String: IntervalEntry] {
        Dictionary(uniqueKeysWithValues: zip(names, intervals).compactMap { name, interval in interval.map { (name, .init($0)) } })
      }
      replicates = bootstrap.replicates
      self.seed = seed
      coefficients = entries(bootstrap.coefficients)
      corrected = entries(bootstrap.corrected)
      r2 = bootstrap.r2.map(IntervalEntry.init)
      pairs = bootstrap.pairs.map { Pair(names: $0.basics.map { names[$0] }, first: $0.firstShare) }
      bestMinusRunnerUp = bootstrap.bestMinusRunnerUp.map(IntervalEntry.init)
      reliability = Reliabilities(
        target: .init(bootstrap.targetReliability),
        basics: Dictionary(uniqueKeysWithValues: zip(names, bootstrap.basicReliabilities.map(NullableNumber.init))))
    }

    enum CodingKeys: String, CodingKey {
      case replicates, seed, coefficients, corrected, r2, pairs, reliability
      case bestMinusRunnerUp = "best_minus_runner_up"
    }
  }

  /// Permutation tests of R².
  struct Permutation: Encodable {
    var withinLayers: NullableNumber
    var allHeads: NullableNumber
    var permutations: Int
    var seed: UInt64

    init(_ test: PermutationTest, seed: UInt64) {
      withinLayers = .init(test.withinLayers)
      allHeads = .init(test.allHeads)
      permutations = test.permutations
      self.seed = seed
    }

    enum CodingKeys: String, CodingKey {
      case permutations, seed
      case withinLayers = "within_layers"
      case allHeads = "all_heads"
    }
  }

  /// R² on what the fit has not seen.
  struct HeldOut: Encodable {
    struct Figures: Encodable {
      var mean: Double
      var low: Double
      var high: Double
      var splits: Int

      init(_ fit: HeldOutFit) {
        mean = fit.mean
        low = fit.low
        high = fit.high
        splits = fit.splits
      }
    }
    var heads: Figures?
    var samples: Figures?
  }

  var target: String
  /// The basics, in the order given.
  var names: [String]
  var score: Score
  var coefficients: [String: Double]
  var intercept: Double?
  var isNonnegative: Bool
  var r2: NullableNumber
  var adjustedR2: NullableNumber
  var conditionNumber: NullableNumber
  var ridge: Double
  var entries: Int
  var undefined: Int
  var subsets: [Subset] = []
  @ShownAsNull var bootstrap: Bootstrap?
  @ShownAsNull var permutation: Permutation?
  var heldOut: HeldOut?
  var warnings: [String]

  init(target: String, names: [String], score: Score, options: PatternFit.Options, fit: PatternFit) {
    self.target = target
    self.names = names
    self.score = score
    coefficients = Dictionary(uniqueKeysWithValues: zip(names, fit.coefficients))
    intercept = fit.intercept
    isNonnegative = options.isNonnegative
    r2 = .init(fit.r2)
    adjustedR2 = .init(fit.adjustedR2)
    conditionNumber = .init(fit.conditionNumber)
    ridge = fit.ridge
    entries = fit.entryCount
    undefined = fit.undefinedCount
    warnings = fit.warnings
  }

  enum CodingKeys: String, CodingKey {
    case target, names, score, coefficients, intercept, r2, ridge, entries, undefined, subsets, bootstrap, permutation, warnings
    case isNonnegative = "nonnegative"
    case adjustedR2 = "adjusted_r2"
    case conditionNumber = "condition_number"
    case heldOut = "held_out"
  }

  // MARK: As text

  /// The result for the terminal.
  var text: String {
    var parts = [
      "\(target) by \(names.count) \(names.count == 1 ? "basic" : "basics"): R² \(NumberText.fixed(r2.value, decimals: 4))"
        + (bootstrap?.r2.map { " \($0.text(decimals: 4))" } ?? "")
        + ", adjusted \(NumberText.fixed(adjustedR2.value, decimals: 4)), \(entries) heads",
      coefficientTable.text,
    ]
    if let intercept { parts.append("intercept \(NumberText.short(intercept))") }
    if let test = permutation {
      parts.append(
        "permutation test, heads shuffled within layers: p = \(NumberText.short(test.withinLayers.value, digits: 3)) "
          + "(all heads shuffled: \(NumberText.short(test.allHeads.value, digits: 3)), which a shared layer profile alone makes small)")
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
        NumberText.fixed(bootstrap.reliability.basics[name]?.value, decimals: 2),
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
          subset.names.joined(separator: " + "), NumberText.fixed(subset.r2.value, decimals: 4),
          NumberText.fixed(subset.adjustedR2.value, decimals: 4),
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
