import CheckpointFiles
import ArgumentParser
import FineTuning
import Foundation
import Ground
import LanguageModels
import Torch

/// `headway merge`: adapters and their base model in, one plain model folder out.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Adds adapters (LoRA) to the weights of their base model.",
    discussion: """
      Example:
        headway merge ./tuned-adapter --out ./tuned
      """)

  @Argument(help: ArgumentHelp("A folder of adapters, as headway sft --lora-rank and PEFT write them.", valueName: "adapter"))
  var adapter: String

  @Option(help: ArgumentHelp("The folder for the merged model.", valueName: "folder"))
  var out: String

  @Option(help: ArgumentHelp("The type the model is written in; auto is the base model's.", valueName: "auto|float32|bfloat16"))
  var saveDtype: SFTCommand.SaveType = .auto

  @OptionGroup var replacing: OverwriteOption
  @OptionGroup var output: OutputOptions

  func run() throws {
    let folder = try ModelFolder(named: adapter)
    guard AdapterFolder.isAdapter(folder) else {
      throw CommandError("\(adapter) holds no adapters (adapter_config.json and adapter_model.safetensors); name a folder that does")
    }
    let target = TrainingFolder(URL(filePath: out, directoryHint: .isDirectory))
    let outputs = OutputGuard(overwrites: replacing.overwrite)
    defer { outputs.release() }
    try outputs.claim(folder: target.output)
    try outputs.protect(folder.inputs)
    let model = try LanguageModel(folder)
    let stored = try LanguageModel.storedType(of: model.base)
    let type: ElementType =
      switch saveDtype {
      case .auto: stored
      case .float32: .float32
      case .bfloat16: .bfloat16
      }
    try MergedModel.write(model, elementType: type, to: target.url)
    // Of an earlier training run there, only its model has been replaced.
    target.clearRecords()
    let merged = model.decoder.parameters.count { $0.adapter != nil }
    if output.json { return try output.printJSON(Report(out: out, layers: merged, savedAs: type.rawValue)) }
    try Terminal.writeLine("\(out): the adapters of \(merged) layers merged into \(model.base.name), saved in \(type)")
  }

  private struct Report: Encodable {
    var out: String
    var layers: Int
    var savedAs: String

    enum CodingKeys: String, CodingKey {
      case out, layers
      case savedAs = "saved_as"
    }
  }
}
