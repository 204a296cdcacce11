import Ground
public import Foundation
import Torch

/// The output folder of a run: the model on top, everything about the run in `headway/`.
public struct TrainingFolder: Sendable, Hashable {
  /// The folder that transformers loads.
  public let url: URL

  /// The folder at this place, which need not exist yet.
  public init(_ url: URL) { self.url = url }

  /// `headway/`.
  public var records: URL { url.appending(path: "headway", directoryHint: .isDirectory) }
  /// `headway/metrics.jsonl`.
  public var metrics: URL { records.appending(path: "metrics.jsonl") }
  /// `headway/settings.json`.
  public var settings: URL { records.appending(path: "settings.json") }
  /// `headway/patterns.safetensors`.
  public var patterns: URL { records.appending(path: "patterns.safetensors") }
  /// `headway/tensorboard/`, with the event files.
  public var curves: URL { records.appending(path: "tensorboard", directoryHint: .isDirectory) }
  /// `headway/checkpoints/`.
  public var checkpoints: URL { records.appending(path: "checkpoints", directoryHint: .isDirectory) }
  /// `headway/summary.json`, there once the run is done.
  public var summary: URL { records.appending(path: "summary.json") }

  /// The checkpoint after so many updates.
  public func checkpoint(_ step: Int) -> URL { checkpoints.appending(path: "step-\(step)", directoryHint: .isDirectory) }
  /// The checkpoint of the best evaluation, which was after so many updates.
  public func best(_ step: Int) -> URL { checkpoints.appending(path: "best-\(step)", directoryHint: .isDirectory) }

  /// Makes the folders.
  public func make() throws {
    do {
      try FileManager.default.createDirectory(at: checkpoints, withIntermediateDirectories: true)
    } catch {
      throw TrainingError(
        "cannot make the folder \(checkpoints.path(percentEncoded: false)): \(error.localizedDescription); choose another \(setting: .output), or change its permissions"
      )
    }
  }

  /// Whole checkpoints by their step, the latest first.
  public func savedSteps() -> [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpoints.path(percentEncoded: false))) ?? []
    return names.compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.sorted(by: >)
  }

  /// Deletes all checkpoints but the latest `count` and the best, and what killed runs left half-written.
  func prune(keeping count: Int, best bestStep: Int?) {
    for step in savedSteps().dropFirst(max(1, count)) { try? FileManager.default.removeItem(at: checkpoint(step)) }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpoints.path(percentEncoded: false))) ?? []
    for name in names where name.hasPrefix(".") || (name.hasPrefix("best-") && name != bestStep.map { "best-\($0)" }) {
      try? FileManager.default.removeItem(at: checkpoints.appending(path: name))
    }
  }

  /// Deletes every checkpoint of an earlier run, and its records.
  public func clear() {
    for url in [checkpoints, curves, metrics, settings, patterns, summary] { try? FileManager.default.removeItem(at: url) }
  }

  /// Fills a folder under a temporary name and renames it to `destination`, whole or not at all; one that is there already is left as it is.
  static func create(_ destination: URL, _ fill: (URL) throws -> Void) throws {
    let manager = FileManager.default
    guard !manager.fileExists(atPath: destination.path(percentEncoded: false)) else { return }
    let parent = destination.deletingLastPathComponent()
    let temporary = parent.appending(path: ".\(destination.lastPathComponent).\(ProcessInfo.processInfo.processIdentifier).part")
    do {
      try? manager.removeItem(at: temporary)
      try manager.createDirectory(at: temporary, withIntermediateDirectories: true)
      try fill(temporary)
      try manager.moveItem(at: temporary, to: destination)
      AtomicFile.flush(folder: parent.path(percentEncoded: false))
    } catch {
      try? manager.removeItem(at: temporary)
      // A file's error has a remedy of its own, which does not fit here.
      let reason = (error as? FileError)?.reason ?? error.localizedDescription
      throw TrainingError(
        "cannot write \(destination.path(percentEncoded: false)): \(reason); earlier checkpoints are untouched: make room on the disk and go on with \(setting: .resume)"
      )
    }
  }
}
