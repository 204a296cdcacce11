import CheckpointFiles
import Foundation
import Ground
import LanguageModels
import Testing
import Torch

@testable import FineTuning

/// What a run's folder loses, and what it never does.
@Suite struct TrainingFolderTests {
  private let manager = FileManager.default

  private func write(_ url: URL) throws {
    try manager.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("x".utf8).write(to: url)
  }

  /// A checkpoint, as far as its folder's look goes.
  private func checkpoint(_ url: URL) throws { try write(TrainingCheckpoint.state(in: url)) }

  private func names(_ url: URL) throws -> [String] { try manager.contentsOfDirectory(atPath: url.path(percentEncoded: false)).sorted() }

  @Test func pruningTouchesCheckpointsAlone() throws {
    let scratch = try ScratchFolder()
    let folder = TrainingFolder(scratch.url)
    try folder.make()
    for step in 1...4 { try checkpoint(folder.checkpoint(step)) }
    for step in [2, 3] { try checkpoint(folder.best(step)) }
    let foreign = [".gitignore", ".DS_Store", "best-of-all", "best-", "best-03", "best-x", "step-one", "step-007", "notes"]
    for name in foreign { try checkpoint(folder.checkpoints.appending(path: name)) }
    // No checkpoints: a folder without a state, and a link to one of another run.
    try write(folder.checkpoint(0).appending(path: "mine.txt"))
    let other = scratch.url.appending(path: "other")
    try checkpoint(other)
    try manager.createSymbolicLink(at: folder.checkpoints.appending(path: "best-9"), withDestinationURL: other)
    folder.prune(keeping: 2, best: 3)
    #expect(try names(folder.checkpoints) == (foreign + ["best-3", "best-9", "step-0", "step-3", "step-4"]).sorted())
    #expect(manager.fileExists(atPath: TrainingCheckpoint.state(in: other).path(percentEncoded: false)))
  }

  /// A folder of checkpoints that is a link is somebody's arrangement with another disk, maybe shared with other runs.
  @Test func nothingIsDeletedThroughALink() throws {
    let scratch = try ScratchFolder()
    let folder = TrainingFolder(scratch.url.appending(path: "run"))
    try folder.make()
    let shared = scratch.url.appending(path: "shared")
    for name in ["step-1", "step-2", "best-1"] { try checkpoint(shared.appending(path: name)) }
    try manager.removeItem(at: folder.checkpoints)
    try manager.createSymbolicLink(
      atPath: folder.records.appending(path: "checkpoints").path(percentEncoded: false),
      withDestinationPath: shared.path(percentEncoded: false))
    folder.prune(keeping: 1, best: nil)
    try folder.clear()
    #expect(try names(shared) == ["best-1", "step-1", "step-2"])
  }

  @Test func clearingDeletesWhatARunWrote() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let scratch = try ScratchFolder()
    var settings = golden.trainingSettings
    settings.steps = 2
    settings.saveInterval = 1
    let folder = TrainingFolder(scratch.url)
    _ = try golden.trainer(settings, in: scratch.url).run(savedType: .float32)
    for url in [folder.record, folder.earlierSettings] + TrainingFolder.Picture.allCases.map(folder.picture) { try write(url) }
    #expect(folder.output.foreign == [] && folder.output.own.contains("model.safetensors"))
    let mine = [scratch.url.appending(path: "model-notes.safetensors"), folder.records.appending(path: "notes.txt")]
    for url in mine { try write(url) }
    try folder.clear()
    #expect(try names(scratch.url) == ["headway", "model-notes.safetensors"])
    #expect(try names(folder.records) == ["files.json", "notes.txt"])
  }

  /// A kill or a full disk between the folders and the record leaves a run that begins anew, not a folder that nobody may write to.
  @Test func aRunThatEndedBeforeItsRecordCanBeResumed() throws {
    let scratch = try ScratchFolder()
    let folder = TrainingFolder(scratch.url.appending(path: "run"))
    #expect(!folder.holdsBeginning)
    try folder.make()
    #expect(folder.holdsBeginning)
    let outputs = OutputGuard(resumes: true)
    try outputs.claim(folder: folder.output, canResume: folder.holdsBeginning)
    outputs.release()
    // A merged model has a list of files and no run.
    try folder.output.claim(["model.safetensors"])
    #expect(!folder.holdsBeginning)
  }

  /// The model of a run does not take the place of a file that came into the folder meanwhile.
  @Test func aFileInTheModelsPlaceIsNotReplaced() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let scratch = try ScratchFolder()
    var settings = golden.trainingSettings
    settings.steps = 1
    let trainer = try golden.trainer(settings, in: scratch.url)
    let place = scratch.url.appending(path: "model.safetensors")
    let error = #expect(throws: TrainingError.self) {
      _ = try trainer.run(savedType: .float32, progress: { _ in try Data("mine".utf8).write(to: place) })
    }
    #expect(try #require(error?.description).contains("model.safetensors is not this run's to replace"))
    #expect(try Data(contentsOf: place) == Data("mine".utf8))
    // With that out of the way, the run ends from its last checkpoint.
    try manager.removeItem(at: place)
    _ = try golden.trainer(settings, in: scratch.url, resumingAfter: 1).run(savedType: .float32)
    #expect(try names(scratch.url).contains("model.safetensors"))
  }

  @Test func aFolderThatVanishesEndsTheRun() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let scratch = try ScratchFolder()
    var settings = golden.trainingSettings
    settings.steps = 6
    settings.saveInterval = 1
    let (run, moved) = (scratch.url.appending(path: "run"), scratch.url.appending(path: "moved"))
    var steps = 0
    let error = #expect(throws: FileError.self) {
      _ = try golden.trainer(settings, in: run).run(
        savedType: .float32,
        progress: { now in
          steps = now.metrics.step
          if steps == 3 { try FileManager.default.moveItem(at: run, to: moved) }
        })
    }
    #expect(try #require(error?.description).contains("moved or deleted"))
    #expect(steps == 3)
    // Nothing is made anew where the folder was, and the run goes on where it is now.
    #expect(!manager.fileExists(atPath: run.path(percentEncoded: false)))
    #expect(TrainingFolder(moved).savedSteps().first == 2)
  }
}
