import Foundation
public import Ground

/// Settings as records and checkpoints hold them: flat, under the names of their options.
extension TrainingSettings: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case lr, accumulate, epochs, steps, schedule, optimizer, beta1, beta2, epsilon, clip, seed, patience, keep
    case batchSize = "batch_size"
    case packTokens = "pack_tokens"
    case warmupRatio = "warmup_ratio"
    case weightDecay = "weight_decay"
    case noShuffle = "no_shuffle"
    case checkpointActivations = "checkpoint_activations"
    case loraRank = "lora_rank"
    case loraAlpha = "lora_alpha"
    case loraDropout = "lora_dropout"
    case loraTargets = "lora_targets"
    case evalEvery = "eval_every"
    case saveEvery = "save_every"
    case trackEvery = "track_every"
    case noWindowPatterns = "no_window_patterns"
    case noiseFloor = "noise_floor"
  }

  public init(from decoder: any Swift.Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init()
    learningRate = try values.value(.lr, or: learningRate)
    batchSize = try values.value(.batchSize, or: batchSize)
    gradientAccumulation = try values.value(.accumulate, or: gradientAccumulation)
    batchTokens = try values.decodeIfPresent(Int.self, forKey: .packTokens)
    steps = try values.decodeIfPresent(Int.self, forKey: .steps)
    epochs = try values.decodeIfPresent(Int.self, forKey: .epochs) ?? (steps == nil ? epochs : nil)
    schedule = try values.value(.schedule, or: schedule)
    warmupRatio = try values.value(.warmupRatio, or: warmupRatio)
    optimizer.name = try values.value(.optimizer, or: optimizer.name)
    optimizer.beta1 = try values.value(.beta1, or: optimizer.beta1)
    optimizer.beta2 = try values.value(.beta2, or: optimizer.beta2)
    optimizer.epsilon = try values.value(.epsilon, or: optimizer.epsilon)
    optimizer.weightDecay = try values.value(.weightDecay, or: optimizer.weightDecay)
    clip = try values.value(.clip, or: clip)
    seed = try values.value(.seed, or: seed)
    shuffles = try !values.value(.noShuffle, or: !shuffles)
    checkpointsActivations = try values.value(.checkpointActivations, or: checkpointsActivations)
    if let rank = try values.decodeIfPresent(Int.self, forKey: .loraRank) {
      var found = LowRankSettings(rank: rank)
      found.alpha = try values.value(.loraAlpha, or: found.alpha)
      found.dropout = try values.value(.loraDropout, or: found.dropout)
      found.targets = try values.value(.loraTargets, or: found.targets)
      lowRank = found
    }
    evaluationInterval = try values.decodeIfPresent(Int.self, forKey: .evalEvery)
    patience = try values.decodeIfPresent(Int.self, forKey: .patience)
    saveInterval = try values.decodeIfPresent(Int.self, forKey: .saveEvery)
    keptCheckpoints = try values.value(.keep, or: keptCheckpoints)
    trackingInterval = try values.decodeIfPresent(Int.self, forKey: .trackEvery)
    recordsWindows = try !values.value(.noWindowPatterns, or: !recordsWindows)
    noiseFloorWindows = try values.decodeIfPresent(Int.self, forKey: .noiseFloor)
  }

  public func encode(to encoder: any Swift.Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(learningRate, forKey: .lr)
    try values.encode(batchSize, forKey: .batchSize)
    try values.encode(gradientAccumulation, forKey: .accumulate)
    try values.encodeIfPresent(batchTokens, forKey: .packTokens)
    try values.encodeIfPresent(epochs, forKey: .epochs)
    try values.encodeIfPresent(steps, forKey: .steps)
    try values.encode(schedule, forKey: .schedule)
    try values.encode(warmupRatio, forKey: .warmupRatio)
    try values.encode(optimizer.name, forKey: .optimizer)
    try values.encode(optimizer.beta1, forKey: .beta1)
    try values.encode(optimizer.beta2, forKey: .beta2)
    try values.encode(optimizer.epsilon, forKey: .epsilon)
    try values.encode(optimizer.weightDecay, forKey: .weightDecay)
    try values.encode(clip, forKey: .clip)
    try values.encode(seed, forKey: .seed)
    try values.encode(!shuffles, forKey: .noShuffle)
    try values.encode(checkpointsActivations, forKey: .checkpointActivations)
    try values.encodeIfPresent(lowRank?.rank, forKey: .loraRank)
    try values.encodeIfPresent(lowRank?.alpha, forKey: .loraAlpha)
    try values.encodeIfPresent(lowRank?.dropout, forKey: .loraDropout)
    try values.encodeIfPresent(lowRank?.targets, forKey: .loraTargets)
    try values.encodeIfPresent(evaluationInterval, forKey: .evalEvery)
    try values.encodeIfPresent(patience, forKey: .patience)
    try values.encodeIfPresent(saveInterval, forKey: .saveEvery)
    try values.encode(keptCheckpoints, forKey: .keep)
    try values.encodeIfPresent(trackingInterval, forKey: .trackEvery)
    try values.encode(!recordsWindows, forKey: .noWindowPatterns)
    try values.encodeIfPresent(noiseFloorWindows, forKey: .noiseFloor)
  }
}

extension TrainingSettings {
  /// Adds the settings to what a run must find again to go on; those that change nothing of what is computed are left out.
  public func add(to identity: inout RunIdentity) throws {
    let texts = try JSONDecoder().decode([String: SettingText].self, from: HeadwayJSON.encoder().encode(self))
    for key in CodingKeys.allCases where key != .saveEvery && key != .keep {
      identity[key.rawValue] = texts[key.rawValue]?.description
    }
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
