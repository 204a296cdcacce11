import FineTuning
import Foundation
import Ground
import Runs

/// What is recorded of a step in its folder: `step.json` once it is done, `begun.json` while it is under way.
struct StepRecord: Codable, Sendable {
  /// The fingerprint that the plan gave it.
  var fingerprint: String
  /// The run's name.
  var kind: String
  /// Its settings as they were hashed.
  var settings: String
  /// Why it could not be done, where the study goes on without it.
  var failure: String?
  /// Seconds it took, its earlier parts left out.
  var seconds: Double?
  /// Whether the weights that it trained were given back.
  var isReleased: Bool?

  enum CodingKeys: String, CodingKey {
    case fingerprint, kind, settings, failure, seconds
    case isReleased = "released"
  }
}

/// The steps of a study on disk.
struct StepStore: Sendable {
  let plan: StudyPlan

  private func record(_ step: StudyStep) -> URL { plan.folder(of: step.name).appending(path: "step.json") }
  private func beginning(_ step: StudyStep) -> URL { plan.folder(of: step.name).appending(path: "begun.json") }
  private func result(_ name: String) -> URL { plan.folder(of: name).appending(path: "result.json") }

  private static func read(_ url: URL) -> StepRecord? {
    (try? Data(contentsOf: url)).flatMap { try? JSONDecoder().decode(StepRecord.self, from: $0) }
  }

  /// The record of a step that was done as the plan has it; nil where it is still to be done.
  func done(_ step: StudyStep) -> StepRecord? {
    guard let record = Self.read(record(step)), record.fingerprint == step.fingerprint, record.kind == step.kind else { return nil }
    return record
  }

  /// Why a step could not be done; nil where it was, or was not tried.
  func failure(_ name: String) -> String? { plan.step(name).flatMap { done($0)?.failure } }

  /// Makes a step's folder ready.
  /// - Returns: whether the step was begun earlier, just as it is planned, and can be gone on with.
  func begin(_ step: StudyStep) throws -> Bool {
    let folder = plan.folder(of: step.name)
    Leftovers.remove(from: folder)
    if let earlier = Self.read(beginning(step)), earlier.fingerprint == step.fingerprint, Self.read(record(step)) == nil { return true }
    try clear(step)
    try Folders.make(folder)
    let record = StepRecord(fingerprint: step.fingerprint, kind: step.kind, settings: try step.canonical(in: plan.folder))
    try AtomicFile.write(HeadwayJSON.document(record, isIndented: true), to: beginning(step))
    return false
  }

  /// Records that a step is done.
  func finish(_ step: StudyStep, result: Data?, failure: String?, seconds: Double) throws {
    if let result { try AtomicFile.write(result, to: self.result(step.name)) }
    var record = StepRecord(fingerprint: step.fingerprint, kind: step.kind, settings: try step.canonical(in: plan.folder))
    record.failure = failure
    record.seconds = seconds
    try AtomicFile.write(HeadwayJSON.document(record, isIndented: true), to: self.record(step))
    unlink(beginning(step).path(percentEncoded: false))
  }

  /// Deletes what a killed study left of a step that is done.
  func tidy(_ step: StudyStep) {
    Leftovers.remove(from: plan.folder(of: step.name))
    unlink(beginning(step).path(percentEncoded: false))
  }

  /// Deletes what an earlier form of a step left in its folder; folders of steps inside it stay.
  private func clear(_ step: StudyStep) throws {
    let folder = plan.folder(of: step.name)
    // The records go last, so that what is killed here is known for what it was.
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))) ?? []).sorted {
      ($0.hasSuffix(".json") ? 1 : 0, $0) < ($1.hasSuffix(".json") ? 1 : 0, $1)
    }
    for name in names {
      let place = folder.appending(path: name)
      let isFolder = FileKind(of: place) == .folder
      if isFolder, name != "model" { continue }
      do { try FileManager.default.removeItem(at: place) } catch {
        throw RunError("\(place.path(percentEncoded: false)) cannot be deleted, which an earlier run of the study left; delete it by hand")
      }
    }
  }

  /// Gives back the weights that a step trained; its curves and tracked patterns stay. What a killed study did not come to delete goes, too.
  func release(_ step: StudyStep) throws {
    guard var record = done(step), record.failure == nil else { return }
    if record.isReleased != true {
      record.isReleased = true
      // Recorded first: whoever reads it must not count on weights that are half gone.
      try AtomicFile.write(HeadwayJSON.document(record, isIndented: true), to: self.record(step))
    }
    let folder = TrainingFolder(plan.folder(of: step.name).appending(path: "model", directoryHint: .isDirectory))
    folder.removeCheckpoints()
    try folder.output.removeOwn()
  }

  // MARK: What steps found

  /// The result of a step that was done.
  /// - Throws: `RunError` where it was not.
  func result<Result: Decodable>(_ name: String, as type: Result.Type) throws -> Result {
    guard let step = plan.step(name), done(step)?.failure == nil, let data = try? Data(contentsOf: result(name)) else {
      throw RunError("the step \(name) is not done; run the study")
    }
    return try JSONDecoder().decode(type, from: data)
  }
}
