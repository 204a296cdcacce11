import Ground

/// Patterns or changes that belong side by side: of one shape, under one score, of one kind.
public struct PatternComparison: Sendable {
  /// The names they go by, in order.
  public let names: [String]
  /// The files, in the same order.
  public let files: [PatternFile]
  /// The score each is looked at under: the same for all, unless they were mixed on purpose.
  public let scores: [Score]
  /// The levels or changes, in the same order.
  public let matrices: [HeadMatrix]

  /// Puts files side by side.
  ///
  /// A fine-tuned model has another name and fingerprint than its base, so models are told apart by shape and architecture.
  /// - Parameters:
  ///   - files: The files and the names they go by.
  ///   - score: The score to look at; nil takes the first, in the order of `Score.allCases`, that all of them have.
  ///   - mixed: Whether to go on where score, architecture or kind differ. Shapes must be equal in any case.
  /// - Throws: `PatternError` naming the two that do not belong together.
  public init(_ files: [(name: String, file: PatternFile)], score: Score? = nil, mixed: Bool = false) throws {
    guard let first = files.first else { throw PatternError(problem: "there is nothing to compare", remedy: "name at least one file") }
    for (name, file) in files.dropFirst() {
      func refuse(_ problem: Message, _ remedy: Message) -> PatternError {
        PatternError(problem: "\(first.name) and \(name) \(problem)", remedy: remedy)
      }
      guard file.layers == first.file.layers, file.heads == first.file.heads else {
        throw refuse(
          "are of different models: \(first.file.layers) layers × \(first.file.heads) heads and \(file.layers) × \(file.heads)",
          "give files of one model")
      }
      guard !mixed else { continue }
      guard file.kind == first.file.kind else {
        throw refuse(
          "are a \(first.file.kind) and a \(file.kind)", "give files of one kind, or \(setting: .mixed) to compare them anyway")
      }
      if let one = first.file.provenance.architecture, let other = file.provenance.architecture, one != other {
        throw refuse(
          "are of different models (\(one); \(other))", "give files of one model, or \(setting: .mixed) to compare them anyway")
      }
      let (from, to) = (first.file.provenance, file.provenance)
      for case (let what, let one?, let other?) in [("dtype", from.dtype, to.dtype), ("loss", from.loss, to.loss)] where one != other {
        throw refuse(
          "were measured with another \(what) (\(one); \(other))",
          "measure both alike, or give \(setting: .mixed) to compare them anyway")
      }
    }
    let common = Score.allCases.filter { score in files.allSatisfy { $0.file.scores.contains(score) } }
    if let score {
      if let lacking = files.first(where: { !$0.file.scores.contains(score) }) {
        throw PatternError(
          lacking.name, problem: "it has no score \(score) but \(lacking.file.scores.map(\.rawValue).joined(separator: ", "))",
          remedy: "choose another \(setting: .score), or measure again with this one")
      }
      scores = files.map { _ in score }
    } else if let score = common.first {
      scores = files.map { _ in score }
    } else if mixed {
      scores = files.compactMap { $0.file.scores.first }
    } else {
      let lists = files.map { "\($0.name): \($0.file.scores.map(\.rawValue).joined(separator: ", "))" }
      throw PatternError(
        problem: "there is no score that all of them have (\(lists.joined(separator: "; ")))",
        remedy: "measure all with one \(setting: .score), or give \(setting: .mixed) to compare them anyway")
    }
    names = files.map(\.name)
    self.files = files.map(\.file)
    matrices = zip(self.files, scores).compactMap { $0.matrix($1) }
  }

  /// The samples of each, under the score that it is looked at under. Files of the same samples are brought into one order, so that whatever
  /// is drawn for one is drawn for the others.
  /// - Throws: `PatternError` naming the first that keeps none, or of which it cannot be known what it shares with the others.
  public func sampled() throws -> [SampledLevels] {
    var sampled = try names.indices.map { try SampledLevels(files[$0], name: names[$0], score: scores[$0]) }
    guard files.count > 1 else { return sampled }
    var identities: [SampleIdentity] = []
    for (name, file) in zip(names, files) {
      guard let samples = file.samples, samples.ids != nil else {
        throw PatternError(
          name, problem: "its samples' ids are missing, so it cannot be known which samples it shares with the others",
          remedy: "put its .ids.jsonl back beside it, or measure it again")
      }
      identities.append(SampleIdentity(samples, dataFingerprint: file.provenance.dataFingerprint))
    }
    for (index, identity) in identities.enumerated() {
      sampled[index].sampleKey = String(index)
      for earlier in 0..<index {
        let sameTemplate = files[earlier].provenance.template == files[index].provenance.template
        guard let match = identities[earlier].match(identity, comparesTexts: sameTemplate), !match.isEmpty else { continue }
        guard match.isComplete else {
          throw PatternError(
            problem: "\(names[earlier]) and \(names[index]) share \(match.positions.count { $0 != nil }) of their samples and not all",
            remedy: "measure them on the same samples, or on samples of which none is the same")
        }
        sampled[index].reorder(match.positions.compactMap(\.self))
        sampled[index].sampleKey = sampled[earlier].sampleKey
        break
      }
    }
    return sampled
  }

  /// Refuses a target that is among its own basics, which would explain it whole: files of equal levels, or of the same models on the same
  /// samples.
  /// - Throws: `PatternError` naming the basic.
  public func requireTargetApart() throws {
    guard let target = files.first else { return }
    for index in files.indices.dropFirst() {
      let levels = zip(matrices[0].values, matrices[index].values)
      guard levels.allSatisfy({ $0 == $1 || ($0.isNaN && $1.isNaN) }) || target.measuresTheSame(as: files[index]) else { continue }
      throw PatternError(
        problem: "\(names[index]) is the target \(names[0]) itself, which would be explained by itself alone",
        remedy: "leave it out of the basics")
    }
  }
}

extension PatternFile {
  /// What is kept of each sample, where samples were kept.
  public var samples: ActivationPattern.Samples? {
    switch self {
    case .pattern(let pattern): pattern.samples
    case .change(let change): change.samples
    }
  }

  /// Whether both are known to be of the same models on the same samples, in whatever type or order they were measured.
  fileprivate func measuresTheSame(as other: PatternFile) -> Bool {
    let (one, two) = (provenance, other.provenance)
    guard let samples = one.samplesFingerprint, samples == two.samplesFingerprint, one.template == two.template else { return false }
    switch (self, other) {
    case (.pattern, .pattern): return one.modelFingerprint != nil && one.modelFingerprint == two.modelFingerprint
    case (.change, .change):
      return ["before_fingerprint", "after_fingerprint"].allSatisfy { one.other[$0] != nil && one.other[$0] == two.other[$0] }
    case (.pattern, .change), (.change, .pattern): return false
    }
  }
}
