import Ground
import CheckpointFiles
public import Foundation

/// The patterns of one probe set that a training run recorded on its way, `headway/patterns.safetensors` of its folder.
public struct PatternSeries: Sendable {
  /// The updates after which the probe set was measured, rising.
  public let steps: [Int]
  /// The mean magnitudes at each of these steps, [S] of [L, H].
  public let levels: [HeadMatrix]
  /// Their standard errors over the probe set's samples, [S] of [L, H]; nil where the run kept none.
  public let standardErrors: [HeadMatrix]?

  /// What a file of them says it holds.
  static let kind = "tracked patterns"

  /// The file of a training run's folder.
  public static func url(inFolder folder: URL) -> URL { folder.appending(path: "headway/patterns.safetensors") }

  /// Reads a run's file: `probe.steps` I64 [S], `probe.magnitude` [S, L, H] and, where it is there, `probe.standard_error`.
  /// - Throws: `FileError`, `CheckpointError` or `PatternError` naming the file and what is wrong with it.
  public init(from url: URL) throws { try self.init(reading: SafetensorsFile(at: url)) }

  /// Reads a file that holds a run's tracked patterns; nil for a safetensors file that holds something else.
  /// - Throws: as above.
  public init?(ifTrackedAt url: URL) throws {
    let file = try SafetensorsFile(at: url)
    guard file.metadata["headway.kind"] == Self.kind else { return nil }
    try self.init(reading: file)
  }

  /// Reads the probe set's patterns of a training run's folder; nil where none were tracked, or those of training windows alone.
  /// - Throws: as above.
  public init?(inFolder folder: URL) throws {
    let url = Self.url(inFolder: folder)
    guard FileManager.default.fileExists(atPath: url.path(percentEncoded: false)) else { return nil }
    let file = try SafetensorsFile(at: url)
    guard file["probe.steps"] != nil else { return nil }
    try self.init(reading: file)
  }

  init(reading file: SafetensorsFile) throws {
    guard file["probe.steps"] != nil, let entry = file["probe.magnitude"] else {
      throw PatternError(
        file.path, problem: "it holds patterns of training windows and none of a probe set",
        remedy: "train with \(setting: .track) to record one")
    }
    let steps = try file.int64s("probe.steps").map(Int.init)
    guard entry.shape.count == 3, entry.shape[0] == steps.count, zip(steps, steps.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw CheckpointError(
        path: file.path, tensor: entry.name, problem: "has the shape \(entry.shape), not [\(steps.count), layers, heads] at rising steps",
        remedy: "record it again")
    }
    func matrices(_ name: String) throws -> [HeadMatrix] {
      let (values, width) = (try file.doubles(name), entry.shape[1] * entry.shape[2])
      return try steps.indices.map { index in
        try HeadMatrix(layers: entry.shape[1], heads: entry.shape[2], values: Array(values[index * width..<(index + 1) * width]))
      }
    }
    do {
      levels = try matrices(entry.name)
      standardErrors = try file["probe.standard_error"].flatMap { $0.shape == entry.shape ? try matrices($0.name) : nil }
    } catch let error as PatternError {
      throw PatternError(file.path, problem: error.problem, remedy: error.remedy)
    }
    self.steps = steps
  }

  /// Each step's levels as a pattern.
  public func patterns() throws -> [(step: Int, pattern: ActivationPattern)] {
    try zip(steps, levels).map { ($0, try ActivationPattern(provenance: Provenance(), levels: [.magnitude: .init(mean: $1)])) }
  }
}

extension PatternFile {
  /// Reads every pattern at a place: the one of a pattern or change file, or one for each step of a training run's tracked patterns, where the
  /// place is their file or the run's folder.
  /// - Throws: `FileError`, `CheckpointError` or `PatternError` naming the file and what is wrong with it.
  public static func readAll(from url: URL) throws -> [(step: Int?, file: PatternFile)] {
    var url = url
    let path = url.path(percentEncoded: false)
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      url = PatternSeries.url(inFolder: url)
      guard FileManager.default.fileExists(atPath: url.path(percentEncoded: false)) else {
        throw PatternError(
          path, problem: "it is a folder without a training run's tracked patterns",
          remedy: "name a pattern file, or the folder of a run with \(setting: .track)")
      }
    }
    // The name of a pattern in shards may be no file's.
    if url.pathExtension.lowercased() == "safetensors", FileKind(of: url) != nil {
      let file = try SafetensorsFile(at: url)
      if file.metadata["headway.kind"] == PatternSeries.kind {
        return try PatternSeries(reading: file).patterns().map { ($0, .pattern($1)) }
      }
    }
    return [(nil, try read(from: url))]
  }
}
