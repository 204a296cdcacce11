import Reports
import ActivationPatterns
import CheckpointFiles
import Evaluation
import Foundation
public import Ground
import Instructions
import LanguageModels
import Probing
import Tokenizers
import Torch

/// Switches heads off and sets the true change of the loss against what their levels predict.
public struct AblationRun: ResumableRun, RecordedSettings {
  /// `headway ablate` and the keys of its record.
  public static let form: SettingsForm<AblationRun> = SettingsForm(
    "ablate", AblationRun(model: "", data: [], choice: .all),
    [
      .group(\.model), .group(\.data), .oneOf(AblationChoice.names, \.choice), .group(\.benchmark), .path("pattern", \.pattern),
      .setting("seed", \.seed), .setting("cumulative", \.cumulative), .setting("random_orders", \.randomOrders),
      .setting("bootstrap", \.resamples), .output("out", \.out), .output("svg", \.svg), .setting("per_sample", \.keepsSamples),
      .flag("resume", \.resume), .flag("overwrite", \.overwrite),
    ])

  /// The model.
  public var model: ModelSettings
  /// The samples.
  public var data: DataSettings
  /// What is switched off, one by one and, where there are several, all together.
  public var choice: AblationChoice
  /// A pattern file by which heads are ranked, in place of the data at hand.
  public var pattern: String?
  /// The seed of random heads, of random orders and of resamples.
  public var seed: UInt64 = 0
  /// Whether the first 1, 2, …, N of the items are switched off together, too.
  public var cumulative = false
  /// How many random orders that is set against; 5 where nil.
  public var randomOrders: Int?
  /// How many resamples of the samples give the 95% intervals.
  public var resamples = 1000
  /// A benchmark whose questions the data are: the change of accuracy is told beside the change of loss; nil for none.
  public var benchmark: BenchmarkSettings?
  /// Where the result goes as JSON; nil for nowhere.
  public var out: String?
  /// Where a picture goes; nil for nowhere.
  public var svg: String?
  /// Whether the result holds every sample's changes and predictions.
  public var keepsSamples = false
  /// Whether to continue a run that was interrupted.
  public var resume = false
  /// Whether files that Headway did not write are replaced, and an interrupted run's journal thrown away.
  public var overwrite = false

  /// An ablation with the defaults.
  public init(model: String, data: [String], choice: AblationChoice) {
    self.model = ModelSettings(model)
    self.data = DataSettings(data)
    self.choice = choice
  }

  /// Refuses settings that make no sense together, such as a ranking where heads are named, or random orders without `cumulative`.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    try model.validate()
    try data.validate()
    try choice.validate()
    try validateBenchmark()
    if pattern != nil, !choice.ranks {
      throw SettingsError("\(setting: .pattern) ranks heads for \(setting: .strongest) and \(setting: Setting("all")); name one of them")
    }
    if randomOrders != nil, !cumulative {
      throw SettingsError(
        "\(setting: .randomOrders) has no effect without \(setting: Setting("cumulative")); give that too, or leave it out")
    }
    if let randomOrders, !(0...1000).contains(randomOrders) {
      throw SettingsError("\(setting: .randomOrders) takes a number from 0 to 1000, not \(randomOrders)")
    }
    guard (40...1_000_000).contains(resamples) else {
      throw SettingsError("\(setting: .bootstrap) takes a number from 40 (95% intervals need that many) to 1000000, not \(resamples)")
    }
    if resume, out == nil { throw SettingsError("\(setting: .resume) continues the run of an \(setting: .output); name it") }
    for (setting, path, ending) in [(Setting.output, out, "json"), (.svg, svg, "svg")] {
      if let path, URL(filePath: path).pathExtension.lowercased() != ending {
        throw SettingsError("\(setting: setting) names a file that ends in .\(ending), not '\(path)'")
      }
    }
  }

  /// Measures every sample's loss with all gates at 1 and with each item's gates at 0, batch by batch; a journal beside `out` lets `resume` continue.
  /// - Throws: `RunStopped`, `RunError`, `ProbingError`, `ModelError`.
  public func run(_ monitor: RunMonitor) throws -> AblationResult {
    try validate()
    Engine.keepFreedMemory()
    let outputs = OutputGuard(overwrites: overwrite, resumes: resume)
    defer { outputs.release() }
    if let target { try outputs.claim(file: target, as: .result, beside: journals.map { .journal($0, as: .journal) }) }
    if let svg { try outputs.claim(file: URL(filePath: svg), as: .chart) }
    try outputs.protect(
      ModelFolder(named: model.model).inputs + [pattern].compactMap(\.self).flatMap { PatternFile.files(of: URL(filePath: $0)) })
    let loaded = try model.load(monitor)
    let shape = loaded.decoder.shape
    let tokenizer = try Tokenizer.load(from: loaded.tokenizerFolder.url)
    let encoder = try SampleEncoder(tokenizer, for: loaded, maximumLength: data.maximumLength)
    let (dataset, encoded) = try EncodedData.read(data, data.datasetOptions(tokenizer: tokenizer, of: model.model), encoder, shape, monitor)
    try outputs.protect(data.inputs(dataset))
    // What is not there is refused before anything is measured.
    try choice.validate(for: shape)
    let ranking = try pattern.map { try Self.magnitudes(in: $0, shape) }

    let about = AblationResult.About(
      model: loaded.folder.name, modelFingerprint: try loaded.fingerprint(), task: encoded.task, format: dataset.formatName,
      template: dataset.templateName, dataFingerprint: try dataset.fingerprint(), dtype: loaded.decoder.elementType.rawValue,
      maxLength: encoder.maximumLength, choice: choice.text, seed: seed)
    var identity = about.identity
    identity["batch_tokens"] = String(model.batchTokens)
    monitor.identify(identity)
    let (plan, findings) = try measure(loaded.decoder, encoded.samples, ranking, identity, monitor)
    var result = try AblationResult(about, plan, findings, replicates: resamples, skipped: encoded.skipped, keepsSamples: keepsSamples)
    if let benchmark { try ask(benchmark, loaded, tokenizer, plan, identity, outputs, &result, monitor) }
    if let out { try AtomicFile.write(HeadwayJSON.document(result), to: URL(filePath: out)) }
    if let svg { try AtomicFile.write(result.picture(), to: URL(filePath: svg)) }
    removeJournals()
    for warning in result.warnings { monitor.warn(Message(warning)) }
    return result
  }

  /// Levels first, which rank the heads and predict; then the truth.
  private func measure(
    _ decoder: any CausalDecoder, _ samples: [TokenizedSample], _ ranking: [Double]?, _ identity: RunIdentity, _ monitor: RunMonitor
  ) throws -> (AblationPlan, AblationFindings) {
    do {
      let levels = try PatternMeasurement(Probe(decoder, scores: [.signed]), batchTokens: model.batchTokens).run(
        samples, journalOutput: levelsTarget, identity: identity, resume: resume, overwrites: overwrite, shouldStop: monitor.shouldStop,
        progress: { now in
          monitor.progress(
            RunProgress(
              stage: "levels", completed: now.samples, total: now.totalSamples, unit: "samples", secondsLeft: now.secondsLeft))
        })
      let signed = levels.samples.map { ($0.levels[.signed] ?? []).map(Double.init) }
      let magnitudes = (0..<(signed.first?.count ?? 0)).map { entry in
        signed.reduce(0) { $0 + abs($1[entry]) } / Double(max(1, signed.count))
      }
      let items = choice.items(of: decoder.shape, magnitudes: ranking ?? magnitudes, seed: seed)
      let plan = AblationPlan(items, decoder.shape, cumulative: cumulative, randomOrders: randomOrders ?? 5, seed: seed)
      let ablation = try HeadAblation(decoder, sets: plan.sets, batchTokens: model.batchTokens)
      let truth = try AblationMeasurement(ablation).run(
        samples, journalOutput: target, identity: identity, resume: resume, overwrites: overwrite, shouldStop: monitor.shouldStop,
        progress: { now in
          monitor.progress(
            RunProgress(
              stage: "ablation", completed: now.samples, total: now.totalSamples, unit: "samples",
              figures: ["\(Int(now.share * 100))% of the work"], secondsLeft: now.secondsLeft))
        })
      let findings = AblationFindings(
        samples: truth.samples, predictions: signed.map { $0.map { -$0 } }, shape: decoder.shape, tokens: levels.tokens,
        tokenLayers: truth.tokenLayers, seconds: truth.seconds)
      return (plan, findings)
    } catch is PatternMeasurement.Stopped {
      throw RunStopped(canResume: out != nil)
    }
  }

  /// Options are compared with heads switched off; text is not written without them.
  private func validateBenchmark() throws {
    guard let benchmark else { return }
    var questions = DataSettings([])
    questions.files = data.files
    questions.format = data.format
    try benchmark.validate(with: questions)
    guard benchmark.isLoss else { return }
    throw SettingsError("\(setting: .benchmark.set(to: BenchmarkSettings.loss)) is what an ablation measures in any case; leave it out")
  }

  /// Asks the benchmark with each item off, and with all of them.
  private func ask(
    _ benchmark: BenchmarkSettings, _ loaded: LanguageModel, _ tokenizer: Tokenizer, _ plan: AblationPlan, _ identity: RunIdentity,
    _ outputs: OutputGuard, _ result: inout AblationResult, _ monitor: RunMonitor
  ) throws {
    guard let (chosen, variant) = try benchmark.chosen() else { return }
    // The same samples; how the loss writes their prompts is no affair of the benchmark.
    var files = data
    files.template = nil
    files.chat = nil
    files.form = nil
    let questions = try BenchmarkQuestions(benchmark, files, chosen, variant, monitor)
    try outputs.protect(questions.shotData?.files ?? [])
    let measurement = BenchmarkMeasurement(
      model: loaded, tokenizer: tokenizer, encoder: try QuestionEncoder(tokenizer, of: loaded, for: variant, maximumLength: nil),
      batchTokens: model.batchTokens)
    var identity = identity
    identity["benchmark"] = chosen.name
    identity["variant"] = variant.name
    identity["shot_count"] = "\(questions.shots.count)"
    identity["shots_fingerprint"] = try questions.shotData?.fingerprint()
    let accuracies = AblationBenchmark(questions, measurement)
    do {
      let sets = [HeadSet([])] + (plan.single + [plan.together].compactMap(\.self)).map { plan.sets[$0] }
      let found = try accuracies.run(
        sets, journalOutput: benchmarkTarget, identity: identity, resume: resume, overwrites: overwrite, monitor)
      result.add(found, of: questions, sets: plan)
    } catch is BenchmarkMeasurement.Stopped {
      throw RunStopped(canResume: out != nil)
    }
  }

  private var target: URL? { out.map { URL(filePath: $0) } }
  /// The benchmark's journal lies beside a file of this name.
  private var benchmarkTarget: URL? { benchmark == nil ? nil : target?.appendingPathExtension("benchmark") }
  /// The levels' journal lies beside a file of this name.
  private var levelsTarget: URL? { target?.appendingPathExtension("levels") }

  /// Where a run keeps what it found until it is done.
  private var journals: [URL] {
    [
      target.map(AblationMeasurement.journal(beside:)), levelsTarget.map(PatternMeasurement.journal(beside:)),
      benchmarkTarget.map(RunJournal.url(beside:)),
    ].compactMap(\.self)
  }

  private func removeJournals() {
    if let target { AblationMeasurement.removeJournal(beside: target) }
    if let levelsTarget { PatternMeasurement.removeJournal(beside: levelsTarget) }
    if let benchmarkTarget { RunJournal.remove(beside: benchmarkTarget) }
  }

  /// The mean magnitudes that a pattern file holds.
  private static func magnitudes(in path: String, _ shape: DecoderShape) throws -> [Double] {
    let file = try PatternFile.read(from: URL(filePath: path))
    guard case .pattern(let pattern) = file else { throw RunError("\(path) is a change; \(setting: .pattern) takes a pattern file") }
    guard pattern.layers == shape.layers, pattern.heads == shape.attentionHeads else {
      throw RunError(
        "\(path) has \(pattern.layers) layers × \(pattern.heads) heads, but the model has \(shape.layers) × \(shape.attentionHeads); give a pattern of this model"
      )
    }
    guard let levels = pattern.levels[.magnitude] else {
      throw RunError(
        "\(path) has no score magnitude, by which heads are ranked; measure it with \(setting: Setting("score", value: "magnitude"))")
    }
    return levels.mean.values
  }
}

extension Setting {
  fileprivate static let randomOrders = Setting("random_orders")
  fileprivate static let bootstrap = Setting("bootstrap")
  fileprivate static let svg = Setting("svg")
}
