import Ground
import CheckpointFiles
public import Foundation
import Ground
import Torch

/// What a pattern or change file holds.
public enum PatternFile: Sendable {
  case pattern(ActivationPattern)
  case change(PatternChange)

  /// Reads a `.safetensors` pattern or change, or the mean that `.npy` holds (the released script's score, magnitude). The shards of a pattern are read
  /// together where one of them is named, or the pattern's own name and no file has it.
  /// - Throws: `FileError`, `CheckpointError` or `PatternError` naming the file and what is wrong with it.
  public static func read(from url: URL) throws -> PatternFile {
    let path = url.path(percentEncoded: false)
    switch url.pathExtension.lowercased() {
    case "npy": return .pattern(try NumpyFile.pattern(from: url))
    case "npz":
      throw PatternError(path, problem: ".npz is written for other programs and not read back", remedy: "give the .safetensors file")
    default: break
    }
    if let shards = try PatternShards(at: url) { return .pattern(try shards.read()) }
    let file = try SafetensorsFile(at: url)
    do {
      switch file.metadata["headway.kind"] {
      case "pattern": return .pattern(try ActivationPattern(reading: file))
      case "change": return .change(try PatternChange(reading: file))
      case PatternSeries.kind:
        throw PatternError(
          problem: "it holds the patterns of a training run's steps, not one pattern",
          remedy: "give a pattern or a change")
      case ShardFile.kind: throw ShardFile.isMisnamed
      case let kind:
        throw PatternError(
          problem: kind.map { "it holds \($0.debugDescription), not a pattern" } ?? "it is a safetensors file but not a pattern",
          remedy: "give a pattern or a change")
      }
    } catch let error as PatternError where error.subject == nil {
      throw PatternError(path, problem: error.problem, remedy: error.remedy)
    }
  }

  /// The levels or the change under a score; nil where the file does not have it.
  public func matrix(_ score: Score) -> HeadMatrix? {
    switch self {
    case .pattern(let pattern): pattern.levels[score]?.mean
    case .change(let change): change.levels[score]?.change
    }
  }

  /// The scores the file has, in the order of `Score.allCases`.
  public var scores: [Score] {
    switch self {
    case .pattern(let pattern): pattern.scores
    case .change(let change): change.scores
    }
  }

  /// Where it came from.
  public var provenance: Provenance {
    switch self {
    case .pattern(let pattern): pattern.provenance
    case .change(let change): change.provenance
    }
  }

  /// The number of layers, L.
  public var layers: Int {
    switch self {
    case .pattern(let pattern): pattern.layers
    case .change(let change): change.layers
    }
  }

  /// The number of query heads in a layer, H.
  public var heads: Int {
    switch self {
    case .pattern(let pattern): pattern.heads
    case .change(let change): change.heads
    }
  }

  /// `pattern`, `change` or `relative change`.
  public var kind: String {
    switch self {
    case .pattern: "pattern"
    case .change(let change): change.isRelative ? "relative change" : "change"
    }
  }
}

extension ActivationPattern {
  /// Reads a pattern file, `.safetensors` or `.npy`.
  /// - Throws: `FileError`, `CheckpointError` or `PatternError` naming the file and what is wrong with it.
  public static func read(from url: URL) throws -> ActivationPattern {
    guard case .pattern(let pattern) = try PatternFile.read(from: url) else {
      throw PatternError(
        url.path(percentEncoded: false), problem: "it holds a change, not a pattern", remedy: "give a pattern")
    }
    return pattern
  }

  /// Writes the pattern whole or not at all: `.npy` the mean of its one score, `.npz` everything for numpy, any other name
  /// safetensors; where ids were kept, `NAME.ids.jsonl` beside it.
  /// - Throws: `FileError` where it cannot be written, `PatternError` where `.npy` is asked for and there are several scores.
  public func write(to url: URL) throws {
    try PatternWriting(
      kind: ["headway.kind": "pattern"], provenance: provenance, layers: layers, heads: heads, samples: samples,
      means: scores.compactMap { score in levels[score].map { (score, $0.mean) } },
      perSample: scores.compactMap { score in levels[score]?.samples.map { ("\(score).samples", $0) } }
    ).write(to: url)
  }

  init(reading file: SafetensorsFile) throws {
    var levels: [Score: Levels] = [:]
    for score in Score.allCases {
      guard let mean = try HeadMatrix(score, in: file, mayBeUndefined: false) else { continue }
      guard let entry = file["\(score).samples"] else {
        levels[score] = Levels(mean: mean)
        continue
      }
      levels[score] = Levels(mean: mean, samples: try SampleLevels(entry, in: file, layers: mean.layers, heads: mean.heads))
    }
    try self.init(
      provenance: Provenance(kept: file), levels: levels, samples: try Samples(reading: file))
  }
}

extension PatternChange {
  /// Reads a change file.
  /// - Throws: `FileError`, `CheckpointError` or `PatternError` naming the file and what is wrong with it.
  public static func read(from url: URL) throws -> PatternChange {
    guard case .change(let change) = try PatternFile.read(from: url) else {
      throw PatternError(
        url.path(percentEncoded: false), problem: "it holds a pattern, not a change", remedy: "give a change")
    }
    return change
  }

  /// Writes the change whole or not at all, in the forms of `ActivationPattern.write(to:)`.
  /// - Throws: `FileError` where it cannot be written, `PatternError` where `.npy` is asked for and there are several scores.
  public func write(to url: URL) throws {
    try PatternWriting(
      kind: ["headway.kind": "change", "before": before, "after": after, "relative": isRelative ? "true" : "false"],
      provenance: provenance, layers: layers, heads: heads, samples: samples,
      means: scores.compactMap { score in levels[score].map { (score, $0.change) } },
      perSample: scores.flatMap { score in
        [("\(score).before.samples", levels[score]?.before), ("\(score).after.samples", levels[score]?.after)]
          .compactMap { name, samples in samples.map { (name, $0) } }
      }
    ).write(to: url)
  }

  init(reading file: SafetensorsFile) throws {
    let isRelative: Bool
    switch file.metadata["relative"] {
    case "true": isRelative = true
    case "false": isRelative = false
    default: throw PatternError(problem: "its metadata \"relative\" is neither true nor false", remedy: "write it again")
    }
    var levels: [Score: Levels] = [:]
    for score in Score.allCases {
      guard let change = try HeadMatrix(score, in: file, mayBeUndefined: isRelative) else { continue }
      func samples(_ side: String) throws -> SampleLevels? {
        try file["\(score).\(side).samples"].map { try SampleLevels($0, in: file, layers: change.layers, heads: change.heads) }
      }
      let (before, after) = (try samples("before"), try samples("after"))
      guard before?.sampleCount == after?.sampleCount else {
        throw PatternError(problem: "the score \(score) has unequally many samples before and after", remedy: "write it again")
      }
      levels[score] = Levels(change: change, before: before, after: after)
    }
    let samples = try ActivationPattern.Samples(reading: file)
    if let samples, let level = levels.first(where: { $0.value.before.map { $0.sampleCount != samples.loss.count } ?? false }) {
      throw PatternError(
        problem: "the score \(level.key) has \(level.value.before?.sampleCount ?? 0) samples but there are \(samples.loss.count) losses",
        remedy: "write it again")
    }
    try self.init(
      provenance: Provenance(kept: file), before: file.metadata["before"] ?? "", after: file.metadata["after"] ?? "",
      isRelative: isRelative, levels: levels, samples: samples)
  }
}

/// A pattern, a shard of one or a change on its way to a file.
struct PatternWriting {
  var kind: [String: String]
  var provenance: Provenance
  var layers: Int
  var heads: Int
  var samples: ActivationPattern.Samples?
  var means: [(score: Score, matrix: HeadMatrix)]
  var perSample: [(name: String, levels: SampleLevels)]

  func write(to url: URL) throws {
    var metadata = provenance.metadata.merging(kind) { _, kind in kind }
    let idsURL = SampleIdentifiers.url(beside: url)
    let ids = perSample.isEmpty ? nil : samples?.ids
    let hasOtherIds =
      FileManager.default.fileExists(atPath: idsURL.path(percentEncoded: false)) && !OutputKind.identifiers(of: url).isOwn(idsURL)
    if let ids, hasOtherIds, (try? SampleIdentifiers.read(from: idsURL)) != ids {
      throw PatternError(
        idsURL.path(percentEncoded: false), problem: "the ids of the pattern's samples belong there, but this file is another's",
        remedy: "move it away, or choose another name for the pattern")
    }
    if let ids, let index = samples?.index {
      metadata["ids_fingerprint"] = SampleIdentifiers.fingerprint(ids)
      try SampleIdentifiers.write(ids, index: index, to: idsURL)
    }
    switch url.pathExtension.lowercased() {
    case "npy":
      guard means.count == 1, let only = means.first else {
        throw PatternError(
          url.path(percentEncoded: false), problem: ".npy holds one score and there are \(means.count)",
          remedy: "ask for one score, or name the file .npz or .safetensors")
      }
      try NumpyFile.write(mean: only.matrix, to: url)
    case "npz":
      try NumpyFile.write(
        means: means.map { ("\($0.score).mean", $0.matrix) }, perSample: perSample, layers: layers, heads: heads, samples: samples,
        metadata: metadata, to: url)
    default:
      var sources = means.map { score, matrix in
        SafetensorsWriter.Source(name: "\(score).mean", shape: [layers, heads], floats: matrix.values.map { Float($0) })
      }
      sources += perSample.map { name, levels in
        SafetensorsWriter.Source(
          name: name, elementType: .float32, shape: [levels.sampleCount, layers, heads], supply: levels.write(to:))
      }
      if !perSample.isEmpty, let samples {
        sources.append(.init(name: "loss", shape: [samples.loss.count], floats: samples.loss))
        sources.append(.init(name: "index", shape: [samples.index.count], int64s: samples.index))
        if let contents = samples.contents {
          sources.append(.init(name: "content", shape: [contents.count], int64s: contents.map { Int64(bitPattern: $0) }))
        }
      }
      try SafetensorsWriter.write(sources, metadata: metadata, to: url)
    }
    // What an earlier pattern of this name left is not this one's.
    if ids == nil, !hasOtherIds { try? FileManager.default.removeItem(at: idsURL) }
  }
}

extension Provenance {
  /// The file's provenance without what the file's own form adds.
  init(kept file: SafetensorsFile) throws {
    try self.init(
      metadata: file.metadata.filter { key, _ in
        !["headway.kind", "before", "after", "relative", "ids_fingerprint"].contains(key) && !ShardFile.Key.all.contains(key)
      }, path: file.path)
  }
}

extension HeadMatrix {
  /// `SCORE.mean` of a file; nil where it has none.
  fileprivate init?(_ score: Score, in file: SafetensorsFile, mayBeUndefined: Bool) throws {
    guard let entry = file["\(score).mean"] else { return nil }
    guard entry.shape.count == 2 else {
      throw CheckpointError(
        path: file.path, tensor: entry.name, problem: "has the shape \(entry.shape), not [layers, heads]", remedy: "write it again")
    }
    try self.init(
      layers: entry.shape[0], heads: entry.shape[1], values: try file.doubles(entry.name), mayBeUndefined: mayBeUndefined)
  }
}

extension ActivationPattern.Samples {
  /// What a file keeps of each sample, with the ids beside it; nil where it keeps none.
  fileprivate init?(reading file: SafetensorsFile) throws {
    guard file["loss"] != nil, file["index"] != nil else { return nil }
    let contents = file["content"] == nil ? nil : try file.int64s("content").map { UInt64(bitPattern: $0) }
    try self.init(
      loss: try file.floats("loss"), index: try file.int64s("index"), ids: try SampleIdentifiers.read(of: file), contents: contents)
  }
}
