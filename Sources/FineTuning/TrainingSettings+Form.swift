import Foundation
public import Ground

/// Settings as records and checkpoints hold them: flat, under the names of their options.
extension TrainingSettings: RecordedSettings {
  /// The keys of a training.
  public static let form: SettingsForm<TrainingSettings> = SettingsForm(
    TrainingSettings(),
    [
      .setting("lr", \.learningRate), .setting("batch_size", \.batchSize), .setting("accumulate", \.gradientAccumulation),
      .setting("pack_tokens", \.batchTokens), .either("epochs", \.epochs, or: "steps", \.steps), .setting("schedule", \.schedule),
      .setting("warmup_ratio", \.warmupRatio), .setting("optimizer", \.optimizer.name), .setting("beta1", \.optimizer.beta1),
      .setting("beta2", \.optimizer.beta2), .setting("epsilon", \.optimizer.epsilon), .setting("weight_decay", \.optimizer.weightDecay),
      .setting("clip", \.clip), .setting("seed", \.seed), .setting("no_shuffle", \.keepsOrder),
      .setting("checkpoint_activations", \.checkpointsActivations), .group(\.lowRank), .setting("eval_every", \.evaluationInterval),
      .setting("patience", \.patience), .setting("save_every", \.saveInterval), .setting("keep", \.keptCheckpoints),
      .setting("track_every", \.trackingInterval), .setting("no_window_patterns", \.leavesOutWindows),
      .setting("noise_floor", \.noiseFloorWindows),
    ])

  private var keepsOrder: Bool {
    get { !shuffles }
    set { shuffles = !newValue }
  }

  private var leavesOutWindows: Bool {
    get { !recordsWindows }
    set { recordsWindows = !newValue }
  }
}

extension LowRankSettings: RecordedSettings {
  /// The keys of adapters, which are there where their rank is.
  public static let form: SettingsForm<LowRankSettings> = SettingsForm(
    LowRankSettings(rank: 0),
    [
      .setting("lora_rank", \.recordedRank, isRequired: true), .setting("lora_alpha", \.alpha), .setting("lora_dropout", \.dropout),
      .setting("lora_targets", \.targets),
    ])

  /// The rank as a record has it, with the α that belongs to it where the record has none.
  private var recordedRank: Int {
    get { rank }
    set { self = LowRankSettings(rank: newValue, dropout: dropout, targets: targets) }
  }
}

extension TrainingSettings {
  /// Adds the settings to what a run must find again to go on; those that change nothing of what is computed are left out.
  public func add(to identity: inout RunIdentity) throws {
    let texts = try JSONDecoder().decode([String: SettingText].self, from: HeadwayJSON.encoder().encode(self))
    for name in Self.names where !["save_every", "keep"].contains(name) { identity[name] = texts[name]?.description }
    // As one rank would have it: the same run on more of them.
    if ranks > 1 { identity["accumulate"] = "\(gradientAccumulation * ranks)" }
  }
}

/// A setting's value as a person reads it.
private struct SettingText: Decodable, Equatable, CustomStringConvertible {
  let description: String

  init(from decoder: any Swift.Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let truth = try? value.decode(Bool.self) {
      description = truth ? "yes" : "no"
    } else if let whole = try? value.decode(UInt64.self) {
      description = "\(whole)"
    } else if let number = try? value.decode(Double.self) {
      description = "\(number)"
    } else if let list = try? value.decode([String].self) {
      description = list.joined(separator: ",")
    } else {
      description = try value.decode(String.self)
    }
  }
}
