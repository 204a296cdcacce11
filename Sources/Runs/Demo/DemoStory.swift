import ActivationPatterns
import CheckpointFiles
import Evaluation
import FineTuning
import Foundation
import Ground
import Instructions
import Selection
import SmallWorld

/// A demo step by step: each is a run of its own, as the command of its name does it, and is left out where its result is there already.
struct DemoStory {
  let demo: DemoRun
  let folder: DemoFolder
  let settings: DemoSettings
  let monitor: RunMonitor
  private let started = ContinuousClock.now

  init(_ demo: DemoRun, _ folder: DemoFolder, _ monitor: RunMonitor) {
    self.demo = demo
    self.folder = folder
    self.monitor = monitor
    settings = .of(demo.size)
  }

  /// The skills that are fine-tuned on.
  private var skills: [Skill] { Skill.basic + Skill.complex }

  func tell() throws -> DemoResult {
    try step(folder.world.pretraining, telling: "making a small world: text puzzles of \(Skill.all.count) kinds, by seed \(demo.seed)") {
      try Folders.make(folder.world.url)
      try folder.world.write(SmallWorld(seed: demo.seed), settings.world)
    }
    try train(
      folder.world.model, [folder.world.pretraining], to: folder.base, settings.pretraining,
      telling: "pretraining a Llama from random weights on \(settings.world.pretraining) of them", format: "text")
    for skill in skills { try study(skill) }
    var result = DemoResult(seed: demo.seed, size: demo.size)
    for skill in skills { result.skills.append(try found(skill)) }
    for skill in Skill.complex { result.fits.append(try fit(skill)) }
    result.tracking = try tracked()
    result.comparisons = try DemoComparison(story: self, skill: trackedSkill).result()
    result.ablation = try ablate()
    result.seconds = (ContinuousClock.now - started).inSeconds
    result.contents = folder.contents.map { DemoResult.File(name: $0.name, about: $0.about) }
    result.out = demo.out
    try AtomicFile.write(HeadwayJSON.document(result, isIndented: true), to: folder.result)
    say("writing the page")
    var report = ReportRun(folder: folder.url.path(percentEncoded: false))
    report.title = "What attention heads do in a small world"
    _ = try report.run(quietly)
    return result
  }

  // MARK: Steps

  /// Tells what happens next.
  func say(_ text: String) { monitor.note(Message(text)) }

  /// Passes progress and the wish to stop on, and keeps the notes of the many runs to itself.
  var quietly: RunMonitor { RunMonitor(progress: monitor.progress, shouldStop: monitor.shouldStop) }

  /// Does a step unless its result is there; then what is left beside it by a demo that was killed just after is deleted.
  func step(_ result: URL, telling text: String = "", _ body: () throws -> Void) throws {
    if monitor.shouldStop() { throw RunStopped(canResume: true) }
    guard FileKind(of: result) == nil else { return Leftovers.remove(of: result) }
    if !text.isEmpty { say(text) }
    try body()
  }

  /// Trains unless it is done. A training that was interrupted goes on.
  func train(
    _ model: URL, _ data: [URL], to out: URL, _ training: TrainingSettings, telling text: String = "", format: String = "pairs",
    sample: Int? = nil,
    sampleSeed: UInt64 = 0, track: URL? = nil
  ) throws {
    let place = TrainingFolder(out)
    try step(place.summary, telling: text) {
      var run = TrainingRun(
        model: model.path(percentEncoded: false), data: data.map { $0.path(percentEncoded: false) }, out: out.path(percentEncoded: false))
      run.training = training
      run.data.format = format
      run.data.sample = sample
      run.data.seed = sampleSeed
      run.model.elementType = .float32
      run.model.threads = demo.threads
      run.savedType = .float32
      run.track = track?.path(percentEncoded: false)
      if track != nil { run.training.trackingInterval = 4 }
      run.resume = FileKind(of: place.records) != nil
      _ = try run.run(quietly)
    }
    Leftovers.remove(of: out)
    // Nobody goes on with it, and states are three times as large as models.
    place.removeCheckpoints()
  }

  /// Measures a pattern unless it is there.
  /// - Parameter tokens: how many samples of its strongest heads are told token by token.
  func measure(_ model: URL, _ data: [URL], to out: URL, tokens: Int? = nil) throws {
    try step(out) {
      var run = PatternRun(
        model: model.path(percentEncoded: false), data: data.map { $0.path(percentEncoded: false) }, out: out.path(percentEncoded: false))
      run.model.elementType = .float32
      run.model.threads = demo.threads
      run.data.format = "pairs"
      run.keepsSamples = true
      run.tokens = tokens
      run.resume = true
      _ = try run.run(quietly)
    }
  }

  /// Asks a model the questions of a file unless it was.
  func ask(_ model: URL, _ data: URL, to out: URL) throws {
    try step(out) {
      var run = EvaluationRun(model: model.path(percentEncoded: false), benchmark: "exact", data: [data.path(percentEncoded: false)])
      run.model.elementType = .float32
      run.model.threads = demo.threads
      run.out = out.path(percentEncoded: false)
      run.resume = true
      _ = try run.run(quietly)
    }
  }

  func outcome(_ file: URL) throws -> EvaluationOutcome { try JSONDecoder().decode(EvaluationOutcome.self, from: Data(contentsOf: file)) }

  // MARK: One skill

  /// The samples of each of a skill's strongest heads that the page shows token by token.
  private static let tokens = 3

  /// Before, fine-tuning, after, change.
  private func study(_ skill: Skill) throws {
    let (train, test) = (folder.world.samples(of: skill, .train), folder.world.samples(of: skill, .test))
    let tuned = folder.tuned(skill)
    if FileKind(of: folder.change(skill)) == nil {
      say("\(skill.name) (\(skill.summary)): pattern before, fine-tuning on \(settings.world.train) samples, pattern after, change")
    }
    try measure(folder.base, [test], to: folder.before(skill), tokens: Self.tokens)
    try ask(folder.base, test, to: folder.asked(skill, "base"))
    try self.train(
      folder.base, [train], to: tuned, settings.fineTuning(seed: demo.seed), track: skill.name == trackedSkill.name ? test : nil)
    try measure(tuned, [test], to: folder.after(skill), tokens: Self.tokens)
    try ask(tuned, test, to: folder.asked(skill, "tuned"))
    try step(folder.change(skill)) {
      _ = try ChangeRun(
        before: folder.before(skill).path(percentEncoded: false), after: folder.after(skill).path(percentEncoded: false),
        out: folder.change(skill).path(percentEncoded: false)
      ).run(quietly)
    }
  }

  /// The skill whose fine-tuning is tracked, and that data is mixed and chosen for: the last complex one.
  private var trackedSkill: Skill { Skill.complex[Skill.complex.count - 1] }

  private func found(_ skill: Skill) throws -> DemoResult.Skill {
    let (before, after) = (try ActivationPattern.read(from: folder.before(skill)), try ActivationPattern.read(from: folder.after(skill)))
    let levels = [before, after].map { $0.levels[.magnitude]?.mean }
    let statistics = levels.map { $0.map { PatternStatistics($0, strongest: 1) } }
    let example = try SmallWorld(seed: demo.seed).samples(of: skill, .test, count: 1)
    let asked = try ["base", "tuned"].map { try outcome(folder.asked(skill, $0)) }
    let pairs = Array(zip(levels[0]?.values ?? [], levels[1]?.values ?? []))
    return DemoResult.Skill(
      name: skill.name, about: skill.summary, parts: skill.parts, prompt: example.first?.prompt ?? "",
      answer: example.first?.response ?? "",
      lossBefore: Self.mean(before.samples?.loss), lossAfter: Self.mean(after.samples?.loss), rightBefore: asked[0].result.value,
      rightAfter: asked[1].result.value, giniBefore: statistics[0]?.gini, giniAfter: statistics[1]?.gini, levelBefore: statistics[0]?.mean,
      levelAfter: statistics[1]?.mean, strongest: statistics[1]?.strongest.first.map { "\($0.layer):\($0.head)" },
      rose: pairs.isEmpty ? nil : Double(pairs.count { $0.0 < $0.1 }) / Double(pairs.count), before: Self.rows(levels[0]),
      after: Self.rows(levels[1]))
  }

  /// For each layer the levels of its heads.
  private static func rows(_ matrix: HeadMatrix?) -> [[Double]] {
    guard let matrix else { return [] }
    return (0..<matrix.layers).map { layer in Array(matrix.values[layer * matrix.heads..<(layer + 1) * matrix.heads]) }
  }

  private static func mean(_ losses: [Float]?) -> Double? {
    losses.flatMap { $0.isEmpty ? nil : $0.reduce(0) { $0 + Double($1) } / Double($0.count) }
  }

  // MARK: Skills together

  private func fit(_ skill: Skill) throws -> DemoResult.Fit {
    let out = folder.fit(skill)
    try step(out, telling: "fitting the change of \(skill.name) by those of the basic skills, in all pairs") {
      var run = FitRun(
        target: PatternSource(folder.change(skill).path(percentEncoded: false), name: skill.name),
        basics: Skill.basic.map { PatternSource(folder.change($0).path(percentEncoded: false), name: $0.name) },
        out: out.path(percentEncoded: false))
      run.subsets = 2
      run.bootstrap = settings.resamples
      run.permutations = settings.permutations
      run.seed = demo.seed
      _ = try run.run(quietly)
    }
    return DemoResult.Fit(try FitResult.read(from: out), parts: skill.parts)
  }

  private func tracked() throws -> DemoResult.Tracking? {
    let skill = trackedSkill
    guard let series = try? PatternSeries(from: PatternSeries.url(inFolder: folder.tuned(skill))), let first = series.levels.first,
      let last = series.levels.last
    else { return nil }
    let final = Correlation.pearson(last.values, first.values)
    let reached = final.flatMap { final in
      zip(series.steps, series.levels).first { 1 - (Correlation.pearson($1.values, first.values) ?? 1) >= 0.9 * (1 - final) }?.0
    }
    return DemoResult.Tracking(
      skill: skill.name, steps: series.steps.last ?? 0, correlation: final, mostAfter: reached, window: settings.window)
  }

  private func ablate() throws -> DemoResult.Ablation? {
    let skill = trackedSkill
    try step(folder.ablation, telling: "switching every head off, one by one, on \(settings.ablated) questions of \(skill.name)") {
      var run = AblationRun(
        model: folder.tuned(skill).path(percentEncoded: false), data: [folder.world.samples(of: skill, .test).path(percentEncoded: false)],
        choice: .all)
      run.model.elementType = .float32
      run.model.threads = demo.threads
      run.data.format = "pairs"
      run.data.limit = settings.ablated
      run.resamples = settings.resamples
      run.seed = demo.seed
      run.out = folder.ablation.path(percentEncoded: false)
      run.resume = true
      _ = try run.run(quietly)
    }
    let result = try JSONDecoder().decode(AblationResult.self, from: Data(contentsOf: folder.ablation))
    return DemoResult.Ablation(result, skill: skill.name)
  }
}
