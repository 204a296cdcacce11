public import CheckpointFiles
public import Ground
import ActivationPatterns
import Foundation
public import LanguageModels
public import Ranks
import Torch

/// Fine-tunes a model: windows of samples in, updates of AdamW out, with patterns, metrics and checkpoints on the way.
public final class Trainer {
  /// The data of a run, as tokens.
  public struct Samples: Sendable {
    /// What is learned from; samples without a label must be left out.
    public var training: [TokenizedSample]
    /// What the loss is measured on beside it.
    public var evaluation: [TokenizedSample] = []
    /// The probe set, whose pattern is tracked.
    public var probe: [TokenizedSample] = []

    /// Samples to learn from.
    public init(training: [TokenizedSample]) { self.training = training }
  }

  /// How far a run is.
  public struct Progress: Sendable {
    /// The line that was written for the step.
    public var metrics: StepMetrics
    /// All steps.
    public var totalSteps: Int
    /// Seconds left at the speed of the steps so far.
    public var secondsLeft: Double
  }

  /// What a run did.
  public struct Summary: Sendable {
    /// Updates done, those of earlier parts of the run included.
    public var steps: Int
    /// Samples and tokens learned from.
    public var samples: Int
    /// Tokens learned from.
    public var tokens: Int
    /// Seconds of training, over all parts of the run.
    public var seconds: Double
    /// Tokens a second in this part of the run, its first step left out.
    public var tokensPerSecond: Double?
    /// The loss at the beginning and at the end, of the same samples.
    public var loss: LossComparison?
    /// The step whose weights were kept because their evaluation was the best, where training stopped early.
    public var bestStep: Int?
    /// The share of weights that differ from the base model's after rounding to the type they are saved in, and in float32.
    public var changedShare: Double?
    /// The share that differs in float32.
    public var changedShareInFloat32: Double?
    /// The type in which weights were saved.
    public var savedAs: String
  }

  /// The run was asked to stop; a checkpoint of this step is there.
  public struct Stopped: Error {
    /// The step that it goes on after.
    public let step: Int
  }

  let decoder: any CausalDecoder
  let settings: TrainingSettings
  let measuringTokens: Int
  let samples: Samples
  let folder: TrainingFolder
  let order: TrainingOrder
  let schedule: LearningRateSchedule
  /// All updates of the run.
  public let totalSteps: Int
  /// Benchmarks that are asked where the evaluation data would be measured, beside it or alone: their names, and what gives their values with the
  /// weights as they are.
  ///
  /// All ranks call these; only the first's value counts.
  public var benchmarks: [(name: String, value: () throws -> Double)] = []
  let weights: TrainableWeights
  let optimizer: any Optimizer
  let saved: SavedModel
  private let pass: WindowPass
  /// The processes that train together; nil for this one alone.
  private let ranks: RankGroup?
  private var state: TrainingState
  private var patterns: TrackedPatterns
  private var epochOrder: (epoch: Int, samples: [Int])?
  private var lastSave = ContinuousClock.now
  /// What a user should know before the run goes on.
  public let warnings: [Message]

  /// What the run will need of the machine's memory.
  public static func memoryPlan(
    _ model: LanguageModel, _ settings: TrainingSettings, elementType: ElementType, _ samples: Samples, measuringTokens: Int = 2048
  ) -> MemoryPlan {
    MemoryPlan(
      model.decoder, settings, elementType: elementType, lengths: samples.training.map(\.tokens.count),
      probeLengths: samples.probe.map(\.tokens.count), measuringTokens: measuringTokens)
  }

  /// Prepares a run, or continues one.
  ///
  /// - Parameters:
  ///   - model: what is trained, with its exact values: in float32 for full fine-tuning (from the checkpoint where a run goes on), in the
  ///     compute type for adapters.
  ///   - base: the folder that the run started from, for configuration and tokenizer.
  ///   - elementType: the compute type.
  ///   - settings: how to train.
  ///   - samples: what to train on, to probe and to evaluate with.
  ///   - folder: the run's output.
  ///   - identity: what must be equal for the run to go on beside the training settings, which are added: fingerprints of model and data.
  ///   - measuringTokens: the most tokens of a batch in which the probe set and the evaluation data are measured.
  ///   - ranks: the processes that train together, each of which calls this with the same arguments; nil for this one alone. The first alone writes.
  ///   - checkpoint: the step of the checkpoint to go on from; nil to start.
  /// - Throws: `TrainingError` where nothing is to be learned from, or the checkpoint is of a run with other settings, which it names.
  public init(
    _ model: LanguageModel, base: ModelFolder, elementType: ElementType, settings: TrainingSettings, samples: Samples,
    folder: TrainingFolder,
    identity: RunIdentity, measuringTokens: Int = 2048, ranks: RankGroup? = nil, resumingAfter checkpoint: Int? = nil
  ) throws {
    decoder = model.decoder
    self.ranks = ranks
    self.settings = settings
    self.measuringTokens = measuringTokens
    self.samples = samples
    self.folder = folder
    guard samples.training.contains(where: { $0.labelCount > 0 }) else {
      throw TrainingError("no sample of the data has a label to learn from; check the data, or raise \(setting: .maximumLength)")
    }
    order = TrainingOrder(
      sampleCount: samples.training.count, windowSize: settings.windowSize, seed: settings.shuffles ? settings.seed : nil)
    totalSteps = settings.steps ?? order.windowsPerEpoch * (settings.epochs ?? 1)
    schedule = LearningRateSchedule(
      settings.schedule, peak: settings.learningRate, warmupRatio: settings.warmupRatio, totalUpdates: totalSteps)
    let lanes = Trainer.memoryPlan(model, settings, elementType: elementType, samples, measuringTokens: measuringTokens).lanes
    var adapters: [LowRankAdapter] = []
    if let lowRank = settings.lowRank {
      if let checkpoint {
        let stored = try AdapterFolder(ModelFolder(named: folder.checkpoint(checkpoint).path(percentEncoded: false)))
        try stored.attach(to: decoder)
        adapters = decoder.parameters.compactMap(\.adapter)
      } else {
        adapters = try lowRank.attach(to: decoder, seed: settings.seed)
      }
      saved = SavedModel(
        base: base, decoder: decoder,
        adapter: .init(
          rank: lowRank.rank, alpha: lowRank.alpha, dropout: lowRank.dropout, targets: lowRank.targetNames(of: decoder),
          base: FileManager.default.fileExists(atPath: base.name) ? base.url.standardizedFileURL.path(percentEncoded: false) : base.name))
    } else {
      saved = SavedModel(base: base, decoder: decoder, adapter: nil)
    }
    // Adapters compute in float32 whatever the model does: their masters are what the decoder reads.
    weights =
      try settings.lowRank == nil
      ? TrainableWeights(decoder.parameters, elementType: elementType, ranks: ranks)
      : TrainableWeights(
        adapters.flatMap { [$0.down, $0.up] }, elementType: elementType == .float64 ? .float64 : .float32,
        ranks: ranks)
    optimizer = try settings.optimizer.kind.make(weights.masters, weights.decays, settings.optimizer)
    try weights.collectGradients(into: optimizer.gradients)
    pass = WindowPass(decoder: decoder, settings: settings, adapters: adapters, lanes: lanes, weights: weights, ranks: ranks)
    let shape = decoder.shape
    var identity = identity
    try settings.add(to: &identity)
    if let checkpoint {
      let stored = TrainingCheckpoint(url: folder.checkpoint(checkpoint))
      state = try stored.state()
      try folder.requireSameRun(identity, as: state.identity)
      if let earlier = LearningRateSchedule(of: state.identity, peak: settings.learningRate, windowsPerEpoch: order.windowsPerEpoch) {
        try schedule.requireContinuation(of: earlier, after: state.step, in: folder.url.path(percentEncoded: false))
      }
      state.identity = identity
      try stored.restore(weights, optimizer, updates: state.step)
      patterns = try stored.patterns(layers: shape.layers, heads: shape.attentionHeads)
      warnings = state.differencesOfMachine()
    } else {
      state = TrainingState(step: 0, identity: identity, samples: 0, tokens: 0, seconds: 0)
      patterns = TrackedPatterns(layers: shape.layers, heads: shape.attentionHeads)
      warnings = []
    }
    state.threads = Engine.threads
    state.vectorCode = Engine.vectorCode
  }

  /// Trains to the end and writes the model.
  ///
  /// - Parameters:
  ///   - savedType: the type in which the model is written.
  ///   - shouldStop: asked after every step; a checkpoint is written and `Stopped` thrown where it says so.
  ///   - progress: told after every line of metrics.
  public func run(savedType: ElementType, shouldStop: () -> Bool = { false }, progress: (Progress) throws -> Void = { _ in }) throws
    -> Summary
  {
    if writes { try folder.make() }
    let metrics = writes ? try MetricsFile(folder.metrics, after: state.step > 0 ? state.step : nil) : nil
    let curves = writes ? try TensorBoardWriter(in: folder.curves, resumingAt: state.step > 0 ? state.step + 1 : nil) : nil
    var clock = StepClock()
    func tell(_ line: StepMetrics) throws {
      try metrics?.append(line)
      for (name, value) in line.scalars { try curves?.scalar(name, value, step: line.step) }
      try progress(Progress(metrics: line, totalSteps: totalSteps, secondsLeft: clock.secondsLeft(totalSteps - line.step)))
    }
    if state.step == 0 { if let line = try measureBase() { try tell(line) } }
    var stopsEarly = false
    while state.step < totalSteps, !stopsEarly {
      clock.start()
      let (line, windowTokens) = try step()
      clock.stop(tokens: windowTokens)
      var complete = line
      complete.tokensPerSecond = clock.lastTokensPerSecond
      state.seconds += clock.lastSeconds
      stopsEarly = try measure(&complete)
      try tell(complete)
      let (isToStop, isToSave) = try agree(shouldStop(), isTimeToSave())
      if isToStop {
        try save()
        throw Stopped(step: state.step)
      }
      if isToSave, state.step < totalSteps, !stopsEarly { try save() }
    }
    try curves?.close()
    return try finish(savedType, clock)
  }

  /// Whether this process writes what the run writes.
  private var writes: Bool { ranks.writes }

  /// Whether any rank is to stop, and whether the first thinks it time to save.
  private func agree(_ stops: Bool, _ saves: Bool) throws -> (stops: Bool, saves: Bool) {
    guard let all = try ranks?.gathered([stops ? 1 : 0, saves ? 1 : 0]) else { return (stops, saves) }
    return (all.contains { $0[0] != 0 }, all[0][1] != 0)
  }

  /// By steps where the settings say so, else every quarter of an hour.
  private func isTimeToSave() -> Bool {
    if let interval = settings.saveInterval { return state.step.isMultiple(of: interval) }
    return ContinuousClock.now - lastSave > .seconds(900)
  }

  /// The pattern and the loss of the base model, where they are asked for.
  private func measureBase() throws -> StepMetrics? {
    var line = StepMetrics(step: 0)
    var isWorthIt = false
    if let windows = settings.noiseFloorWindows, windows > 0 { try measureNoiseFloor(windows) }
    if settings.trackingInterval != nil, !samples.probe.isEmpty {
      try track(&line)
      isWorthIt = true
    }
    if settings.evaluationInterval != nil, !samples.evaluation.isEmpty {
      line.evalLoss = try evaluationLoss()
      isWorthIt = true
    }
    if settings.evaluationInterval != nil, !benchmarks.isEmpty {
      try askBenchmarks(&line)
      isWorthIt = true
    }
    return isWorthIt ? line : nil
  }

  private func track(_ line: inout StepMetrics) throws {
    let tracker = PatternTracker(decoder: decoder, samples: samples.probe, batchTokens: measuringTokens, ranks: ranks)
    if let found = try tracker.measure(weights) { try patterns.add(probe: found, to: &line) }
  }

  /// How much the base model's pattern differs between windows: correlations of later windows' patterns with window 1's.
  private func measureNoiseFloor(_ windows: Int) throws {
    let count = min(windows + 1, order.windowsPerEpoch)
    let windows = try (0..<count).map { number in
      try weights.frozen {
        try PatternTracker.meanMagnitudes(
          of: window(number).filter { $0.labelCount > 0 }, decoder, batchTokens: settings.batchTokens ?? measuringTokens, ranks: ranks)
      }
    }
    guard let first = windows.first else { return }
    patterns.noiseFloor = windows.dropFirst().compactMap { Correlation.pearson($0, first) }
  }

  /// The samples of a step's window, the step counted from 0.
  private func window(_ step: Int) -> [TokenizedSample] {
    let epoch = order.epoch(of: step)
    if epochOrder?.epoch != epoch { epochOrder = (epoch, order.order(ofEpoch: epoch)) }
    return order.window(step, in: epochOrder?.samples ?? []).map { samples.training[$0] }
  }

  /// One update.
  private func step() throws -> (StepMetrics, tokens: Int) {
    let number = state.step
    let members = window(number)
    let result = try pass.run(members, step: number)
    let norm = try weights.gradientNorm(optimizer)
    guard result.loss.isFinite, norm.isFinite else { throw try diverged(number + 1, result, norm) }
    let rate = schedule.rate(at: number)
    // As clip_grad_norm_ does it: no limit is exceeded by less than its 1e-6.
    let divisor = settings.clip > 0 ? max(1, (norm + 1e-6) / settings.clip) : 1
    try optimizer.update(learningRate: rate, gradientDivisor: divisor, copies: weights.copies)
    try weights.publish()
    state.step += 1
    state.samples += members.count
    state.tokens += result.tokens
    var line = StepMetrics(step: state.step)
    line.loss = result.loss
    line.lr = rate
    line.gradNorm = norm
    line.tokens = result.tokens
    line.epoch = order.epoch(of: number) + 1
    if let levels = result.levels { try patterns.add(window: levels, to: &line) }
    return (line, result.tokens)
  }

  /// The error of a loss or gradient that is not finite. Before the first update that is the model's or the data's doing, and afterwards most likely
  /// the rate's; then the weights, which are those of the step before, are saved.
  private func diverged(_ step: Int, _ result: WindowResult, _ norm: Double) throws -> any Error {
    guard state.step > 0 else {
      let sample = result.notFinite.map { "the loss of the sample at index \($0)" } ?? "the loss of the first window"
      return try decoder.notFinite(result.loss.isFinite ? "the gradient norm of the first window is \(norm)" : "\(sample) is not finite")
    }
    try save()
    let narrow: Message =
      weights.elementType == .float32 || weights.elementType == .float64
      ? "" : ", or compute with \(setting: .elementType.set(to: ElementType.float32))"
    return TrainingError(
      "step \(step) gave a loss of \(result.loss) and a gradient norm of \(norm), so its update was not made; the weights after step \(state.step) are in \(folder.checkpoint(state.step).path(percentEncoded: false)): lower \(setting: .learningRate)\(narrow)"
    )
  }

  /// Evaluation and probe set after a step, where it is their turn; whether to stop early.
  private func measure(_ line: inout StepMetrics) throws -> Bool {
    let isLast = state.step == totalSteps
    if let interval = settings.trackingInterval, !samples.probe.isEmpty, state.step.isMultiple(of: interval) || isLast {
      try track(&line)
    }
    guard let interval = settings.evaluationInterval, state.step.isMultiple(of: interval) || isLast else { return false }
    if !benchmarks.isEmpty { try askBenchmarks(&line) }
    guard !samples.evaluation.isEmpty else { return false }
    let loss = try evaluationLoss()
    line.evalLoss = loss
    guard loss < state.bestLoss ?? .infinity else {
      state.evaluationsSinceBest += 1
      return state.evaluationsSinceBest >= settings.patience ?? .max
    }
    state.bestLoss = loss
    state.bestStep = state.step
    state.evaluationsSinceBest = 0
    if settings.patience != nil {
      try writeCheckpoint(to: folder.best(state.step))
      if writes { folder.prune(keeping: settings.keptCheckpoints, best: state.bestStep) }
    }
    return false
  }

  private func askBenchmarks(_ line: inout StepMetrics) throws {
    let values = try weights.frozen { try benchmarks.map { ($0.name, try $0.value()) } }
    line.benchmarks = Dictionary(values) { first, _ in first }
  }

  private func evaluationLoss() throws -> Double {
    try weights.frozen { try pass.meanLoss(of: samples.evaluation, tokenLimit: settings.batchTokens ?? measuringTokens) }
  }

  private func save() throws {
    defer { lastSave = .now }
    try writeCheckpoint(to: folder.checkpoint(state.step))
    guard writes else { return }
    try patterns.write(to: folder.patterns)
    folder.prune(keeping: settings.keptCheckpoints, best: settings.patience == nil ? nil : state.bestStep)
  }

  private func writeCheckpoint(to url: URL) throws {
    func write() throws { try TrainingCheckpoint.write(to: url, state, weights, optimizer, patterns, saved) }
    try ranks?.busyElsewhere(write) ?? write()
  }

  /// Writes the model and the recorded patterns.
  private func finish(_ savedType: ElementType, _ clock: StepClock) throws -> Summary {
    try save()
    var summary = Summary(
      steps: state.step, samples: state.samples, tokens: state.tokens, seconds: state.seconds, tokensPerSecond: clock.tokensPerSecond,
      savedAs: savedType.rawValue)
    if settings.patience != nil, let best = state.bestStep, best != state.step {
      try loadBest(best)
      summary.bestStep = best
    }
    let lines = writes ? try StepMetrics.read(from: folder.metrics) : []
    summary.loss = try LossComparison(
      ranks?.told(lines) ?? lines, keptStep: summary.bestStep ?? state.step, order: order,
      labels: samples.training.map(\.labelCount)
    ) {
      try weights.frozen { try pass.meanLoss(of: window(0), tokenLimit: settings.batchTokens ?? measuringTokens) }
    }
    do {
      try writeModel(savedType)
    } catch let error where error is FileError || error is OutputError {
      let reason: Message = if let error = error as? any ExplainedError { "\(error)" } else { "\(error)" }
      throw TrainingError("\(reason); the last checkpoint holds the whole run, and \(setting: .resume) goes on from it")
    }
    if settings.lowRank == nil {
      let changed = try ChangedShare(of: weights, base: saved.base, savedAs: savedType)
      summary.changedShare = changed.rounded
      summary.changedShareInFloat32 = changed.exact
    }
    return summary
  }

  /// Writes the model in place of the one that an earlier part of the run, or an earlier run, left.
  private func writeModel(_ type: ElementType) throws {
    try weights.gathering {
      let names = saved.names(weights, elementType: type)
      try folder.output.claim(names)
      try saved.write(weights, elementType: type, to: folder.url)
      try folder.output.removeOwn(except: names)
    } others: {
      try saved.gather(weights)
    }
  }

  /// Puts the weights of the best evaluation in place of the last ones.
  private func loadBest(_ step: Int) throws {
    let stored = try TrainingCheckpoint(url: folder.best(step)).masters(of: weights, isAdapter: settings.lowRank != nil)
    try weights.overwrite(with: stored)
  }
}

/// Measures steps; the first of a part is left out of the speed, since it pays for memory that later ones find ready.
struct StepClock {
  private var started = ContinuousClock.now
  private var steps = 0
  private var totalSeconds = 0.0
  private var totalTokens = 0
  private(set) var lastSeconds = 0.0
  private(set) var lastTokensPerSecond = 0.0

  mutating func start() { started = .now }
  mutating func stop(tokens: Int) {
    let passed = ContinuousClock.now - started
    lastSeconds = Double(passed.components.seconds) + Double(passed.components.attoseconds) * 1e-18
    lastTokensPerSecond = lastSeconds > 0 ? Double(tokens) / lastSeconds : 0
    steps += 1
    guard steps > 1 else { return }
    totalSeconds += lastSeconds
    totalTokens += tokens
  }

  /// Tokens a second over all steps but the first; nil where there was only that.
  var tokensPerSecond: Double? { totalSeconds > 0 ? Double(totalTokens) / totalSeconds : nil }
  func secondsLeft(_ remaining: Int) -> Double {
    Double(remaining) * (steps > 1 ? totalSeconds / Double(steps - 1) : lastSeconds)
  }
}
