public import Foundation
public import Ground
import Synchronization

/// One thing that a person asks for: its settings are its properties, and running it gives a result.
///
/// The command line, a run record and a Swift program make the same value and call ``run(_:)``; paths, journals and resuming are its own affair.
///
///     var run = PatternRun(model: "./llama-3-8b", data: ["gsm8k/test.jsonl"], out: "gsm8k.safetensors")
///     run.keepsSamples = true
///     let result = try run.run()
///     print(result.samples, result.loss)
///
/// Settings and results are encoded with keys in snake case; a setting's key is its option's name with `_` in place of `-`.
public protocol Run: Codable, Sendable {
  /// What it found, as `--json` prints it.
  associatedtype Result: Codable & Sendable

  /// Its name: that of its command.
  static var name: String { get }

  /// The same settings with every path of a file changed: how a record keeps paths relative to itself.
  func mappingPaths(_ change: (String) -> String) -> Self

  /// The file that it writes, beside which its record lies once it is done; nil for a run that only tells and writes nothing.
  var output: String? { get }

  /// The same run, but going on with what an earlier start of it left: how a launcher that starts all ranks anew, and a study, mean it.
  var goingOn: Self { get }

  /// Where its record lies once it is done; nil for none. For a run that writes a file, the place beside it.
  var record: URL? { get }

  /// Whether several processes can do it together (`RunMonitor.ranks`).
  static var sharesWork: Bool { get }

  /// The same settings with those filled in that depend on others: what a record holds.
  var resolved: Self { get }

  /// The seconds that a record tells, where a result knows better than the clock: a run that was resumed counts its earlier parts.
  static func seconds(of result: Result) -> Double?

  /// Says which settings make no sense together; called before anything is read.
  /// - Throws: `SettingsError`.
  func validate() throws

  /// Does it.
  /// - Parameter monitor: is told notes, warnings and progress, and asked whether to stop.
  /// - Throws: `RunStopped` where the monitor asked for it, and the errors of the libraries below, each one sentence.
  func run(_ monitor: RunMonitor) throws -> Result
}

/// A run that goes on with what an earlier start of it left where it is told to.
public protocol ResumableRun: Run {
  /// Whether to go on.
  var resume: Bool { get set }
  /// Whether to throw away what an earlier start left.
  var overwrite: Bool { get set }
}

extension ResumableRun {
  /// With `resume`.
  public var goingOn: Self {
    var run = self
    (run.resume, run.overwrite) = (true, false)
    return run
  }
}

extension Run where Self: RecordedSettings {
  /// The command of its form.
  public static var name: String { form.command }
  /// The first of its outputs that has a path.
  public var output: String? { outputs.first }
  /// The place in the folder that it writes, or else beside its file; nil where it writes neither.
  public var record: URL? {
    if let outputFolder { return RunRecord.url(beside: URL(filePath: outputFolder, directoryHint: .isDirectory), isFolder: true) }
    return output.flatMap { RunRecord.url(beside: URL(filePath: $0)) }
  }
}

extension Run {
  /// Does it without telling anybody on the way.
  public func run() throws -> Result { try run(.silent) }
  /// Refuses nothing.
  public func validate() throws {}
  /// None: the run only tells.
  public var output: String? { nil }
  /// The place beside the file that it writes; nil where it writes none, and beside a pipe or a device.
  public var record: URL? { output.flatMap { RunRecord.url(beside: URL(filePath: $0)) } }
  /// The settings as they are, none of which depends on others.
  public var resolved: Self { self }
  /// As it is: it leaves nothing to go on with.
  public var goingOn: Self { self }
  /// One process does it.
  public static var sharesWork: Bool { false }
  /// The clock knows best.
  public static func seconds(of result: Result) -> Double? { nil }

  /// Does it, and leaves a record of it beside its result.
  public func runRecording(_ monitor: RunMonitor = .silent) throws -> Result {
    guard let record, monitor.writes else { return try run(monitor) }
    try RunRecord.claim(record)
    let identity = Mutex(RunIdentity())
    var told = monitor
    told.identify = { facts in
      identity.withLock { $0 = facts }
      monitor.identify(facts)
    }
    let started = ContinuousClock.now
    let result = try run(told)
    let passed = (ContinuousClock.now - started).components
    let seconds = Self.seconds(of: result) ?? Double(passed.seconds) + Double(passed.attoseconds) * 1e-18
    try AtomicFile.write(RunRecord.text(of: self, at: record, identity: identity.withLock { $0 }, seconds: seconds), to: record)
    return result
  }
}

/// Settings that make no sense, alone or together: wrong whatever is on disk.
public struct SettingsError: ExplainedError, Equatable {
  /// One sentence: which setting, and what it takes.
  public let message: Message
  /// An error with its sentence.
  public init(_ message: Message) { self.message = message }
}

/// A run that cannot go on because of what it found.
public struct RunError: ExplainedError, Equatable {
  /// One sentence: what, where, remedy.
  public let message: Message
  /// An error with its sentence.
  public init(_ message: Message) { self.message = message }
}
