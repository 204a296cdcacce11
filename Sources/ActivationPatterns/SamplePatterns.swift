public import CheckpointFiles
public import Foundation
import Ground

/// A pattern's samples as they lie in its file, or in its shards. Levels are not read, and ids not looked for, so that a file of a million samples
/// opens at once and takes no more memory than their positions.
public struct SamplePatterns: Sendable {
  /// Where the pattern came from.
  public let provenance: Provenance
  /// The number of layers, L.
  public let layers: Int
  /// The number of query heads in a layer, H.
  public let heads: Int
  /// The scores that the file has, in the order of `Score.allCases`.
  public let scores: [Score]
  /// Each sample's position in the data, counted from 0, [N]; nil where the file keeps no samples.
  public let index: [Int64]?
  /// A fingerprint of each sample's texts, [N]; nil where it was not recorded.
  public let contents: [UInt64]?
  /// The file, as it was named.
  public let url: URL
  private let source: Source

  private enum Source {
    case file(SafetensorsFile)
    case shards(PatternShards)
  }

  /// Opens a pattern file, or all shards of a pattern where one of them is named, or the pattern's own name and no file has it.
  /// - Throws: `FileError`, `CheckpointError` or `PatternError` naming the file and what is wrong with it.
  public init(at url: URL) throws {
    if let shards = try PatternShards(at: url) {
      try self.init(shards, at: url)
    } else {
      try self.init(reading: SafetensorsFile(at: url))
    }
  }

  /// Whether a place is a pattern's, or its shards', and not that of another safetensors file.
  /// - Throws: as `init(at:)`.
  public static func isPattern(at url: URL) throws -> Bool {
    if try PatternShards.find(at: url) != nil { return true }
    return try ["pattern", ShardFile.kind].contains(SafetensorsFile(at: url).metadata["headway.kind"])
  }

  private init(_ shards: PatternShards, at url: URL) throws {
    (self.url, source) = (url, .shards(shards))
    (provenance, layers, heads, scores) = (shards.provenance, shards.layers, shards.heads, shards.scores)
    // As in the file of one run: without `per_sample` it keeps none.
    index = shards.keepsSamples ? try shards.index() : nil
    contents = shards.keepsSamples ? try shards.contents() : nil
    try Self.requireRising(index, shards.pattern.path(percentEncoded: false))
  }

  private init(reading file: SafetensorsFile) throws {
    func wrong(_ problem: Message, _ remedy: Message) -> PatternError { PatternError(file.path, problem: problem, remedy: remedy) }
    if file.metadata["headway.kind"] == ShardFile.kind { throw wrong(ShardFile.isMisnamed.problem, ShardFile.isMisnamed.remedy) }
    guard file.metadata["headway.kind"] == "pattern" else {
      let what: Message =
        file.metadata["headway.kind"].map { "it holds a \($0), not a pattern" } ?? "it is a safetensors file but not a pattern"
      throw wrong(what, "give a pattern")
    }
    let means = Score.allCases.compactMap { score in file["\(score).mean"].map { (score: score, entry: $0) } }
    guard let first = means.first, first.entry.shape.count == 2, first.entry.elementCount > 0 else {
      throw wrong("it has no score's mean, [layers, heads]", "write it again")
    }
    let (layers, heads) = (first.entry.shape[0], first.entry.shape[1])
    if let other = means.first(where: { $0.entry.shape != [layers, heads] }) {
      throw wrong("its score \(other.score) has the shape \(other.entry.shape), not \([layers, heads])", "write it again")
    }
    let index = file["index"] == nil ? nil : try file.int64s("index")
    try Self.requireRising(index, file.path)
    contents = file["content"] == nil ? nil : try file.int64s("content").map { UInt64(bitPattern: $0) }
    if let contents, contents.count != index?.count {
      throw wrong("it has \(contents.count) fingerprints of texts for \(index?.count ?? 0) samples", "write it again")
    }
    provenance = try Provenance(kept: file)
    scores = means.map(\.score)
    (self.layers, self.heads, self.index, url, source) = (layers, heads, index, file.url, .file(file))
  }

  private static func requireRising(_ index: [Int64]?, _ path: String) throws {
    guard let index, index.contains(where: { $0 < 0 }) || zip(index, index.dropFirst()).contains(where: { $0 >= $1 }) else { return }
    throw PatternError(path, problem: "its samples' positions in the data do not rise", remedy: "measure it again")
  }

  /// The mean over samples under a score, [L · H].
  /// - Throws: `PatternError` where the file does not have the score or a level is not finite.
  public func mean(_ score: Score) throws -> [Double] {
    try require(score)
    switch source {
    case .file(let file): return try HeadMatrix(layers: layers, heads: heads, values: file.doubles("\(score).mean")).values
    case .shards(let shards): return try shards.mean(score).values
    }
  }

  /// Every sample's levels under a score, F32 [n, L, H] in one file or in several, one after another, where they lie. Nothing says that they are finite:
  /// who reads them looks.
  /// - Throws: `PatternError` where the file does not keep them, `CheckpointError` where they have another form.
  public func levels(_ score: Score) throws -> [StoredTensor] {
    try require(score)
    guard let index else { throw keepsNone() }
    let file: SafetensorsFile
    switch source {
    case .shards(let shards): return try shards.stored(score)
    case .file(let one): file = one
    }
    guard let entry = file["\(score).samples"] else { throw keepsNone() }
    guard entry.elementType == .float32, entry.shape == [index.count, layers, heads] else {
      throw CheckpointError(
        path: file.path, tensor: entry.name,
        problem:
          "is \(entry.elementType.safetensorsName) \(entry.shape), not F32 \([index.count, layers, heads]) as its samples' positions have it",
        remedy: "write it again")
    }
    return [file.stored(entry)]
  }

  /// Every sample's loss, [N].
  /// - Throws: `PatternError` where the file does not keep them, `CheckpointError` where they have another form.
  public func losses() throws -> [Float] {
    guard let index else { throw keepsNone() }
    let losses: [Float]
    switch source {
    case .file(let file):
      guard file["loss"] != nil else { throw keepsNone() }
      losses = try file.floats("loss")
    case .shards(let shards): losses = try shards.losses()
    }
    guard losses.count == index.count else {
      throw PatternError(path, problem: "it has \(losses.count) losses for \(index.count) samples", remedy: "write it again")
    }
    return losses
  }

  private func keepsNone() -> PatternError {
    PatternError(path, problem: "it keeps no samples", remedy: "measure it with \(setting: .perSample)")
  }

  private var path: String { url.path(percentEncoded: false) }

  private func require(_ score: Score) throws {
    guard scores.contains(score) else {
      throw PatternError(
        path, problem: "it has no score \(score) but \(scores.map(\.rawValue).joined(separator: ", "))",
        remedy: "choose another \(setting: .score), or measure again with this one")
    }
  }
}
