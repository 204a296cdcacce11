public import Foundation
import Ground
public import Runs
import Selection

/// Runs a study: whatever of its plan is not done yet, then its report.
///
///     var run = StudyRun(file: "study.yaml")
///     run.changes = ["seeds=[0, 1, 2]"]
///     let result = try run.run()
///     print(result.report)
public struct StudyRun: Run {
  /// `headway study run`.
  public static let name = "study"

  /// The study's file.
  public var file: String
  /// The folder that it fills; the file's name without extension, in the working directory, where nil.
  public var out: String?
  /// Settings in place of the file's own, each `key=value`.
  public var changes: [String] = []

  /// A study of a file.
  public init(file: String) { self.file = file }

  enum CodingKeys: String, CodingKey {
    case file, out
    case changes = "set"
  }

  /// File and folder as seen from elsewhere.
  public func mappingPaths(_ change: (String) -> String) -> StudyRun {
    var run = self
    run.file = change(file)
    run.out = out.map(change)
    return run
  }

  /// The folder that is filled.
  public var folder: URL {
    URL(filePath: out ?? URL(filePath: file).deletingPathExtension().lastPathComponent, directoryHint: .isDirectory)
  }

  /// The plan, made without running anything.
  public func plan() throws -> StudyPlan { try StudyPlan.make(of: Study(from: URL(filePath: file), changing: changes), in: folder) }

  /// Does the steps that are not done, in an order in which each finds what it needs, then writes report, tables and figures.
  /// - Throws: `RunStopped`, `RunError` where models or data are missing, and what the steps throw.
  public func run(_ monitor: RunMonitor) throws -> StudyResult {
    let output = OutputFolder(folder)
    let outputs = OutputGuard(resumes: true)
    defer { outputs.release() }
    try outputs.claim(folder: output, canResume: true)
    let plan = try plan()
    for note in plan.notes { monitor.note(Message("note: \(note)")) }
    guard plan.missing.isEmpty else {
      throw RunError(
        "the study cannot run without \(plan.missing.joined(separator: ", ")); get them, or look at its plan by \(setting: Setting("dry_run"))"
      )
    }
    try output.make()
    try output.claim(["steps", "report", "tables", "figures", "study.json"])
    do { try StudyEngine(plan).run(monitor) } catch is RunStopped {
      monitor.note("the study continues from here when it is run again")
      throw RunStopped(canResume: false)
    }
    return try StudyReport(plan).write(monitor)
  }
}

/// Does the steps of a plan.
struct StudyEngine {
  let plan: StudyPlan
  let store: StepStore

  init(_ plan: StudyPlan) {
    self.plan = plan
    store = StepStore(plan: plan)
  }

  /// The steps that are still to be done: those without a record, and those whose weights were given back and are needed again.
  func pending() -> Set<String> {
    var pending: Set<String> = []
    var needed: Set<String> = []
    for step in plan.steps.reversed() {
      let record = store.done(step)
      let mustTrainAgain = record?.isReleased == true && needed.contains(step.name)
      if record == nil || mustTrainAgain { pending.insert(step.name) }
      if pending.contains(step.name) { needed.formUnion(step.inputs) }
    }
    return pending
  }

  func run(_ monitor: RunMonitor) throws {
    let pending = pending()
    var waiting: [String: Int] = [:]
    for step in plan.steps where pending.contains(step.name) { for input in step.inputs { waiting[input, default: 0] += 1 } }
    // What a killed run left, and was about to give back.
    for step in plan.steps where !pending.contains(step.name) {
      store.tidy(step)
      if step.makesModel { try release(step, waiting) }
    }
    var number = 0
    for step in plan.steps where pending.contains(step.name) {
      number += 1
      if monitor.shouldStop() { throw RunStopped(canResume: true) }
      try perform(step, "\(number)/\(pending.count)", monitor)
      for input in step.inputs { waiting[input, default: 0] -= 1 }
      for name in step.inputs + [step.name] {
        if let earlier = plan.step(name), earlier.makesModel { try release(earlier, waiting) }
      }
    }
  }

  private func release(_ step: StudyStep, _ waiting: [String: Int]) throws {
    if !plan.study.keepsWeights, waiting[step.name, default: 0] == 0 { try store.release(step) }
  }

  private func perform(_ step: StudyStep, _ place: String, _ monitor: RunMonitor) throws {
    if let failed = step.inputs.first(where: { store.failure($0) != nil }), let reason = store.failure(failed) {
      _ = try store.begin(step)
      return try store.finish(step, result: nil, failure: reason, seconds: 0)
    }
    // A step that trained and is needed again has a record that would be taken for its end.
    let isBegun = try store.begin(step)
    monitor.note(Message("[\(place)] \(step.name)"))
    var told = monitor
    // What a run says of itself is a study's too much.
    told.note = { _ in }
    told.warn = { text in monitor.warn("\(step.name): \(text)") }
    told.progress = { now in
      var now = now
      now.stage = step.name
      monitor.progress(now)
    }
    let started = ContinuousClock.now
    func seconds() -> Double { (ContinuousClock.now - started).inSeconds }
    do {
      let result = try Self.result(of: step.work, resuming: isBegun, told)
      try store.finish(step, result: result, failure: nil, seconds: seconds())
    } catch let error as any ExplainedError {
      // A mixture of which no coefficient is positive, a task with too few samples: an arm less, not the end of a study.
      guard step.mayFail, error is RunError || error is SelectionError else {
        // A study has no such option: it goes on by itself.
        throw RunError("the step \(step.name): \(error.message.replacing(.resume, by: "running the study again"))")
      }
      monitor.warn("\(step.name): \(error.message)")
      try store.finish(step, result: nil, failure: error.description, seconds: seconds())
    }
  }

  /// Does a run, going on with what an earlier one left where its kind can.
  private static func result(of work: any Run, resuming: Bool, _ monitor: RunMonitor) throws -> Data {
    func done(_ run: some Run) throws -> Data { try HeadwayJSON.document(run.runRecording(monitor)) }
    guard resuming else { return try done(work) }
    switch work {
    case var run as MergeRun:
      // What was killed half-way is written again.
      run.overwrite = true
      return try done(run)
    case var run as MixRun:
      // Data without their manifest, which nobody vouches for.
      run.overwrite = true
      return try done(run)
    case var run as SelectRun:
      run.overwrite = true
      return try done(run)
    default:
      let run = work.goingOn
      return try done(run)
    }
  }
}
