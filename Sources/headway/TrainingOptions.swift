import ArgumentParser
import FineTuning
import Runs

/// How `sft` trains; the defaults are the paper's.
struct TrainingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The greatest learning rate.", valueName: "rate"))
  var lr = 1e-6

  @Option(help: ArgumentHelp("Sequences that go through the model together.", valueName: "n"))
  var batchSize = 4

  @Option(help: ArgumentHelp("Batches of an update, on each of several processes.", valueName: "n"))
  var accumulate = 4

  @Option(
    help: ArgumentHelp(
      "Pack an update's samples into batches of N tokens in place of --batch-size sequences; changes speed and memory, not what is learned.",
      valueName: "n"))
  var packTokens: Int?

  @Option(help: ArgumentHelp("Passes over all samples; 3 where neither this nor --steps is given.", valueName: "n"))
  var epochs: Int?

  @Option(help: ArgumentHelp("Updates, in place of --epochs.", valueName: "n"))
  var steps: Int?

  @Option(help: "How the learning rate runs after the warm-up.")
  var schedule = LearningRateSchedule.Form.cosine

  @Option(help: ArgumentHelp("The share of updates over which the rate rises from 0.", valueName: "share"))
  var warmupRatio = 0.03

  @Option(help: ArgumentHelp("Weight decay of parameters with two or more dimensions.", valueName: "rate"))
  var weightDecay = 0.0

  @Option(help: ArgumentHelp("AdamW's β₁.", valueName: "rate"))
  var beta1 = 0.9

  @Option(help: ArgumentHelp("AdamW's β₂.", valueName: "rate"))
  var beta2 = 0.999

  @Option(help: ArgumentHelp("AdamW's ε.", valueName: "number"))
  var epsilon = 1e-8

  @Option(help: ArgumentHelp("The greatest norm of all gradients together; 0 for no limit.", valueName: "norm"))
  var clip = 1.0

  @Option(help: ArgumentHelp("What shuffling, adapters and dropout start from.", valueName: "n"))
  var seed: UInt64 = 0

  @Flag(help: "Learn in the data's own order.")
  var noShuffle = false

  @Flag(help: "Compute activations again on the way back instead of keeping them: a third more work, far less memory.")
  var checkpointActivations = false

  @Option(help: ArgumentHelp("Train adapters of this rank (LoRA) in place of all weights.", valueName: "rank"))
  var loraRank: Int?

  @Option(help: ArgumentHelp("LoRA's α; twice the rank where left out.", valueName: "number"))
  var loraAlpha: Double?

  @Option(help: ArgumentHelp("The probability with which an adapter's input is dropped; 0 where left out.", valueName: "rate"))
  var loraDropout: Double?

  @Option(
    help: ArgumentHelp(
      "The layers that get adapters, joined by commas; all-linear for every linear layer; q_proj,v_proj where left out.", valueName: "names"
    ))
  var loraTargets: LayerNames?

  @Option(help: ArgumentHelp("Updates between checkpoints; every quarter of an hour where left out.", valueName: "n"))
  var saveEvery: Int?

  @Option(help: ArgumentHelp("Checkpoints that are kept.", valueName: "n"))
  var keep = 2

  /// The settings of a run that trains this way.
  /// - Throws: `ValidationError` where an option has no effect without another one.
  func settings() throws -> TrainingSettings {
    let ofAdapters = [("lora-alpha", loraAlpha != nil), ("lora-dropout", loraDropout != nil), ("lora-targets", loraTargets != nil)]
    if loraRank == nil { try refuse(ofAdapters, without: "lora-rank") }
    var settings = TrainingSettings()
    settings.learningRate = lr
    settings.batchSize = batchSize
    settings.gradientAccumulation = accumulate
    settings.batchTokens = packTokens
    settings.epochs = epochs ?? (steps == nil ? 3 : nil)
    settings.steps = steps
    settings.schedule = schedule
    settings.warmupRatio = warmupRatio
    settings.optimizer.beta1 = beta1
    settings.optimizer.beta2 = beta2
    settings.optimizer.epsilon = epsilon
    settings.optimizer.weightDecay = weightDecay
    settings.clip = clip
    settings.seed = seed
    settings.shuffles = !noShuffle
    settings.checkpointsActivations = checkpointActivations
    settings.lowRank = loraRank.map {
      LowRankSettings(
        rank: $0, alpha: loraAlpha, dropout: loraDropout ?? 0, targets: loraTargets?.names ?? LowRankSettings.defaultTargets)
    }
    settings.saveInterval = saveEvery
    settings.keptCheckpoints = keep
    return settings
  }
}

/// Names of layers, joined by commas.
struct LayerNames: ExpressibleByArgument {
  let names: [String]

  init?(argument: String) {
    names = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if names.contains("") { return nil }
  }
}

/// What `sft` measures while it trains.
struct TrackingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A probe set whose pattern is measured before the first update and after every --track-every updates.", valueName: "file"),
    completion: .file())
  var track: String?

  @Option(help: ArgumentHelp("Updates between two patterns of the probe set; 10 where left out.", valueName: "n"))
  var trackEvery: Int?

  @Option(help: ArgumentHelp("The probe set's format; the data's where left out.", valueName: "name"))
  var trackFormat: FormatName?

  @Option(help: ArgumentHelp("Measure at most N of its samples.", valueName: "n"))
  var trackLimit: Int?

  @Option(help: ArgumentHelp("Windows of the base model for the noise floor of the windows' correlation; 4 with --track.", valueName: "n"))
  var noiseFloor: Int?

  @Flag(help: "Do not record the patterns of the training windows' own gates.")
  var noWindowPatterns = false

  @Option(help: ArgumentHelp("Data on which the loss is measured beside the training.", valueName: "file"), completion: .file())
  var evalData: String?

  @Option(
    help: ArgumentHelp(
      "A benchmark that is asked whenever the training is evaluated, with its questions; repeat it for several.", valueName: "name=file"),
    completion: .file())
  var evalBenchmark: [NamedBenchmark] = []

  @Option(help: ArgumentHelp("Updates between two evaluations; 10 where left out.", valueName: "n"))
  var evalEvery: Int?

  @Option(help: ArgumentHelp("The evaluation data's format; the data's where left out.", valueName: "name"))
  var evalFormat: FormatName?

  @Option(help: ArgumentHelp("Evaluate at most N of its samples.", valueName: "n"))
  var evalLimit: Int?

  @Option(help: ArgumentHelp("Stop after N evaluations without improvement, with the best weights.", valueName: "n"))
  var patience: Int?

  /// Fills in what a run tracks and evaluates.
  func apply(to run: inout TrainingRun) {
    run.track = track
    run.trackFormat = trackFormat?.name
    run.trackLimit = trackLimit
    run.evaluationData = evalData
    run.evaluationFormat = evalFormat?.name
    run.evaluationLimit = evalLimit
    run.benchmarks = evalBenchmark
    run.training.trackingInterval = trackEvery
    run.training.evaluationInterval = evalEvery
    run.training.patience = patience
    run.training.recordsWindows = !noWindowPatterns
    run.training.noiseFloorWindows = noiseFloor
  }
}
