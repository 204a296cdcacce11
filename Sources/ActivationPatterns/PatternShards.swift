import CheckpointFiles
import Foundation
import Ground

/// The shards of one pattern, found to belong together: what one run would have written into one file.
///
/// Each holds its samples' levels, from which the mean over all of them is taken as one run takes it, to the same bits.
struct PatternShards: Sendable {
  /// The pattern's own name, under which no file need lie.
  let pattern: URL
  /// Where the whole pattern came from.
  let provenance: Provenance
  /// The scores, in the order of `Score.allCases`.
  let scores: [Score]
  /// The number of layers, L.
  let layers: Int
  /// The number of query heads in a layer, H.
  let heads: Int
  /// Whether the pattern keeps every sample's own levels. The shards have them in any case.
  let keepsSamples: Bool
  private let files: [SafetensorsFile]

  /// Opens the shards that a place stands for (`find(at:)`); nil where it stands for none, and so for a file of its own.
  /// - Throws: `PatternError` where shards are missing, or not of one run, or two sets of them have the name; `FileError` and `CheckpointError` for a file
  ///   that cannot be read.
  init?(at url: URL) throws {
    guard let (pattern, shards) = try Self.find(at: url) else { return nil }
    let missing = shards.filter { FileKind(of: $0.url(of: pattern)) == nil }
    guard missing.isEmpty else { throw Self.missing(missing, of: pattern) }
    try self.init(pattern, shards.map { try ShardFile(at: $0.url(of: pattern), $0) })
  }

  private init(_ pattern: URL, _ parts: [ShardFile]) throws {
    guard let first = parts.first, let last = parts.last else {
      throw PatternError(problem: "there is nothing to join", remedy: "name at least one pattern")
    }
    for (before, part) in zip(parts, parts.dropFirst()) {
      if let difference = part.identity.difference(from: first.identity) {
        throw Self.unlike(first, part, "are of different runs (\(difference))", "measure all shards alike")
      }
      guard (part.layers, part.heads) == (first.layers, first.heads), part.scores == first.scores else {
        throw Self.unlike(first, part, "have other shapes or scores", "measure all shards alike")
      }
      guard before.places.upperBound == part.places.lowerBound, before.total == part.total else {
        throw Self.unlike(
          before, part,
          "do not follow each other (one ends before sample \(before.places.upperBound) of the data, the other begins at \(part.places.lowerBound))",
          "measure all shards on one kind of device, which decides the batches between which they are cut")
      }
    }
    guard first.places.lowerBound == 0, last.places.upperBound == last.total else {
      throw Self.unlike(first, last, "do not begin and end where the data does", "measure all shards again")
    }
    var provenance = first.provenance
    provenance.samples = parts.reduce(0) { $0 + $1.sampleCount }
    // What none of them knows stays unknown.
    func sum(_ path: KeyPath<Provenance, Int?>) -> Int? {
      let known = parts.compactMap { $0.provenance[keyPath: path] }
      return known.isEmpty ? nil : known.reduce(0, +)
    }
    (provenance.skipped, provenance.tokens) = (sum(\.skipped), sum(\.tokens))
    (self.pattern, self.provenance, files) = (pattern, provenance, parts.map(\.file))
    (scores, layers, heads, keepsSamples) = (first.scores, first.layers, first.heads, first.keepsSamples)
  }

  private static func unlike(_ one: ShardFile, _ other: ShardFile, _ problem: Message, _ remedy: Message) -> PatternError {
    PatternError(problem: "\(one.file.url.relativePath) and \(other.file.url.relativePath) \(problem)", remedy: remedy)
  }

  // MARK: Reading

  /// All samples' levels under a score in each file, F32 [n, L, H], where they lie.
  func stored(_ score: Score) throws -> [StoredTensor] {
    try files.map { $0.stored(try $0.tensor(named: ShardFile.levels(score))) }
  }

  /// All samples' levels under a score, where they lie.
  func levels(_ score: Score) throws -> SampleLevels {
    try SampleLevels(
      joining: files.map { try SampleLevels($0.tensor(named: ShardFile.levels(score)), in: $0, layers: layers, heads: heads) },
      entryCount: layers * heads)
  }

  /// The mean over all samples under a score, rounded as a file has it.
  func mean(_ score: Score) throws -> HeadMatrix {
    guard let mean = try levels(score).mean() else {
      throw PatternError(pattern.relativePath, problem: "its shards hold no sample", remedy: "give data whose samples have labels")
    }
    return try HeadMatrix(layers: layers, heads: heads, values: mean.map { Float($0) })
  }

  /// Each sample's position in the data, [N].
  func index() throws -> [Int64] { try files.flatMap { try $0.int64s("index") } }

  /// A fingerprint of each sample's texts, [N].
  func contents() throws -> [UInt64] { try files.flatMap { try $0.int64s("content").map { UInt64(bitPattern: $0) } } }

  /// Each sample's loss, [N].
  func losses() throws -> [Float] { try files.flatMap { try $0.floats("loss") } }

  /// The whole pattern.
  func read() throws -> ActivationPattern {
    let levels = try scores.reduce(into: [Score: ActivationPattern.Levels]()) { all, score in
      let mean = try mean(score)
      all[score] = keepsSamples ? .init(mean: mean, samples: try self.levels(score)) : .init(mean: mean)
    }
    return try ActivationPattern(provenance: provenance, levels: levels, samples: keepsSamples ? samples() : nil)
  }

  private func samples() throws -> ActivationPattern.Samples {
    // A shard without samples has no ids and needs none.
    let ids = try files.filter { $0["index"]?.shape != [0] }.map { try SampleIdentifiers.read(of: $0) }
    return try ActivationPattern.Samples(
      loss: losses(), index: index(), ids: ids.contains { $0 == nil } ? nil : ids.flatMap { $0 ?? [] }, contents: contents())
  }
}
