import CheckpointFiles
import Evaluation
import Foundation
public import Ground
import Instructions
import LanguageModels
import Tokenizers
import Torch

/// Asks a model a benchmark's questions and scores what it replies.
///
/// The same figures come out whatever the batch: in float32 to rounding, and choices that rounding could decide are counted.
public struct EvaluationRun: ResumableRun, RecordedSettings {
  /// `headway evaluate` and the keys of its record.
  public static let form: SettingsForm<EvaluationRun> = SettingsForm(
    "evaluate", EvaluationRun(model: "", benchmark: "", data: []),
    [
      .group(\.model), .group(\.benchmark), .group(\.questions), .setting("max_length", \.maximumLength, writesNil: true),
      .output("out", \.out), .output("predictions", \.predictions), .flag("resume", \.resume), .flag("overwrite", \.overwrite),
    ])

  /// The model.
  public var model: ModelSettings
  /// The benchmark, its variant and shots.
  public var benchmark: BenchmarkSettings
  /// The questions. Their `maximumLength` has no part here.
  public var data: DataSettings
  /// The most tokens of a prompt and what follows; the model's own number where nil, and 1024 for losses.
  public var maximumLength: Int?
  /// Where the result goes as JSON; nil for nowhere.
  public var out: String?
  /// Where a line a question goes; nil for nowhere.
  public var predictions: String?
  /// Whether to continue a run that was interrupted.
  public var resume = false
  /// Whether files that Headway did not write are replaced, and an interrupted run's journal thrown away.
  public var overwrite = false

  /// Ranks share the batches.
  public static let sharesWork = true
  /// With `resume`, where there is an output to go on with.
  public var goingOn: Self {
    var run = self
    run.resume = target != nil
    run.overwrite = false
    return run
  }

  /// An evaluation with the defaults.
  public init(model: String, benchmark: String, data: [String]) {
    self.model = ModelSettings(model)
    self.benchmark = BenchmarkSettings(benchmark)
    self.data = DataSettings(data)
  }

  /// The data as a record has it: a length that is not given is the model's, not that of other runs.
  private var questions: DataSettings {
    get { data }
    set {
      data = newValue
      data.maximumLength = DataSettings([]).maximumLength
    }
  }

  /// Journal and record lie beside the result, or else beside the predictions.
  private var target: URL? { output.map { URL(filePath: $0) } }

  /// Refuses settings that make no sense together: an unknown benchmark or variant, a format that it is not published in, shots where it shows none,
  /// `resume` without an output.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    try model.validate()
    try data.validate()
    try benchmark.validate(with: data)
    if let maximumLength, maximumLength < 2 {
      throw SettingsError("\(setting: .maximumLength) takes a number from 2 on, not \(maximumLength)")
    }
    if resume, target == nil {
      throw SettingsError(
        "\(setting: .resume) continues the run of an \(setting: .output) or \(setting: .predictions); name it")
    }
    for (setting, path, ending) in [(Setting.output, out, "json"), (.predictions, predictions, "jsonl")] {
      if let path, URL(filePath: path).pathExtension.lowercased() != ending {
        throw SettingsError("\(setting: setting) names a file that ends in .\(ending), not '\(path)'")
      }
    }
  }

  /// Asks every question, in batches that are planned from the questions alone; each batch goes into a journal beside the output, from which `resume`
  /// continues.
  /// - Throws: `RunStopped`, and `EvaluationError`, `RunError`, `ModelError` for data, shots and models that do not fit.
  public func run(_ monitor: RunMonitor) throws -> EvaluationOutcome {
    try validate()
    let outputs = OutputGuard(overwrites: overwrite, resumes: resume)
    defer { outputs.release() }
    let journal = target.map { [OutputGuard.Companion.journal(RunJournal.url(beside: $0), as: .journal)] } ?? []
    if let out, monitor.writes { try outputs.claim(file: URL(filePath: out), as: .result, beside: journal) }
    if let predictions, monitor.writes {
      try outputs.claim(file: URL(filePath: predictions), as: .predictions, beside: out == nil ? journal : [])
    }
    try outputs.protect(ModelFolder(named: model.model).inputs)
    do {
      let outcome = try evaluate(outputs, monitor)
      if let out { try AtomicFile.write(HeadwayJSON.document(outcome), to: URL(filePath: out)) }
      if let target { RunJournal.remove(beside: target) }
      return outcome
    } catch is BenchmarkMeasurement.Stopped {
      throw RunStopped(canResume: target != nil)
    }
  }

  private func evaluate(_ outputs: OutputGuard, _ monitor: RunMonitor) throws -> EvaluationOutcome {
    guard let (chosen, variant) = try benchmark.chosen() else { return try losses(outputs, monitor) }
    // Questions first: what is wrong with them is told before weights are read.
    let questions = try BenchmarkQuestions(benchmark, data, chosen, variant, monitor)
    try outputs.protect(data.inputs(questions.dataset) + (questions.shotData?.files ?? []))
    let loaded = try model.load(monitor)
    let tokenizer = try Tokenizer.load(from: loaded.tokenizerFolder.url)
    let encoder = try QuestionEncoder(tokenizer, of: loaded, for: variant, maximumLength: maximumLength)
    var about = try about(loaded, questions.dataset, encoder.maximumLength)
    about.shotsFingerprint = try questions.shotData?.fingerprint()
    var identity = about.identity(batchTokens: model.batchTokens)
    identity["benchmark"] = chosen.name
    identity["variant"] = variant.name
    identity["shots"] = "\(questions.shots.count)"
    identity["questions"] = "\(questions.questions.count)"
    try monitor.settle(identity)
    let measurement = BenchmarkMeasurement(
      model: loaded, tokenizer: tokenizer, encoder: encoder, batchTokens: model.batchTokens, ranks: monitor.ranks)
    let started = ContinuousClock.now
    let replies = try measurement.run(questions.questions, journal(identity, monitor), monitor)
    try monitor.leaveTheRestToTheFirst()
    let scored = ScoredBenchmark(questions, replies)
    if let predictions { try write(scored.predictions, to: URL(filePath: predictions)) }
    scored.tell(monitor, seconds: (ContinuousClock.now - started).inSeconds)
    return EvaluationOutcome(scored.result, about)
  }

  /// The mean loss of the responses of any dataset.
  private func losses(_ outputs: OutputGuard, _ monitor: RunMonitor) throws -> EvaluationOutcome {
    let loaded = try model.load(monitor)
    let tokenizer = try Tokenizer.load(from: loaded.tokenizerFolder.url)
    let encoder = try SampleEncoder(tokenizer, for: loaded, maximumLength: maximumLength ?? data.maximumLength)
    let (dataset, encoded) = try EncodedData.read(
      data, data.datasetOptions(tokenizer: tokenizer, of: model.model), encoder, loaded.decoder.shape, monitor)
    try outputs.protect(data.inputs(dataset))
    let about = try about(loaded, dataset, encoder.maximumLength)
    var identity = about.identity(batchTokens: model.batchTokens)
    identity["benchmark"] = benchmark.benchmark
    identity["template"] = dataset.templateName
    try monitor.settle(identity)
    let found = try LossMeasurement(decoder: loaded.decoder, batchTokens: model.batchTokens).run(
      encoded.samples, journal(identity, monitor), monitor)
    try monitor.leaveTheRestToTheFirst()
    if let predictions {
      let reader = dataset.instructions()
      var samples: [Int: Instruction] = [:]
      while let sample = try reader.next() { samples[sample.index] = sample }
      let lines = found.compactMap { loss in
        samples[loss.index].map { Prediction($0, logProbability: loss.logProbability, labels: loss.labels) }
      }
      try write(lines, to: URL(filePath: predictions))
    }
    let labels = found.reduce(0) { $0 + $1.labels }
    return EvaluationOutcome(
      EvaluationResult(
        losses: found.map(\.loss), template: dataset.templateName, skipped: encoded.skipped, truncated: encoded.truncated), about,
      labelLoss: -found.reduce(0) { $0 + $1.logProbability } / Double(max(1, labels)), labels: labels)
  }

  private func about(_ loaded: LanguageModel, _ dataset: Dataset, _ maximumLength: Int) throws -> EvaluationOutcome.About {
    EvaluationOutcome.About(
      model: loaded.folder.name, modelFingerprint: try loaded.fingerprint(), dataFingerprint: try dataset.fingerprint(),
      format: dataset.formatName, dtype: loaded.decoder.elementType.rawValue, maxLength: maximumLength)
  }

  private func journal(_ identity: RunIdentity, _ monitor: RunMonitor) -> BenchmarkMeasurement.Journal {
    BenchmarkMeasurement.Journal(output: monitor.writes ? target : nil, identity: identity, resume: resume, overwrites: overwrite)
  }

  private func write(_ predictions: [Prediction], to url: URL) throws {
    var text = Data()
    for prediction in predictions { text += try HeadwayJSON.document(prediction) }
    try AtomicFile.write(text, to: url)
  }
}

extension EvaluationOutcome.About {
  /// What must be equal for a run to be gone on with.
  fileprivate func identity(batchTokens: Int) -> RunIdentity {
    var identity = RunIdentity()
    identity["model"] = model
    identity["model_fingerprint"] = modelFingerprint
    identity["data_fingerprint"] = dataFingerprint
    if let shotsFingerprint { identity["shots_fingerprint"] = shotsFingerprint }
    identity["format"] = format
    identity["dtype"] = dtype
    identity["max_length"] = "\(maxLength)"
    identity["batch_tokens"] = "\(batchTokens)"
    return identity
  }
}

extension QuestionEncoder {
  /// An encoder with the tokenizer of a model.
  /// - Parameter maximumLength: the model's own number where nil; learned positions end there.
  init(_ tokenizer: Tokenizer, of model: LanguageModel, for variant: any Variant, maximumLength: Int?) throws {
    let shape = model.decoder.shape
    let samples = try SampleEncoder(tokenizer, for: model, maximumLength: maximumLength ?? shape.maximumPositions)
    self.init(tokenizer, endOfSequence: samples.endOfSequence, for: variant, maximumLength: samples.maximumLength)
  }
}
