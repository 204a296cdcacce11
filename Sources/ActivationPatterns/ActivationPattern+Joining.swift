import Ground

extension ActivationPattern {
  /// One pattern of the samples of several, in their order: as where the samples of a task are measured fold by fold, each under the model that was
  /// not trained on it. The mean is over all samples.
  /// - Throws: `PatternError` where there is none, one keeps no samples, or they were measured differently.
  public init(joining patterns: [ActivationPattern]) throws {
    guard let first = patterns.first else { throw PatternError(problem: "there is nothing to join", remedy: "name at least one pattern") }
    var levels: [Score: Levels] = [:]
    for score in first.scores {
      var values: [Float] = []
      for pattern in patterns {
        guard let samples = pattern.levels[score]?.samples, pattern.layers == first.layers, pattern.heads == first.heads else {
          throw PatternError(
            problem: "the patterns to join have other shapes or scores, or keep no samples", remedy: "measure all of them alike, per sample"
          )
        }
        for sample in 0..<samples.sampleCount { values += try samples.row(sample) }
      }
      let width = first.layers * first.heads
      levels[score] = try Levels(
        layers: first.layers, heads: first.heads,
        samples: SampleLevels(sampleCount: values.count / width, entryCount: width, values: values))
    }
    let parts = patterns.compactMap(\.samples)
    let ids = parts.compactMap(\.ids)
    let contents = parts.compactMap(\.contents)
    let count = parts.reduce(0) { $0 + $1.loss.count }
    var provenance = first.provenance
    provenance.samples = count
    provenance.skipped = patterns.reduce(0) { $0 + ($1.provenance.skipped ?? 0) }
    provenance.tokens = patterns.reduce(0) { $0 + ($1.provenance.tokens ?? 0) }
    var models = Fingerprint()
    for pattern in patterns { models.add(pattern.provenance.modelFingerprint ?? "") }
    provenance.modelFingerprint = models.digits
    provenance.dataFingerprint = nil
    if contents.count == parts.count { provenance.samplesFingerprint = Provenance.fingerprint(ofSamples: contents.flatMap(\.self)) }
    try self.init(
      provenance: provenance, levels: levels,
      samples: Samples(
        loss: parts.flatMap(\.loss), index: (0..<count).map(Int64.init), ids: ids.count == parts.count ? ids.flatMap(\.self) : nil,
        contents: contents.count == parts.count ? contents.flatMap(\.self) : nil))
  }
}
