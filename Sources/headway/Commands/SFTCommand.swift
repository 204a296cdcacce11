import ArgumentParser
import FineTuning
import Foundation
import Runs

/// `headway sft`: supervised fine-tuning, with patterns tracked while it trains.
struct SFTCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "sft", abstract: "Fine-tunes a model, and tracks which attention heads that puts to work.",
    discussion: """
      Example:
        headway sft ./llama-3-8b --data gsm8k/train.jsonl --out tuned --track gsm8k/test.jsonl --track-every 10
      """)

  @Argument(
    help: ArgumentHelp("A Hugging Face model folder, or owner/name of a downloaded one.", valueName: "model"), completion: .directory)
  var model: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Data files or folders to learn from, as they are published, each FILE or NAME=FILE; - is standard input.", valueName: "file"),
    completion: .file())
  var data: [String]

  @Option(
    help: ArgumentHelp("The folder for the trained model, and for everything about the run in its headway/.", valueName: "folder"),
    completion: .directory)
  var out: String

  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup(title: "Tracking and evaluation") var tracking: TrackingOptions

  @Option(help: ArgumentHelp("The type the model is written in; auto is the input's.", valueName: "auto|float32|bfloat16"))
  var saveDtype = SavedType.auto

  @Flag(help: "Continue a run that was interrupted, to the same bits.")
  var resume = false

  @Flag(help: "Start even where the run needs more memory than the machine has.")
  var ignoreMemory = false

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup(title: "Data") var dataOptions: DataOptions
  @OptionGroup(title: "Computing") var computing: ComputingOptions
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var run = TrainingRun(model: model, data: data, out: out)
    run.model = computing.settings(model)
    run.data = dataOptions.settings(data)
    run.training = try training.settings()
    tracking.apply(to: &run)
    run.savedType = saveDtype.elementType
    run.resume = resume
    run.overwrite = replacing.overwrite
    run.ignoreMemory = ignoreMemory
    return run
  }
}

extension TrainingResult: ReadableResult {
  var text: String {
    let comparison = loss.map { String(format: ", \($0.basis.words) %.4f → %.4f", $0.before, $0.after) } ?? ""
    return "\(out): \(steps) steps over \(samples) samples\(comparison)"
  }

  var notes: [String] {
    var notes: [String] = []
    if let best = bestStep { notes.append("stopped early: the weights are those of step \(best), whose evaluation was the best") }
    if let share = changedShare, let exact = changedShareInFloat32 {
      let checkpoint = TrainingFolder(URL(filePath: out, directoryHint: .isDirectory)).checkpoint(steps)
      notes.append(
        "\(String(format: "%.1f", 100 * share))% of the weights changed as saved in \(savedAs), \(String(format: "%.1f", 100 * exact))% in float32; measure \(checkpoint.path(percentEncoded: false)) for the weights that were trained"
      )
    }
    let speed = tokensPerSecond.map { ", \(Int($0)) tokens/s" } ?? ""
    return notes + ["\(tokens) tokens in \(ProgressLine.duration(seconds))\(speed)"]
  }
}

extension LossComparison.Basis {
  /// What the two losses are of.
  fileprivate var words: String {
    switch self {
    case .evaluation: "loss on the evaluation data"
    case .epochs: "mean loss of the first and the last epoch"
    case .firstWindow: "loss on the first step's samples"
    }
  }
}
