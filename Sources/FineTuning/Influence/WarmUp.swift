public import Foundation
import Ground
public import LanguageModels
import Torch

/// A training of adapters whose kept checkpoints tell what a sample would have taught (LESS's warm-up): which checkpoints are looked from, what weighs
/// each, and what its optimiser remembered.
public struct WarmUp: Sendable {
  /// Which checkpoints are taken.
  public enum Choice: Sendable, Hashable, Codable, LosslessStringConvertible {
    /// All that were kept.
    case all
    /// The last one that was kept of each of K equal stretches of the training.
    case stretches(Int)

    /// `all`, or K.
    public var description: String {
      switch self {
      case .all: "all"
      case .stretches(let count): "\(count)"
      }
    }

    /// Reads `all` or a number from 1 on; nil for anything else.
    public init?(_ text: String) {
      if text == "all" {
        self = .all
      } else if let count = Int(text), count > 0 {
        self = .stretches(count)
      } else {
        return nil
      }
    }

    /// Reads the text, or a number in its place.
    public init(from decoder: any Swift.Decoder) throws {
      let container = try decoder.singleValueContainer()
      let text = try (try? container.decode(Int.self)).map(String.init) ?? container.decode(String.self)
      guard let choice = Choice(text) else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "checkpoints are 'all' or a number from 1 on, not '\(text)'")
      }
      self = choice
    }

    /// Writes the text.
    public func encode(to encoder: any Swift.Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .all: try container.encode("all")
      case .stretches(let count): try container.encode(count)
      }
    }
  }

  /// A checkpoint that is looked from.
  public struct Checkpoint: Sendable, Hashable {
    /// Updates done.
    public let step: Int
    /// η: the mean learning rate of the updates since the checkpoint before it in the list.
    public let weight: Double
    /// Its folder, which loads as a model.
    public let url: URL
  }

  /// The checkpoints, the earliest first; at least one.
  public let checkpoints: [Checkpoint]
  /// The stretches, as ranges of steps, of which no checkpoint was kept.
  public let missing: [ClosedRange<Int>]

  /// The checkpoints of a training's folder.
  /// - Throws: `TrainingError` where the folder is none of a training with adapters, or keeps no checkpoint or not the rates.
  public init(_ folder: TrainingFolder, _ choice: Choice) throws {
    let path = folder.url.path(percentEncoded: false)
    let steps = folder.savedSteps().sorted()
    guard let last = steps.last else {
      let isCheckpoint = FileManager.default.fileExists(
        atPath: TrainingCheckpoint.state(in: folder.url).path(percentEncoded: false))
      throw TrainingError(
        isCheckpoint
          ? "\(path) is one checkpoint of a training, and gradients are taken from several; give the training's own folder"
          : "\(path) holds no checkpoints of a training, which gradients are taken from; train adapters by headway sft with \(setting: Setting("lora_rank")), \(setting: Setting("save_every")) and \(setting: Setting("keep")), and give its folder"
      )
    }
    guard AdapterFolder.isAdapter(try ModelFolder(named: folder.checkpoint(last).path(percentEncoded: false))) else {
      throw TrainingError(
        "\(path) is of a model that was trained whole, and gradients are taken by the weights of adapters; train it by headway sft with \(setting: Setting("lora_rank"))"
      )
    }
    var chosen: [Int] = []
    var missing: [ClosedRange<Int>] = []
    switch choice {
    case .all: chosen = steps
    case .stretches(let count):
      for stretch in 1...max(1, min(count, last)) {
        // 1…last in equal parts, as nearly as whole steps allow.
        let (low, high) = (last * (stretch - 1) / min(count, last) + 1, last * stretch / min(count, last))
        if let step = steps.last(where: { (low...high).contains($0) }) { chosen.append(step) } else { missing.append(low...high) }
      }
    }
    self.missing = missing
    let rates = try WarmUp.rates(folder)
    var before = 0
    checkpoints = try chosen.map { step in
      let stretch = try (before + 1...max(before + 1, step)).map { update in
        guard let rate = rates[update], rate.isFinite else {
          throw TrainingError(
            "\(folder.metrics.path(percentEncoded: false)) lacks the learning rate of step \(update), by which checkpoints are weighed; train again"
          )
        }
        return rate
      }
      before = step
      return Checkpoint(step: step, weight: stretch.reduce(0, +) / Double(stretch.count), url: folder.checkpoint(step))
    }
  }

  /// The learning rate of each step.
  private static func rates(_ folder: TrainingFolder) throws -> [Int: Double] {
    var rates: [Int: Double] = [:]
    for line in try StepMetrics.read(from: folder.metrics) { if let rate = line.lr { rates[line.step] = rate } }
    return rates
  }
}

extension AdamMoments {
  /// What the optimiser remembered at a checkpoint of each weight of the decoder's adapters, in the order of `AdapterGradients`.
  /// - Throws: `TrainingError` where the checkpoint lacks any of it or another optimiser trained, `CheckpointError` or `FileError`.
  public init(of checkpoint: WarmUp.Checkpoint, _ decoder: any CausalDecoder) throws {
    let stored = TrainingCheckpoint(url: checkpoint.url)
    let identity = try stored.state().identity
    var settings = OptimizerSettings()
    if let name = identity["optimizer"], name != settings.name {
      throw TrainingError(
        "\(checkpoint.url.path(percentEncoded: false)) is of a training by \(name), and gradients are directed by what adamw remembers; train with \(setting: Setting("optimizer", value: settings.name))"
      )
    }
    settings.beta1 = identity["beta1"].flatMap(Double.init) ?? settings.beta1
    settings.beta2 = identity["beta2"].flatMap(Double.init) ?? settings.beta2
    settings.epsilon = identity["epsilon"].flatMap(Double.init) ?? settings.epsilon
    let weights = decoder.parameters.compactMap(\.adapter).flatMap { [$0.down, $0.up] }
    func moments(_ name: String) throws -> [Float] {
      try stored.memory(name, of: weights.map { ($0.storedName, $0.tensor.shape) }).flatMap { try $0.floats() }
    }
    self.init(first: try moments("first"), second: try moments("second"), settings)
  }
}
