import ArgumentParser
import Runs

/// `headway evaluate`: a benchmark's questions, asked and scored as the field does.
struct EvaluateCommand: TabularCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Asks a benchmark's questions and scores the answers as OpenCompass or lm-evaluation-harness does.",
    discussion: """
      The benchmark exact asks for the whole response of any pairs, and loss is the mean loss of any dataset's responses. docs/Evaluation.md \
      says how each is asked. --max-length is the model's own where left out; longer prompts are cut on the left.

      Examples:
        headway evaluate ./llama-3-8b --benchmark mmlu --data mmlu/test --shots mmlu/dev --predictions mmlu.jsonl
        headway evaluate ./llama-3-8b --benchmark hellaswag --variant lm-eval --data hellaswag_val.jsonl --show 0
      """)

  @Argument(
    help: ArgumentHelp("A Hugging Face model folder, or owner/name of a downloaded one.", valueName: "model"), completion: .directory)
  var model: String

  @Option(help: ArgumentHelp("What is asked.", valueName: "name"))
  var benchmark: BenchmarkName

  @Option(
    help: ArgumentHelp(
      "How it is asked: as OpenCompass asks it, by the suffix of one of its configurations, or as lm-evaluation-harness does.",
      valueName: "opencompass|suffix|lm-eval"))
  var variant: String?

  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("The benchmark's files or folders, as they are published.", valueName: "file"),
    completion: .file())
  var data: [String]

  @OptionGroup var shotOptions: ShotOptions

  @Option(
    help: ArgumentHelp("Where a line a question goes: prompt, options or output, answer, verdict.", valueName: "file"), completion: .file())
  var predictions: String?

  @Option(help: ArgumentHelp("Where the result goes as JSON.", valueName: "file"), completion: .file())
  var out: String?

  @Option(help: ArgumentHelp("Only show the prompt and token ids of the item at this index of the data.", valueName: "index"))
  var show: Int?

  @Flag(help: "Continue a run that was interrupted; needs --out or --predictions.")
  var resume = false

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var tableOptions: TableOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = EvaluationRun(model: model, benchmark: benchmark.name, data: data)
    run.model = modelOptions.settings(model)
    run.benchmark = shotOptions.settings(benchmark, variant: variant)
    run.data = dataOptions.settings(data)
    run.data.maximumLength = DataSettings([]).maximumLength
    run.maximumLength = dataOptions.maxLength
    run.out = out
    run.predictions = predictions
    run.resume = resume
    run.overwrite = replacing.overwrite
    if let show {
      if tableOptions.csv { throw ValidationError("--csv has no effect with --show, which prints a prompt and no table; leave it out.") }
      return PromptRun(run, index: show)
    }
    return run
  }
}
