import ActivationPatterns
public import CheckpointFiles
import Evaluation
public import FineTuning
import Foundation
public import Ground
import Instructions
import LanguageModels
import Ranks
import Tokenizers
import Torch

/// Fine-tunes a model: a model and data in, a model folder out, with patterns tracked, losses evaluated and checkpoints written on the way.
///
///     var run = TrainingRun(model: "./llama-3-8b", data: ["gsm8k/train.jsonl"], out: "tuned")
///     run.training.learningRate = 1e-5
///     run.track = "gsm8k/test.jsonl"
///     let result = try run.run()
public struct TrainingRun: ResumableRun, RecordedSettings {
  /// `headway sft` and the keys of its record.
  public static let form: SettingsForm<TrainingRun> = SettingsForm(
    "sft", TrainingRun(model: "", data: [], out: ""),
    [
      .group(\.model), .group(\.data), .group(\.training), .folder("out", \.out), .source("track", \.track),
      .setting("track_format", \.trackFormat), .setting("track_limit", \.trackLimit), .source("eval_data", \.evaluationData),
      .setting("eval_format", \.evaluationFormat), .setting("eval_limit", \.evaluationLimit),
      .rare("eval_benchmark", \.benchmarks, unless: []).mapping { run, change in
        run.benchmarks = run.benchmarks.map { $0.mappingPaths(change) }
      },
      .setting("save_dtype", \.savedType), .flag("resume", \.resume), .flag("overwrite", \.overwrite),
      .flag("ignore_memory", \.ignoreMemory),
    ])

  /// The model; its `batchTokens` are those of measuring the probe set and the evaluation data.
  public var model: ModelSettings
  /// What is learned from.
  public var data: DataSettings
  /// The folder for the trained model, and for everything about the run in its `headway/`.
  public var out: String
  /// How it is trained. Intervals of tracking and evaluation are 10 updates where nil.
  public var training = TrainingSettings()
  /// A probe set whose pattern is measured before the first update and every `training.trackingInterval` updates.
  public var track: String?
  /// The probe set's format; the data's where nil.
  public var trackFormat: String?
  /// The most of its samples that are measured.
  public var trackLimit: Int?
  /// Data on which the loss is measured beside the training.
  public var evaluationData: String?
  /// The evaluation data's format; the data's where nil.
  public var evaluationFormat: String?
  /// The most of its samples that are evaluated.
  public var evaluationLimit: Int?
  /// Benchmarks that are asked where the evaluation data would be measured, in their default variants with Headway's own shots.
  public var benchmarks: [NamedBenchmark] = []
  /// The type the model is written in; the input's where nil, and float32 for adapters.
  public var savedType: ElementType?
  /// Whether to continue a run that was interrupted, to the same bits.
  public var resume = false
  /// Whether to delete an earlier run in the folder.
  public var overwrite = false
  /// Whether to start even where the run needs more memory than the machine has.
  public var ignoreMemory = false

  /// Ranks share each window's batches.
  public static let sharesWork = true

  /// A training with the paper's settings.
  public init(model: String, data: [String], out: String) {
    self.model = ModelSettings(model)
    self.data = DataSettings(data)
    self.out = out
  }

  /// Trains, and writes a checkpoint whenever one is due and where it is told to stop.
  /// - Throws: `RunStopped` with the step that `resume` continues after, `TrainingError`, `RunError`, `ModelError`, `NotFiniteError`.
  public func run(_ monitor: RunMonitor) throws -> TrainingResult {
    try validate()
    Engine.keepFreedMemory()
    var settings = resolved.training
    settings.ranks = monitor.ranks?.count ?? 1
    let folder = TrainingFolder(URL(filePath: out, directoryHint: .isDirectory))
    let earlier = try identityOfEarlierRun(folder)
    let outputs = OutputGuard(overwrites: overwrite, resumes: resume)
    defer { outputs.release() }
    if monitor.writes {
      try outputs.claim(folder: folder.output, canResume: earlier != nil || folder.holdsBeginning)
      try RunRecord.claim(folder.record)
    }
    let checkpoint = try lastCheckpoint(folder, monitor)
    if resume, checkpoint == nil { monitor.note("note: \(out) holds no checkpoint, so the run starts from the beginning") }

    let base = try ModelFolder(named: model.model)
    try outputs.protect(base.inputs)
    let storedType = try LanguageModel.storedType(of: base)
    let device = try model.chosenDevice(monitor)
    if monitor.ranks != nil, device != .cpu {
      throw RunError(
        "several ranks fine-tune on processors alone, not on \(device); set \(setting: .device.set(to: Device.cpu)), or start one process")
    }
    let (type, typeNote) = LanguageModel.computeType(asked: model.elementType, stored: storedType, device: device)
    if let typeNote { monitor.note("note: \(typeNote)") }
    try Engine.setThreads(model.threads ?? monitor.ranks?.processors ?? Engine.availableProcessors())
    // Full fine-tuning starts from exact values; a checkpoint holds them in float32.
    let isWhole = settings.lowRank == nil
    let source = isWhole ? try checkpoint.map { try ModelFolder(named: folder.checkpoint($0).path(percentEncoded: false)) } ?? base : base
    let loaded = try LanguageModel(source, elementType: isWhole ? .float32 : type, device: device)
    for note in loaded.notes { monitor.note("note: \(note)") }

    var (samples, contents) = try readSamples(loaded, base, outputs, monitor)
    let asked = try benchmarks.map { try readBenchmark($0, base, loaded, outputs, &contents, monitor) }
    let identity = try identity(contents, settings, type, device)
    if resume, let earlier { try folder.requireSameRun(identity, as: earlier) }
    try monitor.settle(identity)
    try announce(loaded, settings, type, samples, monitor)
    let trainer = try Trainer(
      loaded, base: base, elementType: type, settings: settings, samples: samples, folder: folder, identity: identity,
      measuringTokens: model.batchTokens, ranks: monitor.ranks, resumingAfter: checkpoint)
    trainer.benchmarks = asked
    for warning in trainer.warnings { monitor.warn(warning) }
    if let checkpoint { monitor.note("continuing after step \(checkpoint) of \(trainer.totalSteps)") }
    // Model, data and settings are sound: only now is anything of an earlier run deleted.
    if monitor.writes {
      if overwrite { try folder.clear() }
      try folder.make()
      try AtomicFile.write(RunRecord.text(of: self, at: folder.record, identity: identity, seconds: nil), to: folder.record)
    }
    let summary = try train(trainer, savedType ?? (isWhole ? storedType : .float32), monitor)
    try monitor.leaveTheRestToTheFirst()
    try TrainingCurves(folder).write(to: folder)
    let result = try TrainingResult(out: out, summary, folder)
    try AtomicFile.write(HeadwayJSON.document(result), to: folder.summary)
    return result
  }

  /// The intervals of tracking and evaluation filled in: 10 updates where there is something to measure, and 4 windows for the noise floor.
  public var resolved: TrainingRun {
    var run = self
    run.training.trackingInterval = track == nil ? nil : training.trackingInterval ?? 10
    run.training.evaluationInterval = evaluationData == nil && benchmarks.isEmpty ? nil : training.evaluationInterval ?? 10
    run.training.noiseFloorWindows = training.recordsWindows ? training.noiseFloorWindows ?? (track == nil ? 0 : 4) : 0
    return run
  }

  /// All parts of the run, those before an interruption too.
  public static func seconds(of result: TrainingResult) -> Double? { result.seconds }

  /// The checkpoint that all ranks go on from.
  private func lastCheckpoint(_ folder: TrainingFolder, _ monitor: RunMonitor) throws -> Int? {
    let own = resume ? folder.savedSteps().first : nil
    guard let ranks = monitor.ranks, let step = try ranks.told(own) else { return own }
    guard FileKind(of: folder.checkpoint(step)) == .folder else {
      throw RunError(
        "rank \(ranks.rank) does not see \(folder.checkpoint(step).path(percentEncoded: false)), from which the first one goes on; let \(setting: .output) be on a file system that all ranks have"
      )
    }
    return step
  }

  /// What the run that was started in the folder was; nil where none was.
  private func identityOfEarlierRun(_ folder: TrainingFolder) throws -> RunIdentity? {
    if let earlier = RunRecord.identity(in: folder.record, of: Self.name) { return earlier }
    if resume, FileManager.default.fileExists(atPath: folder.earlierSettings.path(percentEncoded: false)) {
      throw RunError(
        "\(out) holds a run of an earlier version (headway/settings.json in place of headway/run.yaml), which this one cannot continue; finish it with that version, or start over by \(setting: .overwrite)"
      )
    }
    return nil
  }

  /// What a resume must find again.
  private func identity(_ contents: RunIdentity, _ settings: TrainingSettings, _ type: ElementType, _ device: Device) throws -> RunIdentity
  {
    var identity = contents
    identity["dtype"] = type.rawValue
    identity["device"] = device.description
    identity["batch_tokens"] = "\(model.batchTokens)"
    try settings.add(to: &identity)
    return identity
  }

  /// Reads and encodes all data.
  /// - Returns: the samples, and where they and the model come from.
  private func readSamples(
    _ loaded: LanguageModel, _ base: ModelFolder, _ outputs: OutputGuard, _ monitor: RunMonitor
  ) throws -> (Trainer.Samples, RunIdentity) {
    let tokenizer = try Tokenizer.load(from: base.url)
    let encoder = try SampleEncoder(tokenizer, for: loaded, maximumLength: data.maximumLength)
    func read(_ settings: DataSettings, _ what: String) throws -> [TokenizedSample] {
      let (dataset, encoded) = try EncodedData.read(
        settings, settings.datasetOptions(tokenizer: tokenizer, of: model.model), encoder, loaded.decoder.shape, as: what, monitor)
      try outputs.protect(settings.inputs(dataset))
      let usable = encoded.samples.filter { $0.labelCount > 0 }
      let tokens = usable.reduce(0) { $0 + $1.tokens.count }
      monitor.note(
        "\(what): \(usable.count) samples, \(tokens) tokens; \(encoded.skipped) without a label skipped, \(encoded.truncated) cut at \(encoder.maximumLength) tokens"
      )
      return usable
    }
    var samples = Trainer.Samples(training: try read(data, "data"))
    var identity = Provenance(
      modelFingerprint: try LanguageModel.fingerprint(of: base), dataFingerprint: TokenizedSample.fingerprint(of: samples.training),
      maxLength: data.maximumLength
    ).identity
    if let evaluationData {
      samples.evaluation = try read(beside(evaluationData, evaluationFormat, evaluationLimit), "evaluation")
      identity["evaluation_fingerprint"] = TokenizedSample.fingerprint(of: samples.evaluation)
    }
    if let track {
      samples.probe = try read(beside(track, trackFormat, trackLimit), "probe set")
      identity["probe_fingerprint"] = TokenizedSample.fingerprint(of: samples.probe)
    }
    return (samples, identity)
  }

  /// Reads a benchmark's questions; its value is taken whenever it is asked for.
  private func readBenchmark(
    _ asked: NamedBenchmark, _ base: ModelFolder, _ loaded: LanguageModel, _ outputs: OutputGuard, _ identity: inout RunIdentity,
    _ monitor: RunMonitor
  ) throws -> (name: String, value: () throws -> Double) {
    let settings = BenchmarkSettings(asked.name)
    guard let (benchmark, variant) = try settings.chosen() else { throw asked.isLoss }
    var data = DataSettings([asked.file])
    data.limit = evaluationLimit
    let questions = try BenchmarkQuestions(settings, data, benchmark, variant, monitor)
    try outputs.protect(data.inputs(questions.dataset))
    identity["benchmark_\(asked.name)_fingerprint"] = try questions.dataset.fingerprint()
    let tokenizer = try Tokenizer.load(from: base.url)
    let measurement = BenchmarkMeasurement(
      model: loaded, tokenizer: tokenizer, encoder: try QuestionEncoder(tokenizer, of: loaded, for: variant, maximumLength: nil),
      batchTokens: model.batchTokens, ranks: monitor.ranks)
    return (
      asked.name,
      {
        let replies = try measurement.run(questions.questions)
        guard monitor.writes else { return .nan }
        let result = ScoredBenchmark(questions, replies).result
        guard let value = result.value else {
          throw RunError("\(asked.file): no answer is published, so \(asked.name) has no value; give a part with answers")
        }
        return value
      }
    )
  }

  /// How another file is read: as the training data, but whole and in its own format where one is named.
  private func beside(_ file: String, _ format: String?, _ limit: Int?) -> DataSettings {
    var settings = data
    settings.files = [TaskFile(text: file)]
    settings.format = format ?? data.format
    settings.limit = limit
    settings.sample = nil
    settings.holdOut = nil
    settings.deduplicates = false
    return settings
  }

  /// What the run will need, against what the machine has.
  private func announce(
    _ loaded: LanguageModel, _ settings: TrainingSettings, _ type: ElementType, _ samples: Trainer.Samples, _ monitor: RunMonitor
  ) throws {
    let plan = Trainer.memoryPlan(loaded, settings, elementType: type, samples, measuringTokens: model.batchTokens)
    func gigabytes(_ bytes: Int) -> String {
      bytes < 1_000_000_000 ? "\(bytes / 1_000_000) MB" : String(format: "%.1f GB", Double(bytes) / 1e9)
    }
    let parts = plan.parts.map { "\($0.name) \(gigabytes($0.bytes))" }.joined(separator: ", ")
    monitor.note("memory: about \(gigabytes(plan.total)) (\(parts))")
    // Ranks on one machine have it together.
    let sharing = monitor.ranks?.localCount ?? 1
    guard loaded.decoder.device == .cpu, let total = MachineMemory.total.map({ $0 / sharing }) else { return }
    let remedies: [Message] = plan.remedies.map { "\($0.change) would need \(gigabytes($0.bytes))" }
    let remedy = remedies.first.map { first in remedies.dropFirst().reduce(first) { $0 + ", " + $1 } } ?? "take a smaller model"
    if plan.total > total, !ignoreMemory {
      throw RunError(
        "the run needs about \(gigabytes(plan.total)) (\(parts)), but the machine has \(gigabytes(total))\(sharing > 1 ? " for each of \(sharing) ranks" : ""): \(remedy); \(setting: Setting("ignore_memory")) starts it anyway"
      )
    }
    if let available = MachineMemory.available.map({ $0 / sharing }), plan.total > available {
      monitor.warn("the run needs about \(gigabytes(plan.total)), but only \(gigabytes(available)) are free: \(remedy)")
    }
  }

  private func train(_ trainer: Trainer, _ savedType: ElementType, _ monitor: RunMonitor) throws -> Trainer.Summary {
    func figure(_ name: String, _ value: Double?, _ format: String) -> String? { value.map { "\(name) \(String(format: format, $0))" } }
    do {
      return try trainer.run(savedType: savedType, shouldStop: monitor.shouldStop) { now in
        monitor.progress(
          RunProgress(
            completed: now.metrics.step, total: now.totalSteps, unit: "steps",
            figures: [figure("loss", now.metrics.loss, "%.4f"), figure("rate", now.metrics.lr, "%.3g")].compactMap(\.self)
              + (now.metrics.benchmarks ?? [:]).sorted { $0.key < $1.key }.compactMap { figure($0.key, $0.value, "%.4f") },
            tokensPerSecond: now.metrics.tokensPerSecond, secondsLeft: now.secondsLeft))
      }
    } catch let stopped as Trainer.Stopped {
      throw RunStopped(canResume: true, step: stopped.step)
    }
  }
}

// MARK: - Settings that make no sense

extension TrainingRun {
  /// Refuses numbers out of range, and settings that have no effect without another one.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    try model.validate()
    try data.validate()
    if resume, overwrite {
      throw SettingsError("\(setting: .resume) continues a run and \(setting: .overwrite) deletes it; name one of them")
    }
    if let savedType, ![.float32, .bfloat16].contains(savedType) {
      throw SettingsError("\(setting: Setting("save_dtype")) takes float32 or bfloat16, not \(savedType)")
    }
    try validateTraining()
    try validateTracking()
  }

  private func validateTraining() throws {
    for (name, value) in [
      ("batch_size", training.batchSize), ("accumulate", training.gradientAccumulation), ("pack_tokens", training.batchTokens),
      ("epochs", training.epochs), ("steps", training.steps), ("save_every", training.saveInterval), ("keep", training.keptCheckpoints),
      ("lora_rank", training.lowRank?.rank),
    ] {
      try SettingsCheck.atLeast(1, name, value)
    }
    if training.epochs != nil, training.steps != nil {
      throw SettingsError("\(setting: Setting("epochs")) and \(setting: Setting("steps")) both say how long; name one of them")
    }
    guard OptimizerSettings.names.contains(training.optimizer.name) else {
      throw SettingsError(
        "\(setting: Setting("optimizer")) takes one of \(OptimizerSettings.names.joined(separator: ", ")), not '\(training.optimizer.name)'"
      )
    }
    try SettingsCheck.within("of at least 0", "lr", training.learningRate) { $0 >= 0 }
    try SettingsCheck.within("from 0 to 1", "warmup_ratio", training.warmupRatio) { (0...1).contains($0) }
    try SettingsCheck.within("of at least 0", "weight_decay", training.optimizer.weightDecay) { $0 >= 0 }
    try SettingsCheck.within("from 0 to below 1", "beta1", training.optimizer.beta1) { (0..<1).contains($0) }
    try SettingsCheck.within("from 0 to below 1", "beta2", training.optimizer.beta2) { (0..<1).contains($0) }
    try SettingsCheck.within("above 0", "epsilon", training.optimizer.epsilon) { $0 > 0 }
    try SettingsCheck.within("of at least 0", "clip", training.clip) { $0 >= 0 }
    if let lowRank = training.lowRank {
      try SettingsCheck.within("from 0 to below 1", "lora_dropout", lowRank.dropout) { (0..<1).contains($0) }
      try SettingsCheck.within("that is finite", "lora_alpha", lowRank.alpha) { _ in true }
      if lowRank.targets.isEmpty { throw SettingsError("\(setting: Setting("lora_targets")) names no layer") }
    }
  }

  private func validateTracking() throws {
    for (name, value) in [
      ("track_every", training.trackingInterval), ("track_limit", trackLimit), ("eval_every", training.evaluationInterval),
      ("eval_limit", evaluationLimit), ("patience", training.patience),
    ] {
      try SettingsCheck.atLeast(1, name, value)
    }
    try SettingsCheck.atLeast(0, "noise_floor", training.noiseFloorWindows)
    try SettingsCheck.nothing(
      of: ["track_every": training.trackingInterval != nil, "track_format": trackFormat != nil, "track_limit": trackLimit != nil],
      without: "track", track != nil)
    try SettingsCheck.nothing(
      of: ["eval_format": evaluationFormat != nil, "patience": training.patience != nil], without: "eval_data", evaluationData != nil)
    try SettingsCheck.nothing(
      of: ["eval_every": training.evaluationInterval != nil, "eval_limit": evaluationLimit != nil], without: "eval_data",
      evaluationData != nil || !benchmarks.isEmpty)
    for (place, asked) in benchmarks.enumerated() {
      if asked.name == BenchmarkSettings.loss { throw asked.isLoss }
      _ = try BenchmarkSettings(asked.name).chosen()
      if benchmarks.prefix(place).contains(where: { $0.name == asked.name }) {
        throw SettingsError("\(setting: .evaluationBenchmark) names \(asked.name) twice; name it once")
      }
    }
    if !training.recordsWindows, (training.noiseFloorWindows ?? 0) > 0 {
      throw SettingsError(
        "\(setting: Setting("noise_floor")) belongs to the windows' patterns, which \(setting: Setting("no_window_patterns")) leaves out; name one of them"
      )
    }
    for (name, format) in [("track_format", trackFormat), ("eval_format", evaluationFormat)] {
      if let format, !DatasetFormats.names.contains(format) {
        throw SettingsError("\(setting: Setting(name)) takes one of \(DatasetFormats.names.joined(separator: ", ")), not '\(format)'")
      }
    }
  }
}
