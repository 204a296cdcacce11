import ActivationPatterns
import ArgumentParser
import Probing
import Reports
import Runs

/// `headway pattern`: a model and a task in, the levels of every attention head out.
struct PatternCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "pattern", abstract: "Measures which attention heads a task puts to work.",
    discussion: """
      Example:
        headway pattern ./llama-3-8b --data gsm8k/test.jsonl --per-sample --out gsm8k.safetensors
        headway pattern ./llama-3-8b --data pool.jsonl --per-sample --out pool.safetensors --shard 1/4
      """)

  @Argument(
    help: ArgumentHelp("A Hugging Face model folder, or owner/name of a downloaded one.", valueName: "model"), completion: .directory)
  var model: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Data files or folders, as they are published, each FILE or NAME=FILE; - is standard input.", valueName: "file"),
    completion: .file())
  var data: [String]

  @Option(help: ArgumentHelp("Where the pattern goes: .safetensors, .npy or .npz.", valueName: "file"), completion: .file())
  var out: String

  @Option(
    help: ArgumentHelp(
      "Measure the I-th of N parts of the samples into NAME.I-of-N.safetensors; commands read all parts together as NAME.safetensors.",
      valueName: "i/n"))
  var shard: PatternShard?

  @Option(help: ArgumentHelp("The task's name; the data's own where left out.", valueName: "name"))
  var task: String?

  @Option(
    help: ArgumentHelp(
      "Which scores, joined by commas; token serves better than magnitude, the paper's (docs/Findings.md).",
      valueName: "magnitude,signed,token,saliency"))
  var score = ScoreList([.magnitude])

  @Flag(help: "Keep every sample's levels, which intervals and comparisons need.")
  var perSample = false

  @Option(
    help: ArgumentHelp(
      "Tell the N strongest samples of each of the strongest heads token by token, in NAME.tokens.jsonl, which headway report shows.",
      valueName: "n"))
  var tokens: Int?

  @Option(help: ArgumentHelp("How many heads --tokens is for; 10 where left out.", valueName: "n"))
  var tokenHeads: Int?

  @Option(help: ArgumentHelp("How losses are averaged: each sample's own, or N consecutive samples together.", valueName: "sample|batch:N"))
  var loss = PatternMeasurement.Loss.sample

  @Option(
    help: ArgumentHelp(
      "What is kept of a pass: everything, or (low) recomputed layer by layer; auto keeps batches within 1 GiB.",
      valueName: "auto|normal|low"))
  var memory = ActivationMemory.automatic

  @Flag(help: "Continue a run that was interrupted.")
  var resume = false

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = PatternRun(model: model, data: data, out: out)
    run.model = modelOptions.settings(model)
    run.data = dataOptions.settings(data)
    run.shard = shard
    run.task = task
    run.scores = score.scores
    run.keepsSamples = perSample
    run.tokens = tokens
    run.tokenHeads = tokenHeads
    run.loss = loss
    run.memory = memory
    run.resume = resume
    run.overwrite = replacing.overwrite
    return run
  }
}

extension PatternResult: ReadableResult {
  var text: String {
    "\(out): \(layers) layers × \(heads) heads over \(samples) samples, mean loss \(NumberText.fixed(loss, decimals: 4))"
  }
  var notes: [String] {
    [
      "\(tokens) tokens in \(ProgressLine.duration(seconds)), \(Int(tokensPerSecond)) tokens/s; \(skipped) without a label skipped, \(truncated) cut, \(skippedBad) bad records passed over"
    ]
  }
}
