public import ActivationPatterns
import Foundation
public import Ground

/// Fits one change by others, ΔAP_complex = Σ α_i ΔAP_basic_i (equation 3).
public struct FitRun: Run, RecordedSettings {
  /// `headway fit` and the keys of its record.
  public static let form: SettingsForm<FitRun> = SettingsForm(
    "fit", FitRun(target: PatternSource(""), basics: []),
    [
      .file("target", \.target), .output("out", \.out), .setting("subsets", \.subsets), .setting("ridge", \.ridge),
      .setting("permutations", \.permutations), .setting("bootstrap", \.bootstrap), .setting("seed", \.seed), .setting("score", \.score),
      .setting("mixed", \.mixed), .flag("overwrite", \.overwrite), .files("basic", \.basics),
      .setting("nonnegative", \.isNonnegative), .setting("intercept", \.hasIntercept), .setting("held_out", \.heldOut),
    ])

  /// The change to explain.
  public var target: PatternSource
  /// The changes to explain it by.
  public var basics: [PatternSource]
  /// Where the result goes as JSON; nil for nowhere.
  public var out: String?
  /// The size up to which every subset of the basics is fitted too; nil for none.
  public var subsets: Int?
  /// Whether no coefficient may be negative.
  public var isNonnegative = false
  /// Whether a constant is fitted too.
  public var hasIntercept = false
  /// A ridge penalty on basics of length one; nil leaves it to the basics' collinearity.
  public var ridge: Double?
  /// How often the target's heads are shuffled to test R²; nil for no test.
  public var permutations: Int?
  /// How often the heads, and the samples, are halved to fit on one half and judge on the other; nil for never.
  public var heldOut: Int?
  /// How often samples are drawn again for 95% intervals; nil for none.
  public var bootstrap: Int?
  /// Seeds what is drawn.
  public var seed: UInt64 = 0
  /// The score to look at; the first that all files have where nil.
  public var score: Score?
  /// Whether to go on where models, scores, kinds of file or measurements differ.
  public var mixed = false
  /// Whether to replace a file that Headway did not write.
  public var overwrite = false

  /// A fit with the defaults.
  public init(target: PatternSource, basics: [PatternSource], out: String? = nil) {
    self.target = target
    self.basics = basics
    self.out = out
  }

  /// Refuses numbers out of range, and a fit by nothing.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    if basics.isEmpty { throw SettingsError("\(setting: Setting("basic")) takes at least one file") }
    if let subsets, subsets < 1 { throw SettingsError("\(setting: Setting("subsets")) takes a number from 1 on, not \(subsets)") }
    for (key, value) in [("permutations", permutations), ("held_out", heldOut)] {
      if let value, !(1...10_000_000).contains(value) {
        throw SettingsError("\(setting: Setting(key)) takes a number from 1 to 10000000, not \(value)")
      }
    }
    if let ridge, !(ridge >= 0 && ridge.isFinite) {
      throw SettingsError("\(setting: Setting("ridge")) takes a number from 0 on, not \(ridge)")
    }
    try requireReplicates(bootstrap)
  }

  /// Fits by least squares; all draws come from the seed, each kind from a stream of its own.
  /// - Throws: `RunError` where two files would go by one name, `PatternError` where they cannot be put side by side or the problem has no solution.
  public func run(_ monitor: RunMonitor) throws -> FitResult {
    try validate()
    let outputs = OutputGuard(overwrites: overwrite)
    defer { outputs.release() }
    if let out {
      try outputs.claim(file: URL(filePath: out), as: .result)
      try outputs.protect(([target] + basics).flatMap(\.files))
    }
    let basics = basics.apart
    try basics.requireDistinctNames()
    let comparison = try ([target] + basics).compare(score: score, mixed: mixed)
    try comparison.requireTargetApart()
    if out != nil { monitor.identify(try ([target] + basics).identity()) }
    let result = try fit(comparison, monitor)
    for warning in result.warnings { monitor.warn(Message(warning)) }
    if let out { try AtomicFile.write(HeadwayJSON.document(result), to: URL(filePath: out)) }
    return result
  }

  private func fit(_ comparison: PatternComparison, _ monitor: RunMonitor) throws -> FitResult {
    let (target, basics) = (comparison.matrices[0], Array(comparison.matrices.dropFirst()))
    let names = Array(comparison.names.dropFirst())
    let options = PatternFit.Options(hasIntercept: hasIntercept, isNonnegative: isNonnegative, ridge: ridge)
    let fit = try PatternFit(target: target, basics: basics, options: options)
    var result = FitResult(target: comparison.names[0], names: names, score: comparison.scores[0], options: options, fit: fit)
    var others = options
    others.isNonnegative.toggle()
    let other = Dictionary(
      uniqueKeysWithValues: zip(names, try PatternFit(target: target, basics: basics, options: others).coefficients))
    result.coefficientSets =
      isNonnegative
      ? .init(unconstrained: other, nonnegative: result.coefficients) : .init(unconstrained: result.coefficients, nonnegative: other)
    if comparison.files.contains(where: { if case .pattern = $0 { true } else { false } }) {
      result.warnings.append(
        "this is a fit of levels, not of changes: tasks share most of a model's levels, so R² says little of what fine-tuning did")
    }
    if let subsets {
      let search = try SubsetSearch(target: target, basics: basics, upTo: subsets, options: options)
      result.subsets = search.bySize.flatMap { $0.map { FitResult.Subset($0, names: names) } }
    }
    if let permutations {
      var generator = SeededGenerator(seed: seed, stream: "fit permutation")
      result.permutation = .init(
        try PermutationTest(target: target, basics: basics, options: options, permutations: permutations, using: &generator), seed: seed)
    }
    if let bootstrap {
      let sampled = try comparison.sampled()
      var generator = SeededGenerator(seed: seed, stream: "fit bootstrap")
      let found = try FitBootstrap(
        target: sampled[0], basics: Array(sampled.dropFirst()), options: options, replicates: bootstrap, using: &generator)
      result.bootstrap = .init(found, names: names, seed: seed)
      result.warnings += zip(comparison.names, [found.targetReliability] + found.basicReliabilities)
        .compactMap { reliabilityWarning($0, $1)?.description }
    }
    if let heldOut {
      var generator = SeededGenerator(seed: seed, stream: "fit held out")
      result.heldOut = .init(
        heads: try HeldOutFit.overHeads(target: target, basics: basics, options: options, splits: heldOut, using: &generator)
          .map(FitResult.HeldOut.Figures.init))
      do {
        let sampled = try comparison.sampled()
        result.heldOut?.samples = try HeldOutFit.overSamples(
          target: sampled[0], basics: Array(sampled.dropFirst()), options: options, splits: heldOut, using: &generator
        ).map(FitResult.HeldOut.Figures.init)
      } catch let error as PatternError {
        monitor.note("no halves of samples: \(error)")
      }
    }
    return result
  }
}
