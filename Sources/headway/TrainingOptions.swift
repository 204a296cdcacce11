import ArgumentParser
import FineTuning
import Instructions
import Torch

/// How `sft` trains; the defaults are the paper's.
struct TrainingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The greatest learning rate.", valueName: "rate"))
  var lr = 1e-6

  @Option(help: ArgumentHelp("Sequences that go through the model together.", valueName: "n"))
  var batchSize = 4

  @Option(help: ArgumentHelp("Batches of an update.", valueName: "n"))
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
  var schedule: Schedule = .cosine

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
  var loraTargets: String?

  @Option(help: ArgumentHelp("Updates between checkpoints; every quarter of an hour where left out.", valueName: "n"))
  var saveEvery: Int?

  @Option(help: ArgumentHelp("Checkpoints that are kept.", valueName: "n"))
  var keep = 2

  func check() throws {
    func atLeastOne(_ name: String, _ value: Int?) throws {
      if let value, value < 1 { throw ValidationError("--\(name) takes a number from 1 on, not \(value).") }
    }
    try atLeastOne("batch-size", batchSize)
    try atLeastOne("accumulate", accumulate)
    try atLeastOne("pack-tokens", packTokens)
    try atLeastOne("epochs", epochs)
    try atLeastOne("steps", steps)
    try atLeastOne("save-every", saveEvery)
    try atLeastOne("keep", keep)
    try atLeastOne("lora-rank", loraRank)
    if epochs != nil, steps != nil { throw ValidationError("--epochs and --steps both say how long; name one of them.") }
    func within(_ name: String, _ value: Double, _ range: String, _ holds: (Double) -> Bool) throws {
      if !value.isFinite || !holds(value) { throw ValidationError("--\(name) takes a number \(range), not \(value).") }
    }
    try within("lr", lr, "of at least 0") { $0 >= 0 }
    try within("warmup-ratio", warmupRatio, "from 0 to 1") { (0...1).contains($0) }
    try within("weight-decay", weightDecay, "of at least 0") { $0 >= 0 }
    try within("beta1", beta1, "from 0 to below 1") { (0..<1).contains($0) }
    try within("beta2", beta2, "from 0 to below 1") { (0..<1).contains($0) }
    try within("epsilon", epsilon, "above 0") { $0 > 0 }
    try within("clip", clip, "of at least 0") { $0 >= 0 }
    if let loraDropout { try within("lora-dropout", loraDropout, "from 0 to below 1") { (0..<1).contains($0) } }
    try requireNothing(
      of: [("lora-alpha", loraAlpha != nil), ("lora-dropout", loraDropout != nil), ("lora-targets", loraTargets != nil)],
      without: "lora-rank", loraRank != nil)
  }

  var settings: TrainingSettings {
    var settings = TrainingSettings()
    settings.learningRate = lr
    settings.batchSize = batchSize
    settings.gradientAccumulation = accumulate
    settings.epochs = steps == nil ? epochs ?? 3 : nil
    settings.steps = steps
    settings.schedule = schedule.form
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
        rank: $0, alpha: loraAlpha, dropout: loraDropout ?? 0,
        targets: (loraTargets ?? "q_proj,v_proj").split(separator: ",").map(String.init))
    }
    settings.saveInterval = saveEvery
    settings.keptCheckpoints = keep
    return settings
  }
}

/// Refuses options that have no effect without another one.
private func requireNothing(of options: [(name: String, isGiven: Bool)], without needed: String, _ isThere: Bool) throws {
  guard !isThere, let option = options.first(where: \.isGiven) else { return }
  throw ValidationError("--\(option.name) has no effect without --\(needed); give that too, or leave it out.")
}

/// The names of `--schedule`.
enum Schedule: String, ExpressibleByArgument, CaseIterable {
  case cosine, linear, constant

  var form: LearningRateSchedule.Form {
    switch self {
    case .cosine: .cosine
    case .linear: .linear
    case .constant: .constant
    }
  }
}

/// What `sft` measures while it trains.
struct TrackingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A probe set whose pattern is measured before the first update and after every --track-every updates.", valueName: "file"))
  var track: String?

  @Option(help: ArgumentHelp("Updates between two patterns of the probe set; 10 where left out.", valueName: "n"))
  var trackEvery: Int?

  @Option(help: ArgumentHelp("The probe set's format; the data's where left out.", valueName: "name"))
  var trackFormat: String?

  @Option(help: ArgumentHelp("Measure at most N of its samples.", valueName: "n"))
  var trackLimit: Int?

  @Option(help: ArgumentHelp("Windows of the base model for the noise floor of the windows' correlation; 4 with --track.", valueName: "n"))
  var noiseFloor: Int?

  @Flag(help: "Do not record the patterns of the training windows' own gates.")
  var noWindowPatterns = false

  @Option(help: ArgumentHelp("Data on which the loss is measured beside the training.", valueName: "file"))
  var evalData: String?

  @Option(help: ArgumentHelp("Updates between two evaluations; 10 where left out.", valueName: "n"))
  var evalEvery: Int?

  @Option(help: ArgumentHelp("The evaluation data's format; the data's where left out.", valueName: "name"))
  var evalFormat: String?

  @Option(help: ArgumentHelp("Evaluate at most N of its samples.", valueName: "n"))
  var evalLimit: Int?

  @Option(help: ArgumentHelp("Stop after N evaluations without improvement, with the best weights.", valueName: "n"))
  var patience: Int?

  func check() throws {
    for (name, value) in [
      ("track-every", trackEvery), ("track-limit", trackLimit), ("eval-every", evalEvery), ("eval-limit", evalLimit),
      ("patience", patience),
    ] {
      if let value, value < 1 { throw ValidationError("--\(name) takes a number from 1 on, not \(value).") }
    }
    if let noiseFloor, noiseFloor < 0 { throw ValidationError("--noise-floor takes a number from 0 on, not \(noiseFloor).") }
    try requireNothing(
      of: [("track-every", trackEvery != nil), ("track-format", trackFormat != nil), ("track-limit", trackLimit != nil)],
      without: "track", track != nil)
    try requireNothing(
      of: [
        ("eval-every", evalEvery != nil), ("eval-format", evalFormat != nil), ("eval-limit", evalLimit != nil),
        ("patience", patience != nil),
      ], without: "eval-data", evalData != nil)
    if noWindowPatterns, (noiseFloor ?? 0) > 0 {
      throw ValidationError("--noise-floor belongs to the windows' patterns, which --no-window-patterns leaves out; name one of them.")
    }
    for (name, format) in [("track-format", trackFormat), ("eval-format", evalFormat)] {
      if let format, !DatasetFormats.names.contains(format) {
        throw ValidationError("--\(name) takes one of \(DatasetFormats.names.joined(separator: ", ")), not '\(format)'.")
      }
    }
  }

  func apply(to settings: inout TrainingSettings) {
    settings.trackingInterval = track == nil ? nil : trackEvery ?? 10
    settings.evaluationInterval = evalData == nil ? nil : evalEvery ?? 10
    settings.patience = patience
    settings.recordsWindows = !noWindowPatterns
    settings.noiseFloorWindows = noWindowPatterns ? 0 : noiseFloor ?? (track == nil ? 0 : 4)
  }

  /// How another file is read: as the training data, but whole and in its own format where one is named.
  func options(_ training: DatasetOptions, format: String?, limit: Int?) -> DatasetOptions {
    var options = training
    options.format = format ?? training.format
    options.limit = limit
    options.sample = nil
    options.holdOut = nil
    options.deduplicates = false
    return options
  }
}
