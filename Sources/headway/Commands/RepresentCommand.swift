import ArgumentParser
import FineTuning
import Reports
import Runs
import Selection

/// `headway represent`: a model and data in, what stands for each sample where samples are chosen by likeness.
struct RepresentCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "represent", abstract: "Makes gradients, embeddings or losses of samples, by which headway select chooses.",
    discussion: """
      gradient: the gradient by the weights of low-rank adapters at checkpoints of their training, projected at random (LESS); the model is the
      folder of headway sft --lora-rank R --save-every N --keep K. embedding: the position-weighted mean of the last hidden states (RDS+).
      loss: the mean cross-entropy over the response.

      Example:
        headway represent ./warmed-up --data pool.jsonl --representation gradient --out pool.safetensors
        headway represent ./warmed-up --data target.jsonl --representation gradient --role target --out target.safetensors
      """)

  @Argument(
    help: ArgumentHelp(
      "A Hugging Face model folder, or owner/name of a downloaded one; for gradients the folder of a training of adapters.",
      valueName: "model"), completion: .directory)
  var model: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Data files or folders, as they are published, each FILE or NAME=FILE; - is standard input.", valueName: "file"),
    completion: .file())
  var data: [String]

  @Option(help: ArgumentHelp("What a sample is represented by.", valueName: "gradient|embedding|loss"))
  var representation: RepresentationFile.Kind

  @Option(help: ArgumentHelp("Where it goes: .safetensors.", valueName: "file"), completion: .file())
  var out: String

  @Option(help: ArgumentHelp("The task's name; the data's own where left out.", valueName: "name"))
  var task: String?

  @Option(
    help: ArgumentHelp(
      "Gradients of data to choose from (Adam's direction from the checkpoint's moments, the default), or of the target's samples (the gradient itself).",
      valueName: "pool|target"))
  var role: RepresentationFile.Role?

  @Option(
    help: ArgumentHelp(
      "Gradients from the last kept checkpoint of each of K equal stretches of the training (4 where left out), or from all kept ones.",
      valueName: "k|all"))
  var checkpoints: WarmUp.Choice?

  @Option(help: ArgumentHelp("The numbers that a gradient is projected to (8192 where left out).", valueName: "n"))
  var dimension: Int?

  @Option(help: ArgumentHelp("Seeds the projection (0 where left out); pool and target need the same.", valueName: "n"))
  var seed: UInt64?

  @Flag(help: "Go on with a run that was interrupted.")
  var resume = false

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var modelOptions: ModelOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = RepresentRun(model: model, data: data, representation: representation, out: out)
    run.model = modelOptions.settings(model)
    run.data = dataOptions.settings(data)
    run.task = task
    run.role = role
    run.checkpoints = checkpoints
    run.dimension = dimension
    run.seed = seed
    run.resume = resume
    run.overwrite = replacing.overwrite
    return run
  }
}

extension RepresentResult: ReadableResult {
  var text: String {
    let size = parameters.map { "\($0) projected to \(width) numbers, \(checkpoints?.count ?? 0) checkpoints" } ?? "\(width) numbers each"
    return "\(out): the \(representation.rawValue) of \(samples) samples, \(representation == .loss ? "one number each" : size)"
  }
  var notes: [String] {
    [
      "\(tokens) tokens in \(ProgressLine.duration(seconds)), \(Int(tokensPerSecond)) tokens/s; \(skipped) without a label skipped, \(truncated) cut, \(skippedBad) bad records passed over"
    ]
  }
}
