import Runs
import Ground
import ActivationPatterns
import ArgumentParser
import Foundation
import Instructions
import Reports
import Torch

/// `headway fit`: how a change is composed of basic ones.
struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit", abstract: "Fits one change by others, ΔAP_complex = Σ α_i ΔAP_basic_i, by least squares without intercept.",
    discussion: """
      R² is centred on the mean, so without an intercept it may be negative.

      Example:
        headway fit --target sgsm.safetensors --basic gsm8k.safetensors code.safetensors math.safetensors --subsets 2 --out fit.json
      """)

  @Option(help: ArgumentHelp("The change to explain, FILE or NAME=FILE.", valueName: "file"))
  var target: String

  @Option(parsing: .upToNextOption, help: ArgumentHelp("The changes to explain it by, each FILE or NAME=FILE.", valueName: "file"))
  var basic: [String]

  @Option(help: ArgumentHelp("Fit every subset of up to K basics too, and rank them by R² within their size.", valueName: "k"))
  var subsets: Int?

  @Flag(help: "Let no coefficient be negative.")
  var nonnegative = false

  @Flag(help: "Fit a constant too.")
  var intercept = false

  @Option(
    help: ArgumentHelp("A ridge penalty on basics of length one; chosen where it is left out and the basics are collinear.", valueName: "λ")
  )
  var ridge: Double?

  @Option(help: ArgumentHelp("Test R² against N shuffles of the target's heads.", valueName: "n"))
  var permutations: Int?

  @Option(help: ArgumentHelp("Fit on half of the heads (and of the samples), R² on the other half, N times.", valueName: "n"))
  var heldOut: Int?

  @Option(help: ArgumentHelp("Where the result goes as JSON.", valueName: "file"))
  var out: String?

  @OptionGroup var bootstrapOptions: BootstrapOptions
  @OptionGroup var comparisonOptions: ComparisonOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard !basic.isEmpty else { throw ValidationError("--basic takes at least one file.") }
    if let subsets, subsets < 1 { throw ValidationError("--subsets takes a number from 1 on, not \(subsets).") }
    for (name, value) in [("--permutations", permutations), ("--held-out", heldOut)] {
      if let value, !(1...10_000_000).contains(value) { throw ValidationError("\(name) takes a number from 1 to 10000000, not \(value).") }
    }
    if let ridge, !(ridge >= 0 && ridge.isFinite) { throw ValidationError("--ridge takes a number from 0 on, not \(ridge).") }
  }

  func run() throws {
    if let out { try requireFolder(of: URL(filePath: out)) }
    let basics = basic.map(PatternInput.init)
    try PatternInput.requireDistinctNames(basics)
    let comparison = try comparisonOptions.compare([PatternInput(target)] + basics)
    try comparison.requireTargetApart()
    let result = try fit(comparison)
    for warning in result.warnings { output.warn(warning) }
    if let out { try AtomicFile.write(output.json(result), to: URL(filePath: out)) }
    if output.json { return try output.printJSON(result) }
    try Terminal.writeLine(result.text)
  }

  private func fit(_ comparison: PatternComparison) throws -> FitResult {
    let matrices = Array(comparison.matrices.dropFirst())
    let names = Array(comparison.names.dropFirst())
    let options = PatternFit.Options(hasIntercept: intercept, isNonnegative: nonnegative, ridge: ridge)
    let fit = try PatternFit(target: comparison.matrices[0], basics: matrices, options: options)
    var result = FitResult(target: comparison.names[0], names: names, score: comparison.scores[0], options: options, fit: fit)
    if comparison.files.contains(where: { if case .pattern = $0 { true } else { false } }) {
      result.warnings.append(
        "this is a fit of levels, not of changes: tasks share most of a model's levels, so R² says little of what fine-tuning did")
    }
    if let subsets {
      let search = try SubsetSearch(target: comparison.matrices[0], basics: matrices, upTo: subsets, options: options)
      result.subsets = search.bySize.flatMap { $0.map { FitResult.Subset($0, names: names) } }
    }
    let seed = bootstrapOptions.seed
    if let permutations {
      var generator = SeededGenerator(seed: seed, stream: "fit permutation")
      result.permutation = .init(
        try PermutationTest(
          target: comparison.matrices[0], basics: matrices, options: options, permutations: permutations, using: &generator),
        seed: seed)
    }
    if let replicates = bootstrapOptions.bootstrap {
      let sampled = try comparison.sampled()
      var generator = SeededGenerator(seed: seed, stream: "fit bootstrap")
      let bootstrap = try FitBootstrap(
        target: sampled[0], basics: Array(sampled.dropFirst()), options: options, replicates: replicates, using: &generator)
      result.bootstrap = .init(bootstrap, names: names, seed: seed)
      result.warnings += zip(comparison.names, [bootstrap.targetReliability] + bootstrap.basicReliabilities)
        .compactMap { BootstrapOptions.warning($0, reliability: $1) }
    }
    if let heldOut {
      var generator = SeededGenerator(seed: seed, stream: "fit held out")
      result.heldOut = .init(
        heads: try HeldOutFit.overHeads(
          target: comparison.matrices[0], basics: matrices, options: options, splits: heldOut, using: &generator
        ).map(FitResult.HeldOut.Figures.init))
      do {
        let sampled = try comparison.sampled()
        result.heldOut?.samples = try HeldOutFit.overSamples(
          target: sampled[0], basics: Array(sampled.dropFirst()), options: options, splits: heldOut, using: &generator
        ).map(FitResult.HeldOut.Figures.init)
      } catch let error as PatternError {
        output.note("no halves of samples: \(error)")
      }
    }
    return result
  }
}
