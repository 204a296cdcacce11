import CheckpointFiles
import Instructions
public import ActivationPatterns
import Foundation
public import Ground
import LanguageModels
public import Probing
import Tokenizers
import Torch

/// Measures the pattern of a task: a model and data in, the levels of every attention head out, in a file.
public struct PatternRun: Run, RecordedSettings {
  /// `headway pattern` and the keys of its record.
  public static let form: SettingsForm<PatternRun> = SettingsForm(
    "pattern", PatternRun(model: "", data: [], out: ""),
    [
      .group(\.model), .group(\.data), .output("out", \.out), .setting("task", \.task), .setting("score", \.scores),
      .setting("per_sample", \.keepsSamples), .setting("tokens", \.tokens),
      .setting("token_heads", \.tokenHeads), .setting("loss", \.loss), .setting("memory", \.memory), .flag("resume", \.resume),
      .flag("overwrite", \.overwrite),
    ])

  /// The model.
  public var model: ModelSettings
  /// The task's samples.
  public var data: DataSettings
  /// Where the pattern goes: `.safetensors`, `.npy` or `.npz`.
  public var out: String
  /// The task's name; the data's own where nil.
  public var task: String?
  /// What is read off.
  public var scores = [Score.magnitude]
  /// Whether every sample's levels are kept, which intervals and comparisons need.
  public var keepsSamples = false
  /// How many samples of each of the strongest heads are told token by token beside the pattern (``TokenFile``); nil for none.
  public var tokens: Int?
  /// How many heads these are; 10 where nil.
  public var tokenHeads: Int?
  /// How losses are averaged.
  public var loss = PatternMeasurement.Loss.sample
  /// What is kept of a pass for its way back.
  public var memory = ActivationMemory.automatic
  /// Whether to continue a run that was interrupted.
  public var resume = false
  /// Whether to replace a file that Headway did not write, and to throw away what an interrupted run left.
  public var overwrite = false

  /// Ranks share the batches.
  public static let sharesWork = true
  /// With `resume`.
  public var goingOn: Self {
    var run = self
    run.resume = true
    run.overwrite = false
    return run
  }

  /// A pattern with the defaults.
  public init(model: String, data: [String], out: String) {
    self.model = ModelSettings(model)
    self.data = DataSettings(data)
    self.out = out
  }

  /// Refuses what model and data refuse, a name that no pattern file has, and several scores for an `.npy` file.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    try model.validate()
    try data.validate()
    if scores.isEmpty { throw SettingsError("\(setting: Setting("score")) names no score") }
    try requirePatternName(out)
    for (setting, count) in [(Setting.tokens, tokens), (.tokenHeads, tokenHeads)] {
      if let count, count < 1 { throw SettingsError("\(setting: setting) takes a number from 1 on, not \(count)") }
    }
    if tokenHeads != nil, tokens == nil {
      throw SettingsError("\(setting: .tokenHeads) has no effect without \(setting: .tokens); give that too, or leave it out")
    }
    let count = Set(scores).count
    if URL(filePath: out).pathExtension.lowercased() == "npy", count > 1 {
      throw SettingsError(
        "an .npy file holds one score and \(setting: Setting("score")) names \(count); name one, or let \(setting: .output) end in .safetensors or .npz"
      )
    }
  }

  /// Measures the samples batch by batch and writes the pattern; a journal beside `out` lets `resume` continue to the same bytes.
  /// - Throws: `RunStopped`, `DataError`, `ModelError`, `ProbingError`, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> PatternResult {
    try validate()
    let target = URL(filePath: out)
    let outputs = OutputGuard(overwrites: overwrite, resumes: resume)
    defer { outputs.release() }
    let journal = PatternMeasurement.journal(beside: target)
    let tokensTarget = TokenFile.url(beside: target)
    if monitor.writes {
      try outputs.claim(
        pattern: target, keepsSamples: keepsSamples,
        beside: [.journal(journal, as: .journal)] + (tokens == nil ? [] : [.part(tokensTarget, as: .tokens)]))
    }
    try outputs.protect(ModelFolder(named: model.model).inputs)
    let loaded = try model.load(monitor)
    let tokenizer = try Tokenizer.load(from: loaded.tokenizerFolder.url)
    let encoder = try SampleEncoder(tokenizer, for: loaded, maximumLength: data.maximumLength)
    let (dataset, encoded) = try EncodedData.read(
      data, data.datasetOptions(tokenizer: tokenizer, of: model.model), encoder, loaded.decoder.shape, monitor)
    try outputs.protect(data.inputs(dataset))

    var provenance = Provenance(
      model: loaded.folder.name, modelFingerprint: try loaded.fingerprint(), architecture: loaded.decoder.shape.description,
      task: task ?? encoded.task, format: dataset.formatName, template: dataset.templateName, dataFingerprint: try dataset.fingerprint(),
      maxLength: encoder.maximumLength, loss: loss.description, dtype: loaded.decoder.elementType.rawValue, seed: String(data.seed))
    var identity = provenance.identity
    identity["score"] = scores.map(\.rawValue).joined(separator: ",")
    identity["batch_tokens"] = String(model.batchTokens)
    identity["memory"] = memory.rawValue
    try monitor.settle(identity)

    let probe = Probe(loaded.decoder, scores: scores, memory: memory)
    let measurement = PatternMeasurement(probe, loss: loss, batchTokens: model.batchTokens, ranks: monitor.ranks)
    let found = try measure(measurement, encoded, target, identity, monitor)
    try monitor.leaveTheRestToTheFirst()
    provenance.samples = found.index.count
    provenance.skipped = encoded.skipped
    provenance.tokens = found.tokens
    let contents = encoded.contentFingerprints(of: found.index)
    provenance.samplesFingerprint = Provenance.fingerprint(ofSamples: contents)
    let pattern = try assemble(found, provenance, loaded.decoder.shape, encoded, contents)
    // Tokens of an earlier pattern of this name are not this one's.
    if OutputKind.tokens.isOwn(tokensTarget) { try? FileManager.default.removeItem(at: tokensTarget) }
    if let tokens { try tokenFile(tokens, measurement, pattern, found, encoded, tokenizer, monitor).write(to: tokensTarget) }
    try pattern.write(to: target)
    PatternMeasurement.removeJournal(beside: target)
    return PatternResult(out: out, pattern, found, encoded)
  }

  private func measure(
    _ measurement: PatternMeasurement, _ encoded: EncodedData, _ target: URL, _ identity: RunIdentity, _ monitor: RunMonitor
  ) throws -> PatternMeasurement.KeptResult {
    do {
      return try measurement.runKeepingJournal(
        encoded.samples, journalOutput: target, identity: identity, resume: resume, overwrites: overwrite,
        shouldStop: monitor.shouldStop,
        progress: { now in
          monitor.progress(
            RunProgress(
              completed: now.samples, total: now.totalSamples, unit: "samples", tokensPerSecond: now.tokensPerSecond,
              secondsLeft: now.secondsLeft))
        })
    } catch is PatternMeasurement.Stopped {
      throw RunStopped(canResume: true)
    }
  }

  /// The strongest samples of the strongest heads, measured once more: only now is known which they are.
  private func tokenFile(
    _ count: Int, _ measurement: PatternMeasurement, _ pattern: ActivationPattern, _ found: PatternMeasurement.KeptResult,
    _ encoded: EncodedData, _ tokenizer: Tokenizer, _ monitor: RunMonitor
  ) throws -> TokenFile {
    // In the order of `Score.allCases` magnitude, by which heads are ranked, comes first.
    guard let score = pattern.scores.first, let mean = pattern.levels[score]?.mean, let levels = found.levels[score] else {
      throw RunError("\(out): no score was measured; name one by \(setting: Setting("score"))")
    }
    let heads = PatternStatistics(mean, strongest: tokenHeads ?? Self.usualTokenHeads).strongest.map {
      HeadPlace(layer: $0.layer, head: $0.head)
    }
    let entries = heads.map { $0.layer * pattern.heads + $0.head }
    let choice = TokenChoice(try levels.strongest(count, at: entries), index: found.index, heads: pattern.heads)
    let scores: Set<Score> = measurement.probe.scores.contains(.saliency) ? [.signed, .saliency] : [.signed]
    let again = PatternMeasurement(
      Probe(measurement.probe.decoder, scores: scores, memory: memory), loss: loss, batchTokens: model.batchTokens)
    do {
      return TokenFile(
        heading: .init(pattern.provenance, score: score, samples: count, heads: heads.map(\.description)),
        samples: try choice.measure(with: again, heads, encoded, tokenizer, monitor))
    } catch is PatternMeasurement.Stopped {
      throw RunStopped(canResume: true)
    }
  }

  private static let usualTokenHeads = 10

  private func assemble(
    _ found: PatternMeasurement.KeptResult, _ provenance: Provenance, _ shape: DecoderShape, _ encoded: EncodedData, _ contents: [UInt64]
  ) throws -> ActivationPattern {
    let levels = try found.levels.mapValues { samples in
      let all = try ActivationPattern.Levels(layers: shape.layers, heads: shape.attentionHeads, samples: samples)
      return keepsSamples ? all : .init(mean: all.mean)
    }
    let kept = try ActivationPattern.Samples(
      loss: found.losses, index: found.index.map(Int64.init), ids: encoded.identifiers(of: found.index), contents: contents)
    return try ActivationPattern(provenance: provenance, levels: levels, samples: keepsSamples ? kept : nil)
  }
}

/// What `PatternRun` found, beside the file that it wrote.
public struct PatternResult: Codable, Sendable, Hashable {
  /// The pattern's file, as the run named it.
  public var out: String
  /// Layers L and heads H of the levels.
  public var layers: Int
  /// Query heads of a layer.
  public var heads: Int
  /// Samples measured.
  public var samples: Int
  /// Samples left out because they had no label.
  public var skipped: Int
  /// Bad records that were passed over.
  public var skippedBad: Int
  /// Samples that were cut.
  public var truncated: Int
  /// Tokens that this run measured, those of an earlier part left out.
  public var tokens: Int
  /// Seconds of measuring.
  public var seconds: Double
  /// Tokens a second.
  public var tokensPerSecond: Double
  /// The most memory that the process held, mapped weights included, in MiB; nil where the system does not tell.
  public var peakRssMib: Int?
  /// What it held at the end that no file backs, in MiB.
  public var anonymousRssMib: Int?
  /// The mean of the samples' losses.
  public var loss: Double

  enum CodingKeys: String, CodingKey {
    case out, layers, heads, samples, skipped, truncated, tokens, seconds, loss
    case skippedBad = "skipped_bad"
    case tokensPerSecond = "tokens_per_second"
    case peakRssMib = "peak_rss_mib"
    case anonymousRssMib = "anonymous_rss_mib"
  }

  init(out: String, _ pattern: ActivationPattern, _ found: PatternMeasurement.KeptResult, _ encoded: EncodedData) {
    self.out = out
    layers = pattern.layers
    heads = pattern.heads
    samples = found.index.count
    skipped = encoded.skipped
    skippedBad = encoded.skippedBad
    truncated = encoded.truncated
    tokens = found.measuredTokens
    seconds = found.seconds
    tokensPerSecond = found.seconds > 0 ? Double(found.measuredTokens) / found.seconds : 0
    peakRssMib = MachineMemory.peakResident.map { $0 >> 20 }
    anonymousRssMib = MachineMemory.anonymousResident.map { $0 >> 20 }
    loss = found.losses.reduce(0) { $0 + Double($1) } / Double(max(1, found.index.count))
  }
}
