import CheckpointFiles
public import Foundation
public import Ground

/// The file of one shard: its samples' levels, losses and positions, without a mean, and what ties it to the others.
struct ShardFile {
  let file: SafetensorsFile
  let provenance: Provenance
  /// What all shards of a run share.
  let identity: RunIdentity
  /// Which of the samples that were read are this shard's, those without a label among them.
  let places: Range<Int>
  /// How many were read.
  let total: Int
  /// The samples that it has levels of.
  let sampleCount: Int
  let scores: [Score]
  let layers: Int
  let heads: Int
  /// Whether the pattern keeps every sample's own levels.
  var keepsSamples: Bool { identity[Key.perSample] == "true" }

  /// What such a file says that it holds.
  static let kind = "pattern shard"

  /// The keys of its metadata that a whole pattern does not have.
  enum Key {
    static let shard = "shard"
    static let begin = "shard.begin"
    static let end = "shard.end"
    static let total = "shard.total"
    static let identity = "shard.identity"
    static let all: Set = [shard, begin, end, total, identity]
    /// A fact of the identity.
    static let perSample = "per_sample"
  }

  /// A shard under a name that does not say which one it is.
  static let isMisnamed = PatternError(
    problem: "it is a shard of a pattern, but not called so", remedy: "call it NAME.I-of-N.safetensors again, beside the others")

  /// The tensor of a score's levels.
  static func levels(_ score: Score) -> String { "\(score).samples" }

  /// Opens the file that a shard should lie in.
  /// - Throws: `PatternError` where it is no shard or another one, or unsound.
  init(at url: URL, _ shard: PatternShard) throws {
    let file = try SafetensorsFile(at: url)
    func wrong(_ problem: Message, _ remedy: Message = "measure this shard again") -> PatternError {
      PatternError(url.relativePath, problem: problem, remedy: remedy)
    }
    guard file.metadata["headway.kind"] == Self.kind else {
      throw wrong("it is called as a shard of a pattern is, but is none", "move it away, and measure the shard")
    }
    let written = file.metadata[Key.shard] ?? "none"
    guard written == shard.description else {
      throw wrong("it holds the shard \(written), not \(shard)", "give each shard its own name back, or measure this one again")
    }
    func number(_ key: String) -> Int? { file.metadata[key].flatMap { Int($0) } }
    guard let begin = number(Key.begin), let end = number(Key.end), let total = number(Key.total), begin >= 0, begin <= end, end <= total,
      let identity = file.metadata[Key.identity].flatMap({ try? JSONDecoder().decode(RunIdentity.self, from: Data($0.utf8)) })
    else { throw wrong("its metadata does not say which samples it holds, and of which run") }
    scores = Score.allCases.filter { file[Self.levels($0)] != nil }
    guard let shape = scores.first.flatMap({ file[Self.levels($0)]?.shape }), shape.count == 3, shape[1] > 0, shape[2] > 0,
      !shape[1].multipliedReportingOverflow(by: shape[2]).overflow
    else { throw wrong("it has no score's levels, [samples, layers, heads]") }
    for score in scores where file[Self.levels(score)]?.shape != shape || file[Self.levels(score)]?.elementType != .float32 {
      throw wrong("its levels of \(score) are not F32 \(shape)")
    }
    for name in ["loss", "index", "content"] where file[name]?.shape != [shape[0]] {
      throw wrong("it has no \(name) for each of its \(shape[0]) samples")
    }
    guard shape[0] <= end - begin else { throw wrong("it has \(shape[0]) samples where \(end - begin) were read") }
    (sampleCount, layers, heads) = (shape[0], shape[1], shape[2])
    (self.file, self.identity, places, self.total) = (file, identity, begin..<end, total)
    provenance = try Provenance(kept: file)
  }
}

extension PatternShard {
  /// What a run found of its shard.
  public struct Contents: Sendable {
    /// Where it came from: of the whole data, but for `samples`, `skipped` and `tokens`, which are the shard's.
    public var provenance: Provenance
    /// What all shards of a run share.
    public var identity: RunIdentity
    /// Which of the samples that were read are the shard's, those without a label among them.
    public var places: Range<Int>
    /// How many were read.
    public var total: Int
    /// Whether the pattern keeps every sample's own levels. The shard has them in any case, since the mean is taken over the samples of all shards.
    public var keepsSamples: Bool
    /// The number of layers, L.
    public var layers: Int
    /// The number of query heads in a layer, H.
    public var heads: Int
    /// The levels of the shard's samples under each score; there may be no sample.
    public var levels: [Score: SampleLevels]
    /// What else is kept of each of them.
    public var samples: ActivationPattern.Samples

    /// What a run found.
    public init(
      provenance: Provenance, identity: RunIdentity, places: Range<Int>, total: Int, keepsSamples: Bool, layers: Int, heads: Int,
      levels: [Score: SampleLevels], samples: ActivationPattern.Samples
    ) {
      (self.provenance, self.identity, self.places, self.total) = (provenance, identity, places, total)
      (self.keepsSamples, self.layers, self.heads) = (keepsSamples, layers, heads)
      (self.levels, self.samples) = (levels, samples)
    }
  }

  /// Writes this shard whole or not at all, with its samples' ids beside it where the pattern keeps samples.
  /// - Throws: `FileError`, `PatternError` where the samples' contents are not known.
  public func write(_ found: Contents, to url: URL) throws {
    var identity = found.identity
    identity[ShardFile.Key.perSample] = String(found.keepsSamples)
    guard let contents = found.samples.contents else {
      throw PatternError(problem: "a shard needs a fingerprint of each sample's texts", remedy: "give them with the samples")
    }
    let samples = try ActivationPattern.Samples(
      loss: found.samples.loss, index: found.samples.index, ids: found.keepsSamples && !contents.isEmpty ? found.samples.ids : nil,
      contents: contents)
    try PatternWriting(
      kind: [
        "headway.kind": ShardFile.kind, ShardFile.Key.shard: description, ShardFile.Key.begin: String(found.places.lowerBound),
        ShardFile.Key.end: String(found.places.upperBound), ShardFile.Key.total: String(found.total),
        ShardFile.Key.identity: String(decoding: try HeadwayJSON.encoder().encode(identity), as: UTF8.self),
      ],
      provenance: found.provenance, layers: found.layers, heads: found.heads, samples: samples, means: [],
      perSample: Score.allCases.compactMap { score in found.levels[score].map { (ShardFile.levels(score), $0) } }
    ).write(to: url)
  }
}
