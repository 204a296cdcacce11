public import Foundation
public import Ground

/// The output folder of a run: the model on top, everything about the run in `headway/`.
public struct TrainingFolder: Sendable, Hashable {
  /// A picture of a run's curves.
  public enum Picture: String, Sendable, CaseIterable {
    case loss, correlation, mse, gini
  }

  /// The folder that transformers loads.
  public let url: URL

  /// The folder at this place, which need not exist yet.
  public init(_ url: URL) { self.url = url }

  /// The folder as an output, which knows the files of the model in it that Headway wrote.
  public var output: OutputFolder { OutputFolder(url) }
  /// `headway/`.
  public var records: URL { output.records }
  /// `headway/metrics.jsonl`.
  public var metrics: URL { records.appending(path: "metrics.jsonl") }
  /// `headway/patterns.safetensors`.
  public var patterns: URL { records.appending(path: "patterns.safetensors") }
  /// `headway/tensorboard/`, with the event files.
  public var curves: URL { records.appending(path: "tensorboard", directoryHint: .isDirectory) }
  /// `headway/checkpoints/`.
  public var checkpoints: URL { records.appending(path: "checkpoints", directoryHint: .isDirectory) }
  /// `headway/summary.json`, there once the run is done.
  public var summary: URL { records.appending(path: "summary.json") }
  /// `headway/run.yaml`, the run's record, there from its beginning.
  public var record: URL { records.appending(path: "run.yaml") }
  /// `headway/loss.svg` and its like.
  public func picture(_ picture: Picture) -> URL { records.appending(path: "\(picture).svg") }

  /// The checkpoint after this many updates.
  public func checkpoint(_ step: Int) -> URL { checkpoints.appending(path: "step-\(step)", directoryHint: .isDirectory) }
  /// The checkpoint of the best evaluation, which was after this many updates.
  public func best(_ step: Int) -> URL { checkpoints.appending(path: "best-\(step)", directoryHint: .isDirectory) }

  /// `headway/settings.json`, which earlier versions kept in place of the record.
  public var earlierSettings: URL { records.appending(path: "settings.json") }

  /// Whether a run was started here that ended before it had written anything of a model.
  public var holdsBeginning: Bool { output.isUsed && output.own.isEmpty }

  /// Refuses to continue a run under another identity. How long it is and how its rate runs may differ: what of that is sound, the trainer
  /// knows, which finds how far the run is.
  /// - Throws: `TrainingError`, which names what differs.
  public func requireSameRun(_ identity: RunIdentity, as earlier: RunIdentity) throws {
    guard let difference = identity.withoutSchedule.difference(from: earlier.withoutSchedule) else { return }
    throw TrainingError(
      "the run in \(url.path(percentEncoded: false)) was started differently (\(difference)); resume it with the same settings, or choose another \(setting: .output)"
    )
  }

  /// Makes the folders, and deletes what killed runs left half-written in them.
  /// - Throws: `FileError`.
  public func make() throws {
    try output.make()
    try Folders.make(checkpoints)
    removeLeftovers()
  }

  private func removeLeftovers() { for folder in [url, records, checkpoints] { Leftovers.remove(from: folder) } }

  /// Whole checkpoints by their step, the latest first.
  public func savedSteps() -> [Int] { saved("step").sorted(by: >) }

  /// Deletes all checkpoints but the latest `count` and the best, and what killed runs left half-written. Nothing but a run's own checkpoints
  /// is touched, and nothing that lies elsewhere: where the folder of checkpoints is a link, or a checkpoint in it is, that stays.
  func prune(keeping count: Int, best bestStep: Int?) {
    for step in savedSteps().dropFirst(max(1, count)) { remove(checkpoint(step)) }
    for step in saved("best") where step != bestStep { remove(best(step)) }
    Leftovers.remove(from: checkpoints)
  }

  /// Deletes all checkpoints, of a run that nobody goes on with, and what killed runs left half-written.
  public func removeCheckpoints() {
    for step in saved("step") { remove(checkpoint(step)) }
    for step in saved("best") { remove(best(step)) }
    removeLeftovers()
  }

  /// Deletes the model and the records of an earlier run, and nothing that Headway did not write.
  /// - Throws: `FileError`.
  public func clear() throws {
    try output.removeOwn()
    clearRecords()
  }

  /// Deletes the checkpoints and records of an earlier run, and nothing that Headway did not write.
  public func clearRecords() {
    removeCheckpoints()
    let events = (try? FileManager.default.contentsOfDirectory(atPath: curves.path(percentEncoded: false))) ?? []
    if FileKind(of: curves) == .folder {
      for name in events where name.hasPrefix("events.out.tfevents.") { unlink(curves.appending(path: name).path(percentEncoded: false)) }
    }
    // The record goes last: what is killed before has still an earlier run to tell of.
    for file in [metrics, patterns, summary] + Picture.allCases.map(picture) + [earlierSettings, record] {
      unlink(file.path(percentEncoded: false))
    }
    for folder in [curves, checkpoints] where FileKind(of: folder) == .folder { rmdir(folder.path(percentEncoded: false)) }
  }

  /// The steps of checkpoints of this kind, in names as this type gives them.
  private func saved(_ kind: String) -> [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpoints.path(percentEncoded: false))) ?? []
    return names.compactMap { name in
      guard name.hasPrefix("\(kind)-"), let step = Int(name.dropFirst(kind.count + 1)), name == "\(kind)-\(step)" else { return nil }
      return step
    }
  }

  /// Deletes a checkpoint: a folder with a run's state, inside this very folder.
  private func remove(_ checkpoint: URL) {
    guard FileKind(of: records) == .folder, FileKind(of: checkpoints) == .folder, FileKind(of: checkpoint) == .folder,
      FileManager.default.fileExists(atPath: TrainingCheckpoint.state(in: checkpoint).path(percentEncoded: false))
    else { return }
    AtomicFolder.remove(checkpoint)
  }
}
