/// Whether two patterns were measured on the same samples, and which belongs to which.
struct PatternPairing {
  /// For each sample before, its position after; nil where a side keeps no samples or they cannot be paired.
  private(set) var positions: [Int]?
  /// In what the samples differ; nil where they are the same ones.
  private(set) var difference: PatternDifference?

  init(before old: ActivationPattern, after new: ActivationPattern) {
    let (from, to) = (old.provenance, new.provenance)
    // Through another template the same sample is another text.
    let sameTemplate = from.template == to.template
    if let oldSamples = old.samples, let newSamples = new.samples {
      let one = SampleIdentity(oldSamples, dataFingerprint: from.dataFingerprint)
      let other = SampleIdentity(newSamples, dataFingerprint: to.dataFingerprint)
      if let match = one.match(other, comparesTexts: sameTemplate) {
        if match.isComplete {
          positions = match.positions.compactMap(\.self)
        } else {
          difference = .samples(Self.text(match, one, other))
        }
        return
      }
      difference = .samples(
        from.dataFingerprint == to.dataFingerprint
          ? "have samples that cannot be told apart: one id stands for several" : "were measured on different data")
      return
    }
    if sameTemplate, let one = from.samplesFingerprint, let other = to.samplesFingerprint {
      guard one != other else { return }
    } else if from.dataFingerprint == to.dataFingerprint, from.samples == nil || to.samples == nil || from.samples == to.samples {
      return
    }
    if let one = from.samples, let other = to.samples, one != other {
      difference = .samples("were measured on different samples (\(one); \(other))")
    } else {
      difference = .samples("were measured on different data")
    }
  }

  private static func text(_ match: SampleIdentity.Match, _ one: SampleIdentity, _ other: SampleIdentity) -> String {
    if match.isEmpty { return "were measured on different data: they share no sample" }
    if let position = match.positions.firstIndex(of: nil) { return "have different samples: \(one.name(position)) is only in the first" }
    return "have different samples: \(match.surplus.map(other.name) ?? "one") is only in the second"
  }
}
