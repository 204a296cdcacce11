public import FineTuning
import Ground

/// What `TrainingRun` did, beside the folder that it wrote; also the folder's `headway/summary.json`.
public struct TrainingResult: Codable, Sendable, Hashable {
  /// The folder, as the run named it.
  public var out: String
  /// Updates done, those of earlier parts of the run included.
  public var steps: Int
  /// Samples learned from.
  public var samples: Int
  /// Tokens learned from.
  public var tokens: Int
  /// Seconds of training, over all parts of the run.
  public var seconds: Double
  /// Tokens a second in this part of the run, its first step left out; nil where it had no other.
  public var tokensPerSecond: Double?
  /// The loss of each step's window, before its update.
  public var losses: [Double]
  /// The loss at the beginning and at the end, of the same samples.
  public var loss: LossComparison?
  /// The step whose weights were kept because their evaluation was the best, where training stopped early.
  public var bestStep: Int?
  /// The share of weights that differ from the base model's after rounding to the type they are saved in; nil for adapters.
  public var changedShare: Double?
  /// The share that differs in float32.
  public var changedShareInFloat32: Double?
  /// The type in which weights were saved.
  public var savedAs: String
  /// The most memory that the process held, mapped weights included, in MiB; nil where the system does not tell.
  public var peakRssMib: Int?
  /// What it held at the end that no file backs, in MiB.
  public var anonymousRssMib: Int?

  enum CodingKeys: String, CodingKey {
    case out, steps, samples, tokens, seconds, losses, loss
    case tokensPerSecond = "tokens_per_second"
    case bestStep = "best_step"
    case changedShare = "changed_share"
    case changedShareInFloat32 = "changed_share_float32"
    case savedAs = "saved_as"
    case peakRssMib = "peak_rss_mib"
    case anonymousRssMib = "anonymous_rss_mib"
  }

  init(out: String, _ summary: Trainer.Summary, _ folder: TrainingFolder) throws {
    self.out = out
    steps = summary.steps
    samples = summary.samples
    tokens = summary.tokens
    seconds = summary.seconds
    tokensPerSecond = summary.tokensPerSecond
    losses = try StepMetrics.read(from: folder.metrics).compactMap(\.loss)
    loss = summary.loss
    bestStep = summary.bestStep
    changedShare = summary.changedShare
    changedShareInFloat32 = summary.changedShareInFloat32
    savedAs = summary.savedAs
    peakRssMib = MachineMemory.peakResident.map { $0 >> 20 }
    anonymousRssMib = MachineMemory.anonymousResident.map { $0 >> 20 }
  }
}
