public import Foundation
import Ground
public import Runs

/// One step of a plan: a run with its settings, what it reads of other steps, and the fingerprint by which it is known to be done.
public struct StudyStep: Sendable {
  /// Its name, and its folder's inside `steps`: `base/seed-0/gsm8k/train`.
  public let name: String
  /// What is done; its paths lie inside the study's folder where other steps write them.
  public let work: any Run
  /// The steps that it reads from.
  public let inputs: [String]
  /// Fingerprints of what it reads from outside: model, data.
  let externals: [String: String]
  /// What it takes.
  public let cost: StepCost
  /// Whether the study goes on without what depends on it, should it turn out to be impossible.
  let mayFail: Bool
  /// Hash of kind, settings, externals and the inputs' fingerprints.
  public internal(set) var fingerprint = ""

  /// The run's name: `sft`, `pattern`.
  public var kind: String { type(of: work).name }

  /// Whether it makes a model, whose weights are given back when nothing needs them any more.
  var makesModel: Bool { work is TrainingRun || work is MergeRun }

  /// The settings as they are hashed: paths inside the study's folder relative to it, others left to `externals`, and nothing that only says
  /// how the work is done or what is told of it beside its result.
  func canonical(in folder: URL) throws -> String {
    let root = folder.absoluteURL.standardizedFileURL.path(percentEncoded: false)
    func prepared(_ run: some Run) throws -> Data {
      let mapped = run.mappingPaths { path in
        let whole = URL(filePath: path).absoluteURL.standardizedFileURL.path(percentEncoded: false)
        return whole.hasPrefix(root) ? String(whole.dropFirst(root.count)) : "outside"
      }
      return try HeadwayJSON.encoder().encode(mapped)
    }
    var object = try JSONSerialization.jsonObject(with: prepared(work)) as? [String: Any] ?? [:]
    for key in ["threads", "device", "save_every", "keep", "resume", "overwrite", "ignore_memory", "tokens"] { object[key] = nil }
    return String(
      decoding: try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes]), as: UTF8.self)
  }
}

/// A plan: steps in an order in which each stands behind what it reads.
public struct StudyPlan: Sendable {
  /// The study.
  public let study: Study
  /// The folder that it fills.
  public let folder: URL
  /// The steps.
  public private(set) var steps: [StudyStep] = []
  /// What is good to know about the plan.
  public internal(set) var notes: [String] = []
  /// What is not there: a plan can be made of it, and not be run.
  public internal(set) var missing: [String] = []
  private var places: [String: Int] = [:]
  /// The seed whose own models and data every step is of; nil where seeds share them, or where the name of a step tells.
  private var scope: UInt64?

  init(_ study: Study, folder: URL, scope: UInt64? = nil) {
    self.study = study
    self.folder = folder
    self.scope = scope
  }

  /// The same plan, in which names are those of a seed's steps.
  func scoped(to seed: UInt64) -> StudyPlan {
    var plan = self
    plan.scope = seed
    return plan
  }

  /// Adds what another plan has, of the same study and folder.
  mutating func join(_ other: StudyPlan) {
    for step in other.steps where places[step.name] == nil {
      places[step.name] = steps.count
      steps.append(step)
    }
    notes += other.notes.filter { !notes.contains($0) }
    missing += other.missing.filter { !missing.contains($0) }
  }

  /// The whole name of a step. Where each seed has models and data of its own, every step is of one of them, and a folder says of which.
  private func whole(_ name: String) -> String {
    guard scope != nil || study.redraws, !name.hasPrefix("drawn/") else { return name }
    if let scope { return "drawn/\(scope)/\(name)" }
    return name.firstMatch(of: /\/seed-([0-9]+)\//).map { "drawn/\($0.1)/\(name)" } ?? name
  }

  /// The step of a name; nil where none is planned.
  public func step(_ name: String) -> StudyStep? { places[whole(name)].map { steps[$0] } }

  /// Adds a step, unless it is there already.
  mutating func add(
    _ name: String, _ work: any Run, reading inputs: [String] = [], from externals: [String: String] = [:], cost: StepCost = StepCost(),
    mayFail: Bool = false
  ) throws {
    let (name, inputs) = (whole(name), inputs.map(whole))
    guard places[name] == nil else { return }
    do { try work.validate() } catch let error as SettingsError { throw RunError("the step \(name) cannot be: \(error.message)") }
    var step = StudyStep(name: name, work: work, inputs: inputs, externals: externals, cost: cost, mayFail: mayFail)
    var hash = Fingerprint(of: step.kind)
    hash.add(try step.canonical(in: folder))
    for (what, value) in externals.sorted(by: { $0.key < $1.key }) { hash.add("\n\(what) \(value)") }
    for input in inputs {
      guard let earlier = self.step(input) else { throw RunError("the step \(name) reads from '\(input)', which is not planned") }
      hash.add("\n\(input) \(earlier.fingerprint)")
    }
    step.fingerprint = hash.digits
    places[name] = steps.count
    steps.append(step)
  }

  /// The folder of a step.
  func folder(of step: String) -> URL { folder.appending(path: "steps/\(whole(step))", directoryHint: .isDirectory) }

  /// A file of a step.
  func file(_ name: String, of step: String) -> String { folder(of: step).appending(path: name).relativePath }

  /// A step and all that it depends on, in the plan's order.
  func closure(of names: [String]) -> [StudyStep] {
    var needed = Set(names.map(whole))
    for step in steps.reversed() where needed.contains(step.name) { needed.formUnion(step.inputs) }
    return steps.filter { needed.contains($0.name) }
  }

  /// What everything takes together.
  public var cost: StepCost { steps.reduce(StepCost()) { $0 + $1.cost } }

  /// The most bytes of fine-tuned models that lie on the disk at one time: each is given back once all that reads it is done.
  public var mostWeightBytes: Int {
    var last: [String: Int] = [:]
    for (place, step) in steps.enumerated() { for input in step.inputs { last[input] = place } }
    var (held, most) = (0, 0)
    var ending: [Int: Int] = [:]
    for (place, step) in steps.enumerated() {
      if step.makesModel {
        held += step.cost.bytesWritten
        ending[last[step.name] ?? place, default: 0] += step.cost.bytesWritten
      }
      most = max(most, held)
      if !study.keepsWeights { held -= ending[place] ?? 0 }
    }
    return most
  }
}
