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
public struct PatternRun: ResumableRun, RecordedSettings {
  /// `headway pattern` and the keys of its record.
  public static let form: SettingsForm<PatternRun> = SettingsForm(
    "pattern", PatternRun(model: "", data: [], out: ""),
    [
      .group(\.model), .group(\.data), .output("out", \.out), .setting("shard", \.shard), .setting("task", \.task),
      .setting("score", \.scores),
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
  /// The part that this run measures of a pattern that several runs measure, each by itself; nil for the whole. It goes to `NAME.I-of-N.safetensors`
  /// where `out` is `NAME.safetensors`, and all parts are read together under that name.
  public var shard: PatternShard?
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

  /// A pattern with the defaults.
  public init(model: String, data: [String], out: String) {
    self.model = ModelSettings(model)
    self.data = DataSettings(data)
    self.out = out
  }

  /// The file that is written: that of the shard, where there is one.
  public var output: String? { shard.map { $0.path(of: out) } ?? out }

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
    try validateShard()
    let count = Set(scores).count
    if URL(filePath: out).pathExtension.lowercased() == "npy", count > 1 {
      throw SettingsError(
        "an .npy file holds one score and \(setting: Setting("score")) names \(count); name one, or let \(setting: .output) end in .safetensors or .npz"
      )
    }
  }

  private func validateShard() throws {
    guard shard != nil else { return }
    let url = URL(filePath: out)
    guard url.pathExtension.lowercased() == "safetensors" else {
      throw SettingsError("\(setting: .shard) writes .safetensors alone, and \(setting: .output) is '\(out)'; name it so")
    }
    if let (_, pattern) = PatternShard.named(url) {
      throw SettingsError(
        "\(setting: .output) names the whole pattern, to whose name \(setting: .shard) adds its own; name \(pattern.lastPathComponent), not '\(out)'"
      )
    }
    if tokens != nil {
      throw SettingsError(
        "\(setting: .tokens) tells the strongest samples of the whole pattern, which no \(setting: .shard) knows; leave one of them out")
    }
  }

  /// Measures the samples batch by batch and writes the pattern; a journal beside `out` lets `resume` continue to the same bytes.
  /// - Throws: `RunStopped`, `DataError`, `ModelError`, `ProbingError`, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> PatternResult {
    try validate()
    let file = output ?? out
    let target = URL(filePath: file)
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
    if shard != nil, FileKind(of: URL(filePath: out)) != nil {
      monitor.warn("\(out) is there already, and is what its name stands for; move it away, so that the shards are read under this name")
    }

    var provenance = Provenance(
      model: loaded.folder.name, modelFingerprint: try loaded.fingerprint(), architecture: loaded.decoder.shape.description,
      task: task ?? encoded.task, format: dataset.formatName, template: dataset.templateName, dataFingerprint: try dataset.fingerprint(),
      maxLength: encoder.maximumLength, loss: loss.description, dtype: loaded.decoder.elementType.rawValue, seed: String(data.seed))
    var identity = provenance.identity
    identity["score"] = scores.map(\.rawValue).joined(separator: ",")
    identity["batch_tokens"] = String(model.batchTokens)
    identity["memory"] = memory.rawValue
    let shared = identity
    identity["shard"] = shard?.description
    try monitor.settle(identity)

    let probe = Probe(loaded.decoder, scores: scores, memory: memory)
    var measurement = PatternMeasurement(probe, loss: loss, batchTokens: model.batchTokens, ranks: monitor.ranks)
    measurement.laysOutWeights = memory != .low
    let found = try measure(measurement, encoded, target, identity, monitor)
    try monitor.leaveTheRestToTheFirst()
    provenance.samples = found.index.count
    provenance.skipped = encoded.skipped
    provenance.tokens = found.tokens
    let all = shard == nil ? found.index : encoded.samples.filter { $0.labelCount > 0 }.map(\.index)
    provenance.samplesFingerprint = Provenance.fingerprint(ofSamples: encoded.contentFingerprints(of: all))
    if let shard {
      try write(shard, found, provenance, shared, loaded.decoder.shape, encoded, to: target)
      return PatternResult(out: file, loaded.decoder.shape, found, encoded)
    }
    let pattern = try assemble(found, provenance, loaded.decoder.shape, encoded)
    // Tokens of an earlier pattern of this name are not this one's.
    if OutputKind.tokens.isOwn(tokensTarget) { try? FileManager.default.removeItem(at: tokensTarget) }
    if let tokens { try tokenFile(tokens, measurement, pattern, found, encoded, tokenizer, monitor).write(to: tokensTarget) }
    try pattern.write(to: target)
    PatternMeasurement.removeJournal(beside: target)
    return PatternResult(out: file, loaded.decoder.shape, found, encoded)
  }

  private func measure(
    _ measurement: PatternMeasurement, _ encoded: EncodedData, _ target: URL, _ identity: RunIdentity, _ monitor: RunMonitor
  ) throws -> PatternMeasurement.KeptResult {
    do {
      return try measurement.runKeepingJournal(
        encoded.samples, shard: shard, journalOutput: target, identity: identity, resume: resume, overwrites: overwrite,
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
    _ found: PatternMeasurement.KeptResult, _ provenance: Provenance, _ shape: DecoderShape, _ encoded: EncodedData
  ) throws -> ActivationPattern {
    let levels = try found.levels.mapValues { samples in
      let all = try ActivationPattern.Levels(layers: shape.layers, heads: shape.attentionHeads, samples: samples)
      return keepsSamples ? all : .init(mean: all.mean)
    }
    return try ActivationPattern(provenance: provenance, levels: levels, samples: keepsSamples ? kept(found, encoded) : nil)
  }

  private func kept(_ found: PatternMeasurement.KeptResult, _ encoded: EncodedData) throws -> ActivationPattern.Samples {
    try ActivationPattern.Samples(
      loss: found.losses, index: found.index.map(Int64.init), ids: encoded.identifiers(of: found.index),
      contents: encoded.contentFingerprints(of: found.index))
  }

  /// Writes the shard's file in place of a pattern.
  /// - Parameters:
  ///   - provenance: with the samples and tokens of the shard.
  ///   - identity: what all shards share as far as it was known before anything was measured.
  private func write(
    _ shard: PatternShard, _ found: PatternMeasurement.KeptResult, _ provenance: Provenance, _ identity: RunIdentity, _ shape: DecoderShape,
    _ encoded: EncodedData, to target: URL
  ) throws {
    var (provenance, identity) = (provenance, identity)
    provenance.skipped = encoded.samples[found.places].count { $0.labelCount == 0 }
    identity["task"] = provenance.task
    identity["data_seed"] = provenance.seed
    identity["samples_fingerprint"] = provenance.samplesFingerprint
    identity["encoded_fingerprint"] = TokenizedSample.fingerprint(of: encoded.samples)
    try shard.write(
      PatternShard.Contents(
        provenance: provenance, identity: identity, places: found.places, total: encoded.samples.count, keepsSamples: keepsSamples,
        layers: shape.layers, heads: shape.attentionHeads, levels: found.levels, samples: kept(found, encoded)), to: target)
    PatternMeasurement.removeJournal(beside: target)
  }
}

/// What `PatternRun` found, beside the file that it wrote.
public struct PatternResult: Codable, Sendable, Hashable {
  /// The pattern's file, as the run named it; the shard's, where it measured one.
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

  init(out: String, _ shape: DecoderShape, _ found: PatternMeasurement.KeptResult, _ encoded: EncodedData) {
    self.out = out
    layers = shape.layers
    heads = shape.attentionHeads
    samples = found.index.count
    let own = encoded.samples[found.places]
    skipped = own.count { $0.labelCount == 0 }
    skippedBad = encoded.skippedBad
    truncated = own.count(where: \.isTruncated)
    tokens = found.measuredTokens
    seconds = found.seconds
    tokensPerSecond = found.seconds > 0 ? Double(found.measuredTokens) / found.seconds : 0
    peakRssMib = MachineMemory.peakResident.map { $0 >> 20 }
    anonymousRssMib = MachineMemory.anonymousResident.map { $0 >> 20 }
    loss = found.losses.reduce(0) { $0 + Double($1) } / Double(max(1, found.index.count))
  }
}
