import ActivationPatterns
import Evaluation
import FineTuning
import Foundation
public import Ground
import Selection
import SmallWorld
import Torch

/// The whole of Headway on a small world, in minutes: a base model is pretrained and fine-tuned on basic and complex skills; patterns before and after
/// are measured, tracked, compared and fitted; data is mixed by a fit; heads are switched off; and a page tells what came of it.
///
/// Nothing is read but what it wrote itself. Every step leaves its result on disk, and one that is there is not done again.
public struct DemoRun: Run, RecordedSettings {
  /// `headway demo` and the keys of its record.
  public static let form: SettingsForm<DemoRun> = SettingsForm(
    "demo", DemoRun(),
    [
      .folder("out", \.out), .setting("seed", \.seed), .setting("size", \.size), .setting("threads", \.threads),
      .flag("resume", \.resume), .flag("overwrite", \.overwrite),
    ])

  /// How large the world is.
  public enum Size: String, Codable, Sendable, CaseIterable {
    /// Minutes on two cores.
    case standard
    /// Seconds: too small for anything to be learned, for tests.
    case tiny
  }

  /// The folder that everything goes to.
  public var out: String
  /// The seed of the world, the model and every draw.
  public var seed: UInt64 = 0
  /// How large the world is.
  public var size = Size.standard
  /// Threads of the processor; as many as the machine gives where nil.
  public var threads: Int?
  /// Whether to continue a demo that was interrupted.
  public var resume = false
  /// Whether to delete an earlier demo in the folder.
  public var overwrite = false

  /// A demo with the defaults.
  public init(out: String = "headway-demo") { self.out = out }

  private var folder: DemoFolder { DemoFolder(URL(filePath: out, directoryHint: .isDirectory)) }

  /// Refuses a number of threads that no machine has.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    var model = ModelSettings("")
    model.threads = threads
    try model.validate()
  }

  /// Does each step whose result is not there yet, and writes the page.
  /// - Throws: `RunStopped`, `RunError` where the folder holds a demo of other settings, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> DemoResult {
    try validate()
    let folder = folder
    let outputs = OutputGuard(overwrites: overwrite, resumes: resume)
    defer { outputs.release() }
    try outputs.claim(folder: folder.output, canResume: RunRecord.identity(in: folder.record, of: Self.name) != nil)
    var identity = RunIdentity()
    identity["seed"] = "\(seed)"
    identity["size"] = size.rawValue
    if resume, let earlier = RunRecord.identity(in: folder.record, of: Self.name), let difference = identity.difference(from: earlier) {
      throw RunError(
        "the demo in \(out) was started differently (\(difference)); resume it with the same settings, or choose another \(setting: .output)"
      )
    }
    if overwrite { try folder.clear() }
    // For its record, too, where no step is left that would set them.
    try Engine.setThreads(threads ?? Engine.availableProcessors())
    try folder.output.make()
    // Before anything of the demo is there, so that a demo which is killed can be gone on with.
    try AtomicFile.write(RunRecord.text(of: self, at: folder.record, identity: identity, seconds: nil), to: folder.record)
    try folder.output.claim(folder.names)
    monitor.identify(identity)
    return try DemoStory(self, folder, monitor).tell()
  }
}
