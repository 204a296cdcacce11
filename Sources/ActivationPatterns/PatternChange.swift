import Ground

/// What fine-tuning did to a pattern: ΔAP = AP_after − AP_before (equations 3, 10), or ΔAP / AP_before.
public struct PatternChange: Sendable {
  /// The change under one score, and where both sides were kept sample by sample, those, paired: row i of both is one sample.
  public struct Levels: Sendable {
    /// The change of the mean; undefined (NaN) in a relative change where the level before is 0.
    public let change: HeadMatrix
    /// The samples before, where both sides have them.
    public let before: SampleLevels?
    /// The same samples after, in the same order.
    public let after: SampleLevels?
  }

  /// Where the pattern before came from, with what the change adds: the other side's model.
  public var provenance: Provenance
  /// The pattern before, as it was named.
  public let before: String
  /// The pattern after, as it was named.
  public let after: String
  /// Whether the change is divided by the level before.
  public let isRelative: Bool
  /// The change under each score that both sides have; at least one.
  public let levels: [Score: Levels]
  /// The paired samples' positions, ids and losses before, where both sides have them.
  public let samples: ActivationPattern.Samples?

  /// The number of layers, L.
  public let layers: Int
  /// The number of query heads in a layer, H.
  public let heads: Int

  /// The scores of the change, in the order of `Score.allCases`.
  public var scores: [Score] { Score.allCases.filter { levels[$0] != nil } }

  init(
    provenance: Provenance, before: String, after: String, isRelative: Bool, levels: [Score: Levels], samples: ActivationPattern.Samples?
  ) throws {
    guard let first = levels.min(by: { $0.key.rawValue < $1.key.rawValue })?.value.change else {
      throw PatternError(problem: "a change needs at least one score", remedy: "measure both patterns with the same score")
    }
    for (score, level) in levels where !level.change.hasSameShape(as: first) {
      throw PatternError(
        problem: "the score \(score) has \(level.change.shapeText), another has \(first.shapeText)", remedy: "write the change again")
    }
    self.provenance = provenance
    self.before = before
    self.after = after
    self.isRelative = isRelative
    self.levels = levels
    self.samples = samples
    layers = first.layers
    heads = first.heads
  }

  /// The change from one pattern to the other, under every score that both have.
  ///
  /// Where both have samples they are paired, in the order of the pattern before (`SampleIdentity`). Different models are expected: one
  /// is the other after fine-tuning.
  /// - Parameters:
  ///   - before: The base model's pattern and its name.
  ///   - after: The fine-tuned model's pattern, on the same samples, and its name.
  ///   - relative: Whether to divide by the level before.
  ///   - mixed: Whether to go on where the measurements differ, or the samples; samples that cannot be paired are then left out.
  /// - Throws: `PatternError` where shapes differ or no score is common, `IncomparablePatterns` where the two were measured differently or
  ///   on different samples.
  public init(
    from before: (name: String, pattern: ActivationPattern), to after: (name: String, pattern: ActivationPattern), relative: Bool = false,
    mixed: Bool = false
  ) throws {
    let (old, new) = (before.pattern, after.pattern)
    func refuse(_ problem: Message, _ remedy: Message) -> PatternError {
      PatternError(problem: "\(before.name) and \(after.name) \(problem)", remedy: remedy)
    }
    guard old.layers == new.layers, old.heads == new.heads else {
      throw refuse(
        "are of different models: \(old.layers) layers × \(old.heads) heads and \(new.layers) × \(new.heads)",
        "compare a model with its own fine-tuned form")
    }
    let scores = old.scores.filter { new.levels[$0] != nil }
    guard !scores.isEmpty else {
      throw refuse(
        "have no score in common (\(old.scores.map(\.rawValue).joined(separator: ", ")); \(new.scores.map(\.rawValue).joined(separator: ", ")))",
        "measure both with the same \(setting: .score)")
    }
    let pairing = PatternPairing(before: old, after: new)
    var differences = PatternDifference.settings(old.provenance, new.provenance)
    if Self.areOfOneModel(old, new, scores) { differences.insert(.sameModel, at: 0) }
    if let difference = pairing.difference { differences.append(difference) }
    guard mixed || differences.isEmpty else {
      throw IncomparablePatterns(before: before.name, after: after.name, differences: differences)
    }
    let positions = pairing.positions
    var levels: [Score: Levels] = [:]
    for score in scores {
      guard let oldLevels = old.levels[score], let newLevels = new.levels[score] else { continue }
      let change = try HeadMatrix.change(from: oldLevels.mean, to: newLevels.mean, relative: relative)
      guard let positions, let oldSamples = oldLevels.samples, let newSamples = newLevels.samples else {
        levels[score] = Levels(change: change, before: nil, after: nil)
        continue
      }
      let isInOrder = positions == Array(0..<newSamples.sampleCount)
      levels[score] = Levels(change: change, before: oldSamples, after: isInOrder ? newSamples : try newSamples.picked(positions))
    }
    var provenance = old.provenance
    provenance.other["before_fingerprint"] = old.provenance.modelFingerprint
    provenance.other["after_fingerprint"] = new.provenance.modelFingerprint
    provenance.other["before_model"] = old.provenance.model
    provenance.other["after_model"] = new.provenance.model
    try self.init(
      provenance: provenance, before: before.name, after: after.name, isRelative: relative, levels: levels,
      samples: positions == nil ? nil : old.samples)
  }

  /// Whether the second pattern is the first again: both models have one fingerprint or, where those are unknown, all levels are equal.
  private static func areOfOneModel(_ old: ActivationPattern, _ new: ActivationPattern, _ scores: [Score]) -> Bool {
    if let one = old.provenance.modelFingerprint, let other = new.provenance.modelFingerprint { return one == other }
    return scores.allSatisfy { old.levels[$0]?.mean == new.levels[$0]?.mean }
  }
}

extension HeadMatrix {
  /// after − before, or that divided by before, undefined (NaN) where before is 0.
  static func change(from before: HeadMatrix, to after: HeadMatrix, relative: Bool) throws -> HeadMatrix {
    let values = zip(before.values, after.values).map { before, after in
      guard relative else { return after - before }
      return before == 0 ? .nan : (after - before) / before
    }
    return try HeadMatrix(layers: before.layers, heads: before.heads, values: values, mayBeUndefined: relative)
  }
}
