import ArgumentParser
import Runs

/// `headway ablate`: what switching heads off really does to the loss, beside what their levels predict.
struct AblateCommand: TabularCommand {
  static let configuration = CommandConfiguration(
    commandName: "ablate", abstract: "Switches heads off and compares the true change of loss with what their levels predict.",
    discussion: """
      A head's signed level is the loss's gradient by its gate, so minus that is what switching it off does to the loss, to first order. The truth \
      is measured with the gate at 0. Which heads matter, whatever the direction, token-prompt levels tell best (docs/Findings.md).

      Example:
        headway ablate ./llama-3-8b --data gsm8k/test.jsonl --limit 100 --strongest 20 --cumulative --out ablation.json --svg ablation.svg
      """)

  @Argument(
    help: ArgumentHelp("A Hugging Face model folder, or owner/name of a downloaded one.", valueName: "model"), completion: .directory)
  var model: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Data files or folders, as they are published, each FILE or NAME=FILE; - is standard input.", valueName: "file"),
    completion: .file())
  var data: [String]

  @OptionGroup(title: "What is switched off") var choiceOptions: AblationChoiceOptions

  @Flag(help: "Also switch off the first 1, 2, …, N of them together, beside as many drawn at random.")
  var cumulative = false

  @Option(help: ArgumentHelp("How many random orders --cumulative is set against; 5 where left out.", valueName: "n"))
  var randomOrders: Int?

  @Option(help: ArgumentHelp("Give 95% intervals from N resamples of the samples.", valueName: "n"))
  var bootstrap = 1000

  @Option(help: ArgumentHelp("Also ask the data as this benchmark's questions, and give the change of accuracy.", valueName: "name"))
  var benchmark: BenchmarkName?

  @Option(help: ArgumentHelp("How the benchmark is asked, as in headway evaluate.", valueName: "opencompass|suffix|lm-eval"))
  var variant: String?

  @OptionGroup var shotOptions: ShotOptions

  @Option(help: ArgumentHelp("Where the result goes as JSON.", valueName: "file"), completion: .file())
  var out: String?

  @Option(
    help: ArgumentHelp("Where a picture goes: prediction against truth, or the curves of --cumulative.", valueName: "file"),
    completion: .file())
  var svg: String?

  @Flag(help: "Keep every sample's changes and predictions in the result.")
  var perSample = false

  @Flag(help: "Continue a run that was interrupted; needs --out.")
  var resume = false

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var tableOptions: TableOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    let shown = [("variant", variant != nil), ("shots", !shotOptions.shots.isEmpty), ("shot-count", shotOptions.shotCount != nil)]
    if benchmark == nil { try refuse(shown, without: "benchmark") }
    var run = AblationRun(model: model, data: data, choice: try choiceOptions.choice())
    run.model = modelOptions.settings(model)
    run.data = dataOptions.settings(data)
    run.pattern = choiceOptions.pattern
    run.seed = choiceOptions.seed
    run.cumulative = cumulative
    run.randomOrders = randomOrders
    run.resamples = bootstrap
    run.benchmark = benchmark.map { shotOptions.settings($0, variant: variant) }
    run.out = out
    run.svg = svg
    run.keepsSamples = perSample
    run.resume = resume
    run.overwrite = replacing.overwrite
    return run
  }
}

/// Which heads `headway ablate` switches off: one of these options.
struct AblationChoiceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Switch these heads off, LAYER:HEAD joined by commas, counted from 0.", valueName: "12:7,3:0"),
    transform: { try HeadList($0) })
  var heads: HeadList?

  @Option(help: ArgumentHelp("Switch off the heads with the greatest mean magnitude.", valueName: "n"))
  var strongest: Int?

  @Option(help: ArgumentHelp("Switch off heads drawn by --seed.", valueName: "n"))
  var random: Int?

  @Flag(help: "Switch off every head, one by one.")
  var all = false

  @Option(
    help: ArgumentHelp("Switch off whole layers, joined by commas, or all of them one by one.", valueName: "3,5|all"),
    transform: { try LayerList($0) })
  var layers: LayerList?

  @Option(
    help: ArgumentHelp("Take the magnitudes for --strongest from this pattern file, not from the data at hand.", valueName: "file"),
    completion: .file())
  var pattern: String?

  @Option(help: ArgumentHelp("Seeds --random, the random orders of --cumulative, and resamples.", valueName: "n"))
  var seed: UInt64 = 0

  /// The one choice that was made.
  func choice() throws -> AblationChoice {
    let given: [AblationChoice] = [
      heads.map(AblationChoice.heads), strongest.map(AblationChoice.strongest), random.map(AblationChoice.random), all ? .all : nil,
      layers.map(AblationChoice.layers),
    ].compactMap(\.self)
    guard given.count == 1, let choice = given.first else {
      throw ValidationError(
        "Name what to switch off by one of --heads, --strongest, --random, --all and --layers, not by \(given.count) of them.")
    }
    return choice
  }
}
