import ActivationPatterns
import Foundation
import Ground
import Testing

/// Intervals, reliability, permutation tests and held-out fits on small planted cases; how often intervals cover is measured by
/// `CoverageSimulation`.
struct BootstrapTests {
  /// Samples of these mean levels, each head's exponential: coefficient of variation 1.
  static func sampled(_ levels: [Double], layers: Int, count: Int, key: String? = nil, using random: inout Congruence) throws
    -> SampledLevels
  {
    let samples = (0..<count).map { _ in levels.map { $0 * random.exponential() } }
    return try SampledLevels(layers: layers, heads: levels.count / layers, samples: samples, sampleKey: key)
  }

  struct Figures: Decodable {
    struct Quantiles: Decodable {
      let values, at, quantiles: [Double]
    }
    let quantiles: Quantiles
  }

  @Test func quantilesAreNumpys() throws {
    let expected = try golden(Figures.self, "figures.json").quantiles
    for (at, quantile) in zip(expected.at, expected.quantiles) {
      #expect(agree(Interval.quantile(at, of: expected.values), quantile))
    }
    #expect(Interval.quantile(0.5, of: []) == nil)
  }

  @Test func statisticsHaveIntervalsThatRepeatWithTheSeed() throws {
    var random = Congruence(state: 21)
    let levels = (0..<24).map { _ in 1 + 4 * random.uniform() }
    let pattern = try Self.sampled(levels, layers: 4, count: 60, using: &random)
    var (one, same, other) = (Congruence(state: 1), Congruence(state: 1), Congruence(state: 2))
    let first = try StatisticsBootstrap(pattern, replicates: 100, using: &one)
    let second = try StatisticsBootstrap(pattern, replicates: 100, using: &same)
    let third = try StatisticsBootstrap(pattern, replicates: 100, using: &other)
    #expect(first.gini == second.gini && first.reliability == second.reliability)
    #expect(first.gini != third.gini)
    for interval in [first.mean, first.gini, first.coefficientOfVariation, first.kurtosis] {
      let interval = try #require(interval)
      #expect(interval.low < interval.high)
    }
    let mean = try #require(first.mean)
    #expect(mean.low < mean.estimate && mean.estimate < mean.high)
    #expect(mean.low < levels.reduce(0, +) / 24 && levels.reduce(0, +) / 24 < mean.high)
  }

  @Test func reliabilityIsHighForSignalAndLowForNoise() throws {
    var random = Congruence(state: 22)
    var draws = Congruence(state: 3)
    let strong = try Self.sampled((0..<40).map { Double($0) + 1 }, layers: 5, count: 200, using: &random)
    let none = try Self.sampled([Double](repeating: 1, count: 40), layers: 5, count: 200, using: &random)
    #expect(try #require(try Reliability.splitHalf(strong, using: &draws)) > 0.97)
    #expect(abs(try #require(try Reliability.splitHalf(none, using: &draws))) < 0.5)
    let constant = try SampledLevels(layers: 1, heads: 3, samples: [[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1]])
    #expect(try Reliability.splitHalf(constant, using: &draws) == nil)
    let undefined = try StatisticsBootstrap(constant, replicates: 10, using: &draws)
    #expect(undefined.kurtosis == nil && undefined.gini?.estimate == 0)
  }

  @Test func patternsOfTheSameSamplesAreDrawnTogether() throws {
    var random = Congruence(state: 23)
    var draws = Congruence(state: 4)
    // One pattern twice the other, sample by sample: drawn together they always correlate perfectly.
    let samples = (0..<30).map { _ in (0..<12).map { _ in random.exponential() } }
    let one = try SampledLevels(layers: 1, heads: 12, samples: samples, sampleKey: "k")
    let twice = try SampledLevels(layers: 1, heads: 12, samples: samples.map { $0.map { 2 * $0 } }, sampleKey: "k")
    let apart = try SampledLevels(layers: 1, heads: 12, samples: samples.map { $0.map { 2 * $0 } }, sampleKey: "l")
    let together = try CorrelationBootstrap([one, twice, apart], replicates: 60, using: &draws)
    let tight = try #require(together.intervals[0][1])
    #expect(tight.low > 1 - 1e-12)
    #expect(together.intervals[1][1] == nil)
    #expect(together.intervals[2][0] == together.intervals[0][2])
  }

  @Test func fitIntervalsHoldThePlantedCoefficientsAndPair() throws {
    var random = Congruence(state: 24)
    var draws = Congruence(state: 5)
    let truths = (0..<4).map { _ in (0..<48).map { _ in 0.2 + 3 * random.uniform() } }
    let mixed = (0..<48).map { 0.7 * truths[1][$0] + 0.3 * truths[3][$0] }
    let basics = try truths.map { try Self.sampled($0, layers: 6, count: 150, using: &random) }
    let target = try Self.sampled(mixed, layers: 6, count: 150, using: &random)
    let fit = try FitBootstrap(target: target, basics: basics, replicates: 120, using: &draws)
    for (interval, truth) in zip(fit.corrected, [0, 0.7, 0, 0.3]) {
      let interval = try #require(interval)
      #expect(interval.low < truth + 0.05 && truth - 0.05 < interval.high)
    }
    #expect(fit.pairs.count == 6)
    #expect(fit.pairs[0].basics == [1, 3] && fit.pairs[0].firstShare > 0.8)
    #expect(abs(fit.pairs.reduce(0) { $0 + $1.firstShare } - 1) < 1e-12)
    #expect(try #require(fit.bestMinusRunnerUp).estimate > 0)
    #expect(fit.basicReliabilities.count == 4)
    // Where a constant is fitted, noise is taken out of the centred products.
    let constant = try FitBootstrap(target: target, basics: basics, options: .init(hasIntercept: true), replicates: 20, using: &draws)
    #expect(abs(try #require(constant.corrected[1]).estimate - 0.7) < 0.15)
    let shares = try FitBootstrap(target: target, basics: basics, options: .init(isNonnegative: true), replicates: 20, using: &draws)
    #expect(shares.corrected.allSatisfy { $0 == nil })
  }

  @Test func correctionUndoesWhatNoiseDoes() throws {
    var random = Congruence(state: 25)
    var draws = Congruence(state: 6)
    let truth = (0..<400).map { _ in 0.5 + random.uniform() }
    // Ten samples of coefficient of variation 1: XᵀX is a tenth too large.
    let basic = try Self.sampled(truth, layers: 20, count: 10, using: &random)
    let target = try Self.sampled(truth, layers: 20, count: 10, using: &random)
    let fit = try FitBootstrap(target: target, basics: [basic], replicates: 10, using: &draws)
    #expect(abs(try #require(fit.coefficients[0]).estimate - 0.91) < 0.03)
    #expect(abs(try #require(fit.corrected[0]).estimate - 1) < 0.03)
    // The same samples on both sides: noise is in both alike, and the correction knows.
    let itself = try FitBootstrap(
      target: Self.sampled(truth, layers: 20, count: 10, key: "s", using: &random),
      basics: [Self.sampled(truth, layers: 20, count: 10, key: "s", using: &random)], replicates: 10, using: &draws)
    #expect(abs(try #require(itself.corrected[0]).estimate - 1) < 0.05)
  }

  @Test func filesWithoutSamplesAreRefused() throws {
    let file = PatternFile.pattern(try ActivationPattern(provenance: Provenance(), levels: [.magnitude: .init(mean: .row([1, 2]))]))
    let error = #expect(throws: PatternError.self) { try SampledLevels(file, name: "math", score: .magnitude) }
    #expect(error?.description.contains("per_sample") == true)
    #expect(throws: PatternError.self) { try SampledLevels(layers: 1, heads: 2, samples: [[1, 2]]) }
    #expect(throws: PatternError.self) { try SampledLevels(layers: 1, heads: 2, samples: [[1, 2], [1]]) }
  }

  @Test func changesAreResampledInPairs() throws {
    let before = try PatternFileTests.pattern(["a", "b", "c", "d"])
    let after = try PatternFileTests.pattern(["d", "c", "b", "a"], scale: 2, fingerprint: "m1")
    for relative in [false, true] {
      let change = try PatternChange(from: ("b", before), to: ("a", after), relative: relative)
      let sampled = try SampledLevels(.change(change), name: "c", score: .magnitude)
      var draws = Congruence(state: 7)
      let bootstrap = try StatisticsBootstrap(sampled, replicates: 30, using: &draws)
      // Sample by sample the change is 0, 1, …, 5 whatever is drawn; unpaired it would vary.
      if !relative { #expect(bootstrap.mean.map { abs($0.low - 2.5) < 1e-12 && abs($0.high - 2.5) < 1e-12 } == true) }
      #expect(agree(bootstrap.mean?.estimate, PatternStatistics(try #require(change.levels[.magnitude]?.change)).mean, tolerance: 1e-6))
    }
  }

  // MARK: Files that share samples

  /// A change measured on samples of these names, whose levels before are noise that all files share.
  private static func change(
    _ name: String, _ ids: [String], slope: Double, noise: inout Congruence, shared: [String: [Double]], keepsIds: Bool = true
  ) throws -> (name: String, file: PatternFile) {
    func pattern(_ rows: [[Double]], _ fingerprint: String) throws -> ActivationPattern {
      let levels = try SampleLevels(sampleCount: ids.count, entryCount: 24, values: rows.flatMap { $0.map(Float.init) })
      return try ActivationPattern(
        provenance: Provenance(modelFingerprint: fingerprint, dataFingerprint: "d"),
        levels: [.magnitude: .init(layers: 4, heads: 6, samples: levels)],
        samples: .init(loss: ids.map { _ in 1 }, index: ids.indices.map(Int64.init), ids: keepsIds ? ids : nil))
    }
    let before = ids.map { _ in [Double](repeating: 1, count: 24) }
    let after = ids.map { id in (shared[id] ?? []).map { 1 + slope * $0 + 0.05 * noise.normal() } }
    return (name, .change(try PatternChange(from: ("b", pattern(before, "base")), to: ("a", pattern(after, name)))))
  }

  @Test func filesOfTheSameSamplesAreDrawnTogetherInAnyOrder() throws {
    var random = Congruence(state: 31)
    let ids = (0..<60).map { "s\($0)" }
    let shared = Dictionary(uniqueKeysWithValues: ids.map { ($0, (0..<24).map { _ in random.exponential() }) })
    let target = try Self.change("target", ids, slope: 0.7, noise: &random, shared: shared)
    let basic = try Self.change("basic", ids.reversed(), slope: 1, noise: &random, shared: shared)
    let sampled = try PatternComparison([target, basic]).sampled()
    var draws = Congruence(state: 32)
    let fit = try FitBootstrap(target: sampled[0], basics: [sampled[1]], replicates: 100, using: &draws)
    let r2 = try #require(fit.r2)
    // Drawn apart, their noise would be taken for a bad fit, and the interval would lie above its estimate.
    #expect(r2.estimate > 0.9 && r2.low <= r2.estimate && r2.estimate <= r2.high && r2.high - r2.low < 0.1)
    let apart = try FitBootstrap(
      target: SampledLevels(target.file, name: "t", score: .magnitude), basics: [SampledLevels(basic.file, name: "b", score: .magnitude)],
      replicates: 100, using: &draws)
    #expect(try #require(apart.r2).low > r2.estimate)

    let nameless = try Self.change("nameless", ids, slope: 1, noise: &random, shared: shared, keepsIds: false)
    let error = #expect(throws: PatternError.self) { try PatternComparison([target, nameless]).sampled() }
    #expect(error?.description.hasPrefix("nameless: its samples' ids are missing") == true)
    let half = try Self.change("half", Array(ids.prefix(30)), slope: 1, noise: &random, shared: shared)
    let partial = #expect(throws: PatternError.self) { try PatternComparison([target, half]).sampled() }
    #expect(partial?.description.contains("target and half share 30 of their samples and not all") == true)
    // One file alone shares with none.
    #expect(try PatternComparison([nameless]).sampled().count == 1)
  }

  @Test func theTargetIsNotAmongItsBasics() throws {
    var random = Congruence(state: 33)
    let ids = (0..<6).map { "s\($0)" }
    let shared = Dictionary(uniqueKeysWithValues: ids.map { ($0, (0..<24).map { _ in random.exponential() }) })
    let target = try Self.change("target", ids, slope: 0.7, noise: &random, shared: shared)
    let basic = try Self.change("basic", ids, slope: 1, noise: &random, shared: shared)
    // Different changes on the same data are what fits are for.
    try PatternComparison([target, basic]).requireTargetApart()
    let error = #expect(throws: PatternError.self) {
      try PatternComparison([target, basic, ("copy", target.file)]).requireTargetApart()
    }
    #expect(error?.description.hasPrefix("copy is the target target itself") == true)
    // Measured again in another order: other bits, but the same models and samples.
    func again(_ file: PatternFile, _ scale: Double) throws -> PatternFile {
      var provenance = file.provenance
      provenance.samplesFingerprint = "s"
      provenance.modelFingerprint = "m"
      let levels = try #require(file.matrix(.magnitude))
      return .pattern(
        try ActivationPattern(
          provenance: provenance,
          levels: [.magnitude: .init(mean: HeadMatrix(layers: 4, heads: 6, values: levels.values.map { $0 * scale }))]))
    }
    #expect(throws: PatternError.self) {
      try PatternComparison([("x", again(target.file, 1)), ("y", again(target.file, 1.000001))]).requireTargetApart()
    }
  }

  // MARK: Permutation and held out

  @Test func permutationFindsARealFitAndNotASharedProfile() throws {
    var random = Congruence(state: 26)
    var draws = Congruence(state: 8)
    let profile = (0..<64).map { Double($0 / 8) }
    func matrix(_ value: (Int) -> Double) throws -> HeadMatrix { try HeadMatrix(layers: 8, heads: 8, values: (0..<64).map(value)) }
    let basic = try matrix { profile[$0] + random.normal() }
    let related = try matrix { 0.8 * basic.values[$0] + 0.2 * random.normal() }
    let onlyProfile = try matrix { profile[$0] + random.normal() }
    let real = try PermutationTest(target: related, basics: [basic], permutations: 199, using: &draws)
    #expect(real.withinLayers == 1.0 / 200 && real.allHeads == 1.0 / 200)
    let shared = try PermutationTest(target: onlyProfile, basics: [basic], permutations: 199, using: &draws)
    #expect(try #require(shared.withinLayers) > 0.05)
    #expect(shared.allHeads == 1.0 / 200)
    let constant = try PermutationTest(target: matrix { _ in 1 }, basics: [basic], permutations: 9, using: &draws)
    #expect(constant.withinLayers == nil)
    // Nothing to shuffle: every permutation is as good.
    let single = try PermutationTest(
      target: .init(layers: 3, heads: 1, values: [1.0, 2, 4]), basics: [.init(layers: 3, heads: 1, values: [1.0, 2, 3])], permutations: 19,
      using: &draws)
    #expect(single.withinLayers == 1)
  }

  @Test func permutationProbabilitiesAreUniformUnderTheirNull() throws {
    var random = Congruence(state: 27)
    var draws = Congruence(state: 9)
    let trials = ProcessInfo.processInfo.environment["HEADWAY_COVERAGE"].flatMap(Int.init) ?? 120
    var probabilities: [Double] = []
    for _ in 0..<trials {
      // Both follow the layers' profile; within layers they are strangers.
      let basic = try HeadMatrix(layers: 4, heads: 8, values: (0..<32).map { Double($0 / 8) + random.exponential() })
      let target = try HeadMatrix(layers: 4, heads: 8, values: (0..<32).map { Double($0 / 8) + random.exponential() })
      probabilities.append(try #require(PermutationTest(target: target, basics: [basic], permutations: 39, using: &draws).withinLayers))
    }
    // Kolmogorov and Smirnov's distance; 1.95/√n is exceeded once in a thousand times, and p has steps of 1/40.
    let sorted = probabilities.sorted()
    let distance = sorted.enumerated().map { abs($1 - Double($0 + 1) / Double(trials)) }.max() ?? 1
    #expect(distance < 1.95 / Double(trials).squareRoot() + 0.025)
  }

  @Test func heldOutIsGoodForStructureAndBadForNoise() throws {
    var random = Congruence(state: 28)
    var draws = Congruence(state: 10)
    let basics = try (0..<3).map { _ in try HeadMatrix(layers: 4, heads: 16, values: (0..<64).map { _ in random.normal() }) }
    let real = try HeadMatrix(layers: 4, heads: 16, values: (0..<64).map { basics[0].values[$0] + 0.1 * random.normal() })
    let noise = try HeadMatrix(layers: 4, heads: 16, values: (0..<64).map { _ in random.normal() })
    #expect(try #require(try HeldOutFit.overHeads(target: real, basics: basics, using: &draws)).mean > 0.95)
    #expect(try #require(try HeldOutFit.overHeads(target: noise, basics: basics, using: &draws)).mean < 0)
    #expect(try HeldOutFit.overHeads(target: .row([1, 2, 3]), basics: [.row([1, 2, 3])], using: &draws) == nil)
    let levels = (0..<40).map { 1 + Double($0 % 7) }
    let basic = try Self.sampled(levels, layers: 4, count: 80, using: &random)
    let target = try Self.sampled(levels.map { 2 * $0 }, layers: 4, count: 80, using: &random)
    let held = try #require(try HeldOutFit.overSamples(target: target, basics: [basic], using: &draws))
    #expect(held.mean > 0.6 && held.low <= held.mean && held.mean <= held.high && held.splits == 100)
  }
}
