import Ground
import ActivationPatterns
import Foundation
import Testing

/// How often 95% intervals hold the truth, in simulation; prints the table of docs/Statistics.md.
///
///     HEADWAY_COVERAGE=1000 swift test -c release --filter CoverageSimulation
///
/// Levels are lognormal over heads; a sample's level is exponential about its head's (coefficient of variation 1); after
/// fine-tuning it is, for 7 samples of 10, the same draw on the changed level, for the others a new one. The target's change is 0.6
/// of one basic's and 0.3 of another's, and a remainder a fifth as large.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["HEADWAY_COVERAGE"] != nil)) struct CoverageSimulation {
  /// One row of the table.
  struct Setting {
    var layers: Int
    var heads: Int
    var samples: Int
    /// The lognormal's σ over heads, which makes a pattern reliable.
    var spread: Double
    /// The size of changes against levels, which makes changes reliable.
    var change: Double
  }

  /// How often intervals held the truth.
  struct Tally {
    var held: [String: Int] = [:]
    var made: [String: Int] = [:]

    mutating func add(_ name: String, _ interval: Interval?, _ truth: Double?) {
      guard let interval, let truth else { return }
      made[name, default: 0] += 1
      if interval.low <= truth, truth <= interval.high { held[name, default: 0] += 1 }
    }

    func share(_ name: String) -> Double? { made[name].map { Double(held[name] ?? 0) / Double($0) } }
  }

  static let settings: [Setting] = [(5, 8), (32, 32)].flatMap { layers, heads in
    [(100, 0.2, 0.1), (100, 0.5, 0.3), (100, 0.8, 0.5), (500, 0.1, 0.05), (500, 0.2, 0.15), (500, 0.5, 0.3)].map {
      Setting(layers: layers, heads: heads, samples: $0, spread: $1, change: $2)
    }
  }

  /// All rows, or the one that `HEADWAY_COVERAGE_ROW` numbers: a long simulation can be cut into pieces, each with its own
  /// `HEADWAY_COVERAGE_SEED`, and their figures averaged.
  static let chosen: [Setting] = number("HEADWAY_COVERAGE_ROW").map { Array(settings.dropFirst($0).prefix(1)) } ?? settings

  static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap(Int.init) }

  @Test(arguments: chosen) func coverage(setting: Setting) throws {
    let seed = UInt64(Self.number("HEADWAY_COVERAGE_SEED") ?? 0)
    let trials = Self.number("HEADWAY_COVERAGE") ?? 100
    var random = Congruence(state: UInt64(setting.samples * 31 + setting.heads) &+ seed &* 0x9e37_79b9_7f4a_7c15)
    var draws = Congruence(state: 99 &+ seed)
    let count = setting.layers * setting.heads
    var tally = Tally()
    var (levelReliability, changeReliability) = (0.0, 0.0)
    for _ in 0..<trials {
      let levels = (0..<count).map { _ in exp(setting.spread * random.normal()) }
      func change(_ scale: Double) -> [Double] { levels.map { max(-0.9, min(2, scale * random.normal())) * $0 } }
      let (one, two, rest) = (change(setting.change), change(setting.change), change(setting.change * 0.2))
      let mixed = (0..<count).map { 0.6 * one[$0] + 0.3 * two[$0] + rest[$0] }
      func changes(_ change: [Double]) throws -> SampledLevels {
        try SampledLevels(
          layers: setting.layers, heads: setting.heads,
          samples: (0..<setting.samples).map { _ in
            (0..<count).map { entry in
              let draw = random.exponential()
              let after = random.uniform() < 0.7 ? draw : random.exponential()
              return (levels[entry] + change[entry]) * after - levels[entry] * draw
            }
          })
      }
      let pattern = try SampledLevels(
        layers: setting.layers, heads: setting.heads,
        samples: (0..<setting.samples).map { _ in levels.map { $0 * random.exponential() } })
      let statistics = try StatisticsBootstrap(pattern, replicates: 400, using: &draws)
      let truth = PatternStatistics(try HeadMatrix(layers: setting.layers, heads: setting.heads, values: levels))
      tally.add("mean", statistics.mean, truth.mean)
      tally.add("gini", statistics.gini, truth.gini)
      tally.add("cv", statistics.coefficientOfVariation, truth.coefficientOfVariation)
      tally.add("kurtosis", statistics.kurtosis, truth.kurtosis)
      levelReliability += (statistics.reliability ?? 0) / Double(trials)

      let (basicOne, basicTwo, target) = (try changes(one), try changes(two), try changes(mixed))
      func matrix(_ values: [Double]) throws -> HeadMatrix { try HeadMatrix(layers: setting.layers, heads: setting.heads, values: values) }
      let exact = try PatternFit(target: matrix(mixed), basics: [matrix(one), matrix(two)])
      let fit = try FitBootstrap(target: target, basics: [basicOne, basicTwo], ranksPairs: false, replicates: 400, using: &draws)
      for index in 0..<2 {
        tally.add("alpha", fit.coefficients[index], exact.coefficients[index])
        tally.add("corrected", fit.corrected[index], exact.coefficients[index])
      }
      tally.add("r2", fit.r2, exact.r2)
      changeReliability += (fit.basicReliabilities.compactMap(\.self).reduce(0, +)) / 2 / Double(trials)
    }
    func percent(_ name: String) -> String { tally.share(name).map { String(format: "%.1f", 100 * $0) } ?? "–" }
    // A table for a person: this suite runs only on demand.
    print(
      "| \(count) | \(setting.samples) | \(String(format: "%.2f", levelReliability)) | \(percent("mean")) | \(percent("gini")) | \(percent("cv")) | \(percent("kurtosis")) | \(String(format: "%.2f", changeReliability)) | \(percent("alpha")) | \(percent("corrected")) | \(percent("r2")) |"
    )
    guard trials >= 1000 else { return }
    if levelReliability >= 0.9 {
      for name in ["mean", "gini"] { #expect((0.93...0.97).contains(tally.share(name) ?? 0), "\(name), \(setting)") }
    }
    if changeReliability >= 0.9 { #expect((0.93...0.97).contains(tally.share("corrected") ?? 0), "\(setting)") }
  }

  /// p-values of the permutation test under its null: two tasks that share nothing but their layers' profile. Prints how far they are from uniform
  /// (Kolmogorov and Smirnov's distance, and χ² over ten bins), and how often either test rejects at 5%.
  @Test(arguments: [(5, 8), (16, 16)]) func permutationProbabilities(layers: Int, heads: Int) throws {
    let trials = Self.number("HEADWAY_COVERAGE") ?? 100
    let seed = UInt64(Self.number("HEADWAY_COVERAGE_SEED") ?? 0)
    var random = Congruence(state: UInt64(layers * 1000 + heads) &+ seed &* 0x9e37_79b9_7f4a_7c15)
    var draws = Congruence(state: 77 &+ seed)
    let permutations = 199
    var (within, all): ([Double], [Double]) = ([], [])
    for _ in 0..<trials {
      func matrix() throws -> HeadMatrix {
        try HeadMatrix(
          layers: layers, heads: heads, values: (0..<layers * heads).map { Double($0 / heads) / Double(layers) * 4 + random.exponential() })
      }
      let test = try PermutationTest(target: matrix(), basics: [matrix()], permutations: permutations, using: &draws)
      within.append(try #require(test.withinLayers))
      all.append(try #require(test.allHeads))
    }
    let sorted = within.sorted()
    // p takes the values 1/(P + 1), 2/(P + 1), …, so its distribution function is compared at those.
    let distance = sorted.indices.map { abs(sorted[$0] - Double((sorted.lastIndex(of: sorted[$0]) ?? $0) + 1) / Double(trials)) }.max() ?? 1
    var bins = [Int](repeating: 0, count: 10)
    for value in within { bins[min(9, Int(((value * Double(permutations + 1)).rounded() - 1) * 10 / Double(permutations + 1)))] += 1 }
    let expected = Double(trials) / 10
    let squares = bins.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    func rejected(_ values: [Double]) -> String {
      String(format: "%.1f", 100 * Double(values.count { $0 <= 0.05 }) / Double(trials))
    }
    print(
      "| \(layers) × \(heads) | \(trials) | \(String(format: "%.4f", distance)) | \(String(format: "%.4f", 1.358 / Double(trials).squareRoot())) | \(String(format: "%.1f", squares)) | \(rejected(within)) | \(rejected(all)) |"
    )
    if trials >= 1000 { #expect(distance < 1.95 / Double(trials).squareRoot()) }
  }
}
