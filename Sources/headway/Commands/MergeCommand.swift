import ArgumentParser
import Runs

/// `headway merge`: adapters and their base model in, one plain model folder out.
struct MergeCommand: RunningCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Adds adapters (LoRA) to the weights of their base model.",
    discussion: """
      Example:
        headway merge ./tuned-adapter --out ./tuned
      """)

  @Argument(help: ArgumentHelp("A folder of adapters, as headway sft --lora-rank and PEFT write them.", valueName: "adapter"))
  var adapter: String

  @Option(help: ArgumentHelp("The folder for the merged model.", valueName: "folder"), completion: .directory)
  var out: String

  @Option(help: ArgumentHelp("The type the model is written in; auto is the base model's.", valueName: "auto|float32|bfloat16"))
  var saveDtype = SavedType.auto

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var output: OutputOptions

  func asked() throws -> any Run {
    var merge = MergeRun(adapter: adapter, out: out)
    merge.savedType = saveDtype.elementType
    merge.overwrite = replacing.overwrite
    return merge
  }
}

extension MergeResult: ReadableResult {
  var text: String { "\(out): the adapters of \(layers) layers merged into \(base), saved in \(savedAs)" }
}
