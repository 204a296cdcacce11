public import CheckpointFiles
public import Foundation
import Ground

/// A pattern file's samples as they lie in it. Levels are not read, and ids not looked for, so that a file of a million samples opens at once and takes
/// no more memory than their positions.
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
  private let file: SafetensorsFile

  /// The file.
  public var url: URL { file.url }

  /// Opens a pattern file.
  /// - Throws: `FileError`, `CheckpointError` or `PatternError` naming the file and what is wrong with it.
  public init(at url: URL) throws {
    let file = try SafetensorsFile(at: url)
    func wrong(_ problem: Message, _ remedy: Message) -> PatternError { PatternError(file.path, problem: problem, remedy: remedy) }
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
    if let index, index.contains(where: { $0 < 0 }) || zip(index, index.dropFirst()).contains(where: { $0 >= $1 }) {
      throw wrong("its samples' positions in the data do not rise", "measure it again")
    }
    contents = file["content"] == nil ? nil : try file.int64s("content").map { UInt64(bitPattern: $0) }
    if let contents, contents.count != index?.count {
      throw wrong("it has \(contents.count) fingerprints of texts for \(index?.count ?? 0) samples", "write it again")
    }
    provenance = try Provenance(kept: file)
    scores = means.map(\.score)
    (self.layers, self.heads, self.index, self.file) = (layers, heads, index, file)
  }

  /// The mean over samples under a score, [L · H].
  /// - Throws: `PatternError` where the file does not have the score or a level is not finite.
  public func mean(_ score: Score) throws -> [Double] {
    try HeadMatrix(layers: layers, heads: heads, values: file.doubles(require(score, "\(score).mean").name)).values
  }

  /// Every sample's levels under a score, F32 [N, L, H], where they lie. Nothing says that they are finite: who reads them looks.
  /// - Throws: `PatternError` where the file does not keep them, `CheckpointError` where they have another form.
  public func levels(_ score: Score) throws -> StoredTensor {
    let entry = try require(score, "\(score).samples")
    guard let index, entry.elementType == .float32, entry.shape == [index.count, layers, heads] else {
      throw CheckpointError(
        path: file.path, tensor: entry.name,
        problem:
          "is \(entry.elementType.safetensorsName) \(entry.shape), not F32 \([index?.count ?? 0, layers, heads]) as its samples' positions have it",
        remedy: "write it again")
    }
    return file.stored(entry)
  }

  /// Every sample's loss, [N].
  /// - Throws: `PatternError` where the file does not keep them, `CheckpointError` where they have another form.
  public func losses() throws -> [Float] {
    guard let index, file["loss"] != nil else { throw keepsNone() }
    let losses = try file.floats("loss")
    guard losses.count == index.count else {
      throw PatternError(file.path, problem: "it has \(losses.count) losses for \(index.count) samples", remedy: "write it again")
    }
    return losses
  }

  private func keepsNone() -> PatternError {
    PatternError(file.path, problem: "it keeps no samples", remedy: "measure it with \(setting: .perSample)")
  }

  private func require(_ score: Score, _ name: String) throws -> TensorEntry {
    guard scores.contains(score) else {
      throw PatternError(
        file.path, problem: "it has no score \(score) but \(scores.map(\.rawValue).joined(separator: ", "))",
        remedy: "choose another \(setting: .score), or measure again with this one")
    }
    guard let entry = file[name] else { throw keepsNone() }
    return entry
  }
}
