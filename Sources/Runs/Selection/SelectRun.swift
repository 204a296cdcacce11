public import ActivationPatterns
import Foundation
public import Ground
import Instructions
import Reports
import Selection

/// Chooses the samples of a pool that use a model as a target does: by default those whose activation patterns correlate most with the target's mean
/// pattern (equation 5).
public struct SelectRun: Run, RecordedSettings {
  /// `headway select` and the keys of its record.
  public static let form: SettingsForm<SelectRun> = SettingsForm(
    "select", SelectRun(poolData: [], top: 1, out: ""),
    [
      .group(\.reading, except: ["data"]), .path("target", \.target),
      .setting("pool", \.pool).mapping { run, change in run.pool = run.pool.map(change) }, .sources("target_data", \.targetData),
      .setting("target_format", \.targetFormat), .sources("pool_data", \.poolData, isRequired: true),
      .setting("top", \.top, isRequired: true), .setting("representation", \.representation), .setting("algorithm", \.algorithm),
      .setting("group", \.group), .setting("score", \.score), .setting("standardise", \.standardises), .setting("explain", \.explains),
      .setting("seed", \.seed), .output("out", \.out), .flag("overwrite", \.overwrite),
    ])

  /// What of the target's samples makes them a group.
  public enum Grouping: String, Codable, Sendable, CaseIterable {
    /// The task that a sample belongs to.
    case task
    /// Each tag: a sample of several belongs to several groups.
    case tags
  }

  /// The target's pattern, or its file of `represent`; nil for a representation that has none.
  public var target: String?
  /// The pool's patterns, or its files of `represent`.
  public var pool: [String] = []
  /// The target's texts.
  public var targetData: [String] = []
  /// The format of the target's texts; recognised where nil.
  public var targetFormat: String?
  /// The pool's texts.
  public var poolData: [String]
  /// How the pool's texts are read; its own files stay empty.
  public var reading = DataSettings([])
  /// How many samples are chosen.
  public var top: Int
  /// What stands for a sample, by its name among `Representations.all`.
  public var representation = "pattern"
  /// How samples are picked by their likenesses, by its name among `SelectionAlgorithms.all`.
  public var algorithm = "mean"
  /// What is told apart of the target by an algorithm that looks at more than its mean; each sample where nil.
  public var group: Grouping?
  /// The score whose levels are compared; the target's first where nil.
  public var score: Score?
  /// Whether a head's level, or an entry of an embedding, is taken against the pool's mean and spread.
  public var standardises = false
  /// Whether the heads that agree most with the target are told for each chosen sample.
  public var explains = false
  /// Seeds what is drawn; nil is 0.
  public var seed: UInt64?
  /// Where the chosen samples go as JSON lines of prompt and response, with a manifest beside them.
  public var out: String
  /// Whether to replace a file that Headway did not write.
  public var overwrite = false

  /// How many heads explain a choice.
  static let explainedHeads = 5

  /// A choice with the paper's defaults.
  public init(target: String? = nil, pool: [String] = [], poolData: [String], top: Int, out: String) {
    self.target = target
    self.pool = pool
    self.poolData = poolData
    self.top = top
    self.out = out
  }

  // MARK: Doing it

  /// Gives every sample of the pool its likeness to the target, and writes the chosen ones in the order of the algorithm.
  /// - Throws: `RunStopped`, `RunError` where patterns and texts are not of the same samples, `SelectionError`, `DataError`, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> SelectResult {
    try validate()
    let chosenFile = URL(filePath: out)
    let outputs = OutputGuard(overwrites: overwrite)
    defer { outputs.release() }
    try DrawnData.claim(chosenFile, in: outputs)
    try outputs.protect(([target].compactMap(\.self) + pool).flatMap { PatternFile.files(of: URL(filePath: $0)) })
    let data = try PoolData(poolData, reading, as: "pool", monitor)
    try outputs.protect(reading.inputs(data.dataset))
    let targetTexts = try TargetTexts(targetData, format: targetFormat, monitor)
    if let targetTexts { try outputs.protect(targetTexts.dataset.files) }

    let started = ContinuousClock.now
    let found = try likeness(data, targetTexts, monitor)
    let choices = try choose(found, data, monitor)
    tell(ContinuousClock.now - started - found.reading, found, monitor)
    let samples = try data.samples(at: Set(choices.map { found.positions[$0.sample] }), monitor)
    warn(of: choices, found, samples, monitor)
    let writer = try InstructionWriter(to: chosenFile)
    var result = SelectResult(self, found, pool: data)
    for choice in choices {
      guard let (read, file) = samples[found.positions[choice.sample]] else { continue }
      var sample = read
      sample.id = sample.id ?? String(sample.index)
      try writer.write(sample)
      result.chosen.append(try chosen(choice, sample, file, found))
    }
    try writer.finish()
    result.dataFingerprint = try DrawnData.fingerprint(of: chosenFile)
    try AtomicFile.write(HeadwayJSON.document(result), to: DrawnData.manifest(beside: chosenFile))
    monitor.identify(identity(result, found, targetTexts))
    return result
  }

  /// The pool's likeness to the target, and where its samples stand in the data.
  struct Found {
    var likeness: any Likeness
    var positions: [Int]
    var files: (any OpenRepresentation)?
    /// Fingerprints of the samples' texts as they were measured; nil where some file does not have them.
    var contents: [UInt64]?
    /// What finding the files' samples in the data took.
    var reading = Duration.zero
  }

  private func likeness(_ data: PoolData, _ target: TargetTexts?, _ monitor: RunMonitor) throws -> Found {
    var options = RepresentationOptions()
    options.score = score
    options.standardises = standardises
    options.seed = seed ?? 0
    let looksAtEach = SelectionAlgorithms.named(algorithm)?.looksAtEach ?? false
    switch Representations.named(representation) {
    case let kind as any FileRepresentation:
      let files = PatternShard.once(pool.map { URL(filePath: $0) }) { ($0, 0) }
      let open = try kind.open(target: self.target.map { URL(filePath: $0) }, pool: files, options)
      let started = ContinuousClock.now
      let positions = try data.positions(of: open.pool, monitor)
      let reading = ContinuousClock.now - started
      var view = looksAtEach ? TargetView.samples : .mean
      if looksAtEach, let group, let target, let file = open.target {
        view = .groups(try target.groups(by: group, ofSamplesIn: file, monitor))
      }
      let parts = open.pool.map(\.contents)
      let contents = parts.contains { $0 == nil } ? nil : parts.flatMap { $0 ?? [] }
      return Found(likeness: try open.likeness(view: view), positions: positions, files: open, contents: contents, reading: reading)
    case let kind as any TextRepresentation:
      var view = looksAtEach ? TargetView.samples : .mean
      if looksAtEach, let group, let target { view = .groups(try target.groups(by: group, monitor)) }
      var positions: [Int] = []
      let likeness = try kind.likeness(
        target: target?.samples ?? [],
        pool: { body in
          try data.forEachLearnable(monitor) { sample in
            positions.append(sample.index)
            try body(sample)
          }
        }, view: view, options)
      return Found(likeness: likeness, positions: positions)
    default: throw unknownRepresentation
    }
  }

  /// Says how long it took where somebody had to wait.
  private func tell(_ time: Duration, _ found: Found, _ monitor: RunMonitor) {
    let seconds = time / .seconds(1)
    guard seconds >= 0.1 else { return }
    monitor.note("\(found.positions.count) samples compared in \(NumberText.fixed(seconds, decimals: 2)) s")
  }

  private func choose(_ found: Found, _ data: PoolData, _ monitor: RunMonitor) throws -> [Choice] {
    guard let kind = SelectionAlgorithms.named(algorithm) else { throw unknownAlgorithm }
    let allowed = found.files == nil ? nil : try data.allowedPositions(monitor)
    let likeness = MonitoredLikeness(found.likeness, monitor)
    let choices = try kind.choose(top, by: likeness) { allowed?.contains(found.positions[$0]) ?? true }
    let undefined = likeness.undefined
    if undefined > 0 {
      monitor.note("\(undefined) samples have the same number everywhere, so that they are like nothing, and are not chosen")
    }
    guard choices.count == top else {
      let left = allowed.map { allowed in found.positions.count { allowed.contains($0) } } ?? found.positions.count
      let reasons = [
        left < found.positions.count ? "\(found.positions.count - left) are left out by how its data is read" : nil,
        undefined > 0 ? "\(undefined) are like nothing" : nil,
      ].compactMap(\.self)
      throw RunError(
        "the pool has \(found.positions.count) samples\(reasons.isEmpty ? "" : " (\(reasons.joined(separator: ", ")))"), of which \(choices.count) can be chosen, and \(setting: Setting("top")) is \(top); lower it, or give a larger pool"
      )
    }
    return choices
  }

  private func chosen(_ choice: Choice, _ sample: Instruction, _ file: String?, _ found: Found) throws -> SelectResult.Chosen {
    let looksAtEach = SelectionAlgorithms.named(algorithm)?.looksAtEach ?? false
    let heads =
      explains
      ? try found.likeness.strongestParts(Self.explainedHeads, sample: choice.sample, target: choice.target)
      : nil
    return SelectResult.Chosen(
      index: sample.index, id: sample.id ?? String(sample.index), task: sample.task, file: file, score: choice.score,
      target: looksAtEach ? found.likeness.targetNames[choice.target] : nil, heads: heads)
  }

  /// Says where samples read otherwise than when they were measured.
  private func warn(of choices: [Choice], _ found: Found, _ samples: [Int: (sample: Instruction, file: String?)], _ monitor: RunMonitor) {
    guard let contents = found.contents else { return }
    let other = choices.count { choice in
      samples[found.positions[choice.sample]].map { $0.sample.contentFingerprint != contents[choice.sample] } ?? false
    }
    guard other > 0 else { return }
    let template = found.files?.pool.first?.provenance.template
    monitor.warn(
      "\(other) of the chosen samples read otherwise than when they were measured\(template.map { " (as \($0))" } ?? ""); name the \(setting: .format), \(setting: .template) and \(setting: .chat) of the measurement to write those texts"
    )
  }

  private func identity(_ result: SelectResult, _ found: Found, _ target: TargetTexts?) -> RunIdentity {
    var identity = RunIdentity()
    identity["data_fingerprint"] = result.dataFingerprint
    identity["pool_data_fingerprint"] = result.pool.dataFingerprint
    identity["model_fingerprint"] = found.files?.pool.first?.provenance.modelFingerprint
    identity["target_data_fingerprint"] = found.files?.target?.provenance.dataFingerprint ?? target?.fingerprint
    return identity
  }
}

/// Likenesses that tell how far they are, can be stopped, and count what is like nothing.
private final class MonitoredLikeness: Likeness {
  private let likeness: any Likeness
  private let monitor: RunMonitor
  private nonisolated(unsafe) var counted: Int?

  init(_ likeness: any Likeness, _ monitor: RunMonitor) {
    self.likeness = likeness
    self.monitor = monitor
  }

  /// Samples that were like no target when the pool went by.
  var undefined: Int { counted ?? 0 }
  var sampleCount: Int { likeness.sampleCount }
  var targetNames: [String] { likeness.targetNames }

  func forEachBlock(_ body: (_ first: Int, _ values: UnsafeBufferPointer<Double>) throws -> Void) throws {
    let targets = targetNames.count
    var undefined = 0
    try likeness.forEachBlock { first, values in
      if monitor.shouldStop() { throw RunStopped(canResume: false) }
      // A sample that is like nothing is like no target.
      for place in stride(from: 0, to: values.count, by: targets) where values[place].isNaN { undefined += 1 }
      try body(first, values)
      monitor.progress(RunProgress(completed: first + values.count / targets, total: sampleCount, unit: "samples"))
    }
    counted = undefined
  }

  func strongestParts(_ count: Int, sample: Int, target: Int) throws -> [HeadPart] {
    try likeness.strongestParts(count, sample: sample, target: target)
  }
}
