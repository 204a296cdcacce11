import ArgumentParser
import Runs

/// How MODEL is loaded and computed: the options of every command that measures one.
struct ModelOptions: ParsableArguments {
  @OptionGroup var computing: ComputingOptions

  @Option(help: ArgumentHelp("Tokens of a packed batch; a longer sample is a batch of its own.", valueName: "n"))
  var batchTokens = 2048

  /// The settings of a run with this model.
  func settings(_ model: String) -> ModelSettings {
    var settings = computing.settings(model)
    settings.batchTokens = batchTokens
    return settings
  }
}

/// What every command computes with.
struct ComputingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What to compute in; auto is the checkpoint's own type (bfloat16 for float16).", valueName: "auto|bfloat16|float16|float32|float64"))
  var dtype = ComputedType.auto

  @Option(help: ArgumentHelp("Where to compute.", valueName: "auto|cpu|cuda|cuda:N|mps"))
  var device = DeviceName.automatic

  @Option(help: ArgumentHelp("Threads of the processor; as many as the machine gives where left out.", valueName: "n"))
  var threads: Int?

  /// The settings of a run with this model.
  func settings(_ model: String) -> ModelSettings {
    var settings = ModelSettings(model)
    settings.elementType = dtype.elementType
    settings.device = device
    settings.threads = threads
    return settings
  }
}
