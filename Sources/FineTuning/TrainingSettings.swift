/// What a training run does, apart from its model and data. The defaults are the paper's (appendix B), and where it leaves them open those of
/// METHOD §9.
public struct TrainingSettings: Sendable, Hashable {
  /// The greatest learning rate.
  public var learningRate = 1e-6
  /// Sequences that go through the model together.
  public var batchSize = 4
  /// Batches of an update, on each rank.
  public var gradientAccumulation = 4
  /// The most tokens that go through the model together, in place of `batchSize` sequences; the window stays batchSize × gradientAccumulation
  /// samples, so that only memory, speed and rounding change.
  public var batchTokens: Int?
  /// How often all samples are learned from; nil where `steps` says how long.
  public var epochs: Int? = 3
  /// Updates, over as many epochs as that takes.
  public var steps: Int?
  /// The form of the learning rate.
  public var schedule = LearningRateSchedule.Form.cosine
  /// The share of all updates over which the rate rises.
  public var warmupRatio = 0.03
  /// The optimiser and its numbers.
  public var optimizer = OptimizerSettings()
  /// The greatest norm of all gradients together; 0 for no limit.
  public var clip = 1.0
  /// What shuffling, adapters' first values and dropout start from.
  public var seed: UInt64 = 0
  /// Whether each epoch is shuffled.
  public var shuffles = true
  /// Whether each layer's activations are computed again on the way back instead of being kept: a third more work, far less memory.
  public var checkpointsActivations = false
  /// Adapters in place of full fine-tuning.
  public var lowRank: LowRankSettings?
  /// Updates between two measurements of the loss on the evaluation data.
  public var evaluationInterval: Int?
  /// Evaluations without improvement after which training stops, with the best weights.
  public var patience: Int?
  /// Updates between two checkpoints; nil for one every quarter of an hour. The end and an interruption write one in any case.
  public var saveInterval: Int?
  /// Checkpoints that are kept, the latest ones.
  public var keptCheckpoints = 2
  /// Updates between two patterns of the probe set.
  public var trackingInterval: Int?
  /// Whether each window's own gates are recorded.
  public var recordsWindows = true
  /// Windows of the base model that the noise floor of the windows' correlation is taken from; none where nil.
  public var noiseFloorWindows: Int?

  /// Processes that each compute so many batches of an update.
  public var ranks = 1

  /// The paper's settings.
  public init() {}

  /// Samples of an update.
  public var windowSize: Int { batchSize * gradientAccumulation * ranks }
}

/// Adapters of low rank (LoRA) on a model's linear layers.
public struct LowRankSettings: Sendable, Hashable {
  /// The rank r.
  public var rank: Int
  /// α: the change is scaled by α / r.
  public var alpha: Double
  /// The probability with which an input is left out in training.
  public var dropout: Double
  /// The names of the layers that get adapters, such as `q_proj`; `all-linear` for every linear layer.
  public var targets: [String]

  /// Queries and values, as PEFT has them by default.
  public static let defaultTargets = ["q_proj", "v_proj"]

  /// Settings with PEFT's layers and twice the rank for α where they are left out.
  public init(rank: Int, alpha: Double? = nil, dropout: Double = 0, targets: [String] = LowRankSettings.defaultTargets) {
    self.rank = rank
    self.alpha = alpha ?? 2 * Double(rank)
    self.dropout = dropout
    self.targets = targets
  }
}
