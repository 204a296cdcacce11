import CheckpointFiles
import ArgumentParser
import LanguageModels
import Torch

/// How MODEL is loaded and computed: the options that every command with MODEL takes.
struct ModelOptions: ParsableArguments {
  @Option(help: ArgumentHelp("What to compute in; auto is the checkpoint's own type.", valueName: "auto|bfloat16|float16|float32|float64"))
  var dtype: ComputeType = .auto

  @Option(help: ArgumentHelp("Where to compute.", valueName: "auto|cpu|cuda|cuda:N|mps"))
  var device = "auto"

  @Option(help: ArgumentHelp("Threads of the processor; as many as the machine gives where left out.", valueName: "n"))
  var threads: Int?

  @Option(help: ArgumentHelp("Tokens of a packed batch; a longer sample is a batch of its own.", valueName: "n"))
  var batchTokens = 2048

  func validate() throws {
    if let threads, !(1...4096).contains(threads) { throw ValidationError("--threads takes a number from 1 to 4096, not \(threads).") }
    if batchTokens < 1 { throw ValidationError("--batch-tokens takes a number of tokens from 1 on, not \(batchTokens).") }
  }

  /// Sets the threads, finds the device and loads the folder.
  func load(_ name: String, _ output: OutputOptions) throws -> LanguageModel {
    try Engine.setThreads(threads ?? Engine.availableProcessors())
    let model = try LanguageModel(ModelFolder(named: name), elementType: dtype.elementType, device: Device(named: device))
    for note in model.notes { output.note("note: \(note)") }
    return model
  }

  /// The names of `--dtype`.
  enum ComputeType: String, ExpressibleByArgument, CaseIterable {
    case auto, bfloat16, float16, float32, float64

    var elementType: ElementType? {
      switch self {
      case .auto: nil
      case .bfloat16: .bfloat16
      case .float16: .float16
      case .float32: .float32
      case .float64: .float64
      }
    }
  }
}
