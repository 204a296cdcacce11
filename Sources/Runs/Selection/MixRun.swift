import ActivationPatterns
import Foundation
public import Ground
import Instructions
public import Selection

/// Mixes data of basic tasks in the proportion in which a fit composes a complex one of them (equation 4), or without a fit all of them in shares that are
/// equal or drawn.
public struct MixRun: Run, RecordedSettings {
  /// `headway mix` and the keys of its record.
  public static let form: SettingsForm<MixRun> = SettingsForm(
    "mix", MixRun(fit: nil, tasks: [], total: 1, out: ""),
    [
      .group(\.recordedData),
      .path("fit", \.fit), .setting("total", \.total, isRequired: true), .setting("top", \.top), .setting("shares", \.shares),
      .path("within", \.within),
      .rare("pool", \.pool, unless: []).mapping { run, change in run.pool = run.pool.map { $0.mappingPaths(change) } },
      .setting("repeat", \.repeats), .setting("seed", \.seed), .output("out", \.out), .flag("overwrite", \.overwrite),
    ])

  /// The fit, as `FitRun` writes it; nil where all tasks are mixed, in shares that are equal or drawn.
  public var fit: String?
  /// The data of the tasks; several files of one name are read as one dataset.
  public var tasks: [TaskFile]
  /// How the data is read, the same for every task; its own files stay empty.
  public var reading = DataSettings([])
  /// N, the samples of the mixture.
  public var total: Int
  /// k, the most tasks of the fit that are kept; 2 where nil.
  public var top: Int?
  /// What the shares are taken from.
  public var shares = Mixture.Shares.fit
  /// A target's pattern: each task's samples are then drawn by their likeness to it (equation 5) in place of chance; nil for chance.
  public var within: String?
  /// The tasks' per-sample patterns, measured under the target's model, by the tasks' names; for `within`.
  public var pool: [PatternSource] = []
  /// Whether a task with too few samples gives them more than once.
  public var repeats = false
  /// Seeds what is drawn: each task's samples, and random shares.
  public var seed: UInt64 = 0
  /// Where the mixture goes as JSON lines of prompt and response, with its manifest beside it.
  public var out: String
  /// Whether to replace a file that Headway did not write.
  public var overwrite = false

  /// A mixture with the defaults.
  public init(fit: String?, tasks: [TaskFile], total: Int, out: String) {
    self.fit = fit
    self.tasks = tasks
    self.total = total
    self.out = out
  }

  /// The data as a record has it: the tasks' files among how they are read.
  private var recordedData: DataSettings {
    get {
      var data = reading
      data.files = tasks
      return data
    }
    set {
      tasks = newValue.files
      reading = newValue
      reading.files = []
    }
  }

  /// Refuses a mixture of no task or no sample, and ways of reading that need a model.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    if tasks.isEmpty { throw SettingsError("\(setting: Setting("data")) takes at least one NAME=FILE") }
    for (key, value) in [("total", total), ("top", top ?? 1)] where value < 1 {
      throw SettingsError("\(setting: Setting(key)) takes a number from 1 on, not \(value)")
    }
    if fit == nil {
      if top != nil {
        throw SettingsError("\(setting: Setting("top")) keeps tasks of a fit; leave it out, or name one by \(setting: Setting("fit"))")
      }
      if ![.equal, .random].contains(shares) {
        throw SettingsError(
          "\(setting: Setting("shares", value: shares.rawValue)) takes a fit's coefficients; name one by \(setting: Setting("fit")), or let \(setting: Setting("shares")) be equal or random"
        )
      }
    }
    let (one, other) = (Setting("within"), Setting("pool"))
    if within != nil, pool.isEmpty {
      throw SettingsError("\(setting: one) compares the tasks' patterns; name them as NAME=FILE by \(setting: other)")
    }
    if within == nil, !pool.isEmpty { throw SettingsError("\(setting: other) has no effect without \(setting: one); leave it out") }
    try reading.validate()
    try reading.requireNoTokenizer()
  }

  /// Draws each task's samples and writes them task by task, with the manifest beside them.
  /// - Throws: `RunError` where fit and data do not name the same tasks, `SelectionError` where a task has too few samples, `DataError`, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> MixResult {
    try validate()
    let target = URL(filePath: out)
    let outputs = OutputGuard(overwrites: overwrite)
    defer { outputs.release() }
    try DrawnData.claim(target, in: outputs)
    try outputs.protect([fit].compactMap { $0.map { URL(filePath: $0) } })
    try outputs.protect(([within].compactMap(\.self) + pool.map(\.path)).flatMap { PatternFile.files(of: URL(filePath: $0)) })
    let fitted = try fit.map { try FitResult.read(from: URL(filePath: $0)) }
    let mixture = try mixture(fitted)
    let sources = try sources(of: mixture, candidates: fitted?.names ?? mixture.parts.map(\.name), monitor)
    for source in sources { try outputs.protect(reading.inputs(source.dataset)) }

    var result = MixResult(self, target: fitted?.target, mixture)
    var draws: [[Int]] = []
    for (index, (part, source)) in zip(mixture.parts, sources).enumerated() {
      let (times, likeness) = try draw(part, from: source, monitor)
      draws.append(times)
      result.tasks[index].likeness = likeness
      if part.count == 0 { monitor.warn("the share of \(part.name) is too small for one of \(total) samples: it has none") }
    }
    let writer = try InstructionWriter(to: target)
    for (index, source) in sources.enumerated() {
      result.tasks[index].available = draws[index].count
      result.tasks[index].dataFingerprint = try source.dataset.fingerprint()
      result.tasks[index].drawn = try source.write(draws[index], to: writer, monitor)
    }
    try writer.finish()
    result.dataFingerprint = try DrawnData.fingerprint(of: target)
    try AtomicFile.write(HeadwayJSON.document(result), to: DrawnData.manifest(beside: target))
    var identity = RunIdentity()
    identity["data_fingerprint"] = result.dataFingerprint
    for task in result.tasks { identity["data_fingerprint \(task.name)"] = task.dataFingerprint }
    monitor.identify(identity)
    return result
  }

  /// Which tasks have which share.
  private func mixture(_ fitted: FitResult?) throws -> Mixture {
    var generator = SeededGenerator(seed: seed, stream: "mix shares")
    guard let fit, let fitted else {
      var names: [String] = []
      for task in tasks where !names.contains(task.name) { names.append(task.name) }
      return Mixture(sharedBy: names, total: total, isRandom: shares == .random, using: &generator)
    }
    return try Mixture(
      of: fitted.candidates(for: shares, in: fit), keeping: top ?? 2, total: total, shares: shares, using: &generator)
  }

  /// How often each sample of a task that there is something to learn from is taken, and how alike the target those are.
  private func draw(
    _ part: Mixture.Part, from source: MixtureSource, _ monitor: RunMonitor
  ) throws -> (times: [Int], likeness: MixResult.Likeness?) {
    let learnable = try source.learnable(monitor)
    guard let within else {
      var generator = SeededGenerator(seed: seed, stream: "mix \(part.name)")
      return (try SampleDraw.times(drawing: part.count, outOf: learnable.count, repeats: repeats, of: part.name, using: &generator), nil)
    }
    let paths = tasks.filter { $0.name == part.name }.map(\.path)
    let files = pool.apart.filter { $0.name == part.name }.map(\.path)
    let order = try source.order(of: learnable, by: within, files, paths, reading, monitor)
    let times = try SampleDraw.times(
      taking: part.count, inOrder: order.map(\.place), outOf: learnable.count, repeats: repeats, of: part.name)
    let taken = order.prefix(part.count).map(\.likeness)
    return (times, taken.min().flatMap { least in taken.max().map { MixResult.Likeness(least: least, greatest: $0) } })
  }

  /// The data of each kept task, in the mixture's order.
  private func sources(of mixture: Mixture, candidates: [String], _ monitor: RunMonitor) throws -> [MixtureSource] {
    if let stranger = tasks.first(where: { !candidates.contains($0.name) }) {
      throw RunError(
        "\(stranger.path) is called '\(stranger.name)', and the fit has no task of this name but \(candidates.joined(separator: ", ")); give it as NAME=FILE"
      )
    }
    let missing = mixture.parts.map(\.name).filter { name in !tasks.contains { $0.name == name } }
    guard missing.isEmpty else {
      throw RunError("no data of \(missing.joined(separator: ", ")) is named, which the mixture needs; add it as NAME=FILE")
    }
    if within != nil, let missing = mixture.parts.map(\.name).first(where: { name in !pool.contains { $0.name == name } }) {
      throw RunError(
        "no patterns of \(missing) are named, by which its samples are drawn; add them as NAME=FILE by \(setting: Setting("pool"))")
    }
    if let stranger = pool.first(where: { !candidates.contains($0.name) }) {
      throw RunError(
        "\(stranger.path) is called '\(stranger.name)', and the \(fit == nil ? "data" : "fit") has no task of this name but \(candidates.joined(separator: ", ")); give it as NAME=FILE"
      )
    }
    for candidate in mixture.notPositive {
      monitor.note("\(candidate.name) has the coefficient \(candidate.coefficient), which is not positive: it gives no samples")
    }
    return try mixture.parts.map { part in
      let files = tasks.filter { $0.name == part.name }.map { URL(filePath: $0.path) }
      let dataset = try Dataset(at: files, options: reading.datasetOptions())
      if dataset.formatWasRecognised {
        monitor.note("\(part.name): read as \(dataset.formatDescription) (say \(setting: Setting("format")) to choose another)")
      }
      return MixtureSource(name: part.name, dataset: dataset)
    }
  }
}
