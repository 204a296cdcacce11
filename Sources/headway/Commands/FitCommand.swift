import ArgumentParser
import Runs

/// `headway fit`: how a change is composed of basic ones.
struct FitCommand: TabularCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit", abstract: "Fits one change by others, ΔAP_complex = Σ α_i ΔAP_basic_i, by least squares without intercept.",
    discussion: """
      R² is centred on the mean, so without an intercept it may be negative.

      Example:
        headway fit --target sgsm.safetensors --basic gsm8k.safetensors code.safetensors math.safetensors --subsets 2 --out fit.json
      """)

  @Option(help: ArgumentHelp("The change to explain, FILE or NAME=FILE.", valueName: "file"), completion: .file())
  var target: PatternSource

  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("The changes to explain it by, each FILE or NAME=FILE.", valueName: "file"),
    completion: .file())
  var basic: [PatternSource]

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

  @Option(help: ArgumentHelp("Where the result goes as JSON.", valueName: "file"), completion: .file())
  var out: String?

  @OptionGroup var bootstrapOptions: BootstrapOptions
  @OptionGroup var comparisonOptions: ComparisonOptions
  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var tableOptions: TableOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = FitRun(target: target, basics: basic, out: out)
    run.subsets = subsets
    run.isNonnegative = nonnegative
    run.hasIntercept = intercept
    run.ridge = ridge
    run.permutations = permutations
    run.heldOut = heldOut
    run.bootstrap = bootstrapOptions.bootstrap
    run.seed = bootstrapOptions.seed
    run.score = comparisonOptions.score
    run.mixed = comparisonOptions.mixed
    run.overwrite = replacing.overwrite
    return run
  }
}
