import ActivationPatterns
import CheckpointFiles
public import FineTuning
import Foundation
public import Ground
import Instructions
import LanguageModels
import Probing
public import Selection
import Tokenizers
import Torch

/// Makes what stands for each sample of a dataset where samples are chosen by likeness: gradients, embeddings or losses, in a file.
public struct RepresentRun: ResumableRun, RecordedSettings {
  /// `headway represent` and the keys of its record.
  public static let form: SettingsForm<RepresentRun> = SettingsForm(
    "represent", RepresentRun(model: "", data: [], representation: .loss, out: ""),
    [
      .group(\.model), .group(\.data), .setting("representation", \.representation, isRequired: true), .output("out", \.out),
      .setting("task", \.task), .setting("role", \.role), .setting("checkpoints", \.checkpoints), .setting("dimension", \.dimension),
      .setting("seed", \.seed), .flag("resume", \.resume), .flag("overwrite", \.overwrite),
    ])

  /// The model; for gradients the folder of a training of adapters.
  public var model: ModelSettings
  /// The samples.
  public var data: DataSettings
  /// What a sample is represented by.
  public var representation: RepresentationFile.Kind
  /// Where it goes: `.safetensors`.
  public var out: String
  /// The task's name; the data's own where nil.
  public var task: String?
  /// Which side of LESS's inner product gradients are; `pool` where nil.
  public var role: RepresentationFile.Role?
  /// From which checkpoints of the training gradients are taken; the last one of each of four stretches where nil.
  public var checkpoints: WarmUp.Choice?
  /// The numbers that a gradient is projected to; 8,192 where nil.
  public var dimension: Int?
  /// Seeds the projection of gradients; 0 where nil. Pool and target need the same.
  public var seed: UInt64?
  /// Whether to continue a run that was interrupted.
  public var resume = false
  /// Whether to replace a file that Headway did not write, and to throw away what an interrupted run left.
  public var overwrite = false

  /// Ranks share the batches.
  public static let sharesWork = true

  /// A representation with the defaults.
  public init(model: String, data: [String], representation: RepresentationFile.Kind, out: String) {
    self.model = ModelSettings(model)
    self.data = DataSettings(data)
    self.representation = representation
    self.out = out
  }

  /// What gradients need filled in: the side of the pool, four stretches of the training, 8,192 dimensions, seed 0.
  public var resolved: RepresentRun {
    guard representation == .gradient else { return self }
    var run = self
    run.role = role ?? .pool
    run.checkpoints = checkpoints ?? .stretches(4)
    run.dimension = dimension ?? 8192
    run.seed = seed ?? 0
    return run
  }

  /// Refuses a name that does not end in `.safetensors`, and settings of gradients for what is none.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    try model.validate()
    try data.validate()
    guard URL(filePath: out).pathExtension.lowercased() == "safetensors" else {
      throw SettingsError("\(setting: .output) names a file that ends in .safetensors, not '\(out)'")
    }
    if representation != .gradient {
      let given = [("role", role != nil), ("checkpoints", checkpoints != nil), ("dimension", dimension != nil), ("seed", seed != nil)]
      for (key, isGiven) in given where isGiven {
        throw SettingsError("\(setting: Setting(key)) is for gradients; leave it out for \(representation.rawValue)")
      }
    }
    if let dimension, !(1...1 << 20).contains(dimension) {
      throw SettingsError("\(setting: Setting("dimension")) takes a number from 1 to \(1 << 20), not \(dimension)")
    }
    if resume, overwrite {
      throw SettingsError("\(setting: .resume) continues a run and \(setting: .overwrite) throws it away; name one of them")
    }
  }

  /// Computes a row for each sample, batch by batch; a journal beside `out` lets `resume` continue to the same bytes.
  /// - Throws: `RunStopped`, `DataError`, `ModelError`, `TrainingError` for a folder without the training that gradients need, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> RepresentResult {
    try validate()
    Engine.keepFreedMemory()
    let target = URL(filePath: out)
    let outputs = OutputGuard(overwrites: overwrite, resumes: resume)
    defer { outputs.release() }
    if monitor.writes { try outputs.claim(representation: target, journal: .journal(RunJournal.url(beside: target), as: .journal)) }
    try outputs.protect(ModelFolder(named: model.model).inputs)
    let source = try RepresentationSource(resolved, monitor)
    let loaded = source.loaded
    let tokenizer = try Tokenizer.load(from: loaded.tokenizerFolder.url)
    let encoder = try SampleEncoder(tokenizer, for: loaded, maximumLength: data.maximumLength)
    let (dataset, encoded) = try EncodedData.read(
      data, data.datasetOptions(tokenizer: tokenizer, of: source.name), encoder, loaded.decoder.shape, monitor)
    try outputs.protect(data.inputs(dataset))

    var provenance = Provenance(
      model: source.name, modelFingerprint: try source.fingerprint(), architecture: loaded.decoder.shape.description,
      task: task ?? encoded.task, format: dataset.formatName, template: dataset.templateName, dataFingerprint: try dataset.fingerprint(),
      maxLength: encoder.maximumLength, loss: PatternMeasurement.Loss.sample.description, dtype: loaded.decoder.elementType.rawValue,
      seed: String(data.seed), other: source.facts)
    var identity = provenance.identity
    identity["representation"] = representation.rawValue
    identity["batch_tokens"] = String(model.batchTokens)
    for (key, value) in source.facts.sorted(by: { $0.key < $1.key }) { identity[key] = value }
    identity["role"] = resolved.role?.rawValue
    identity["seed"] = resolved.seed.map(String.init)
    identity["dimension"] = resolved.dimension.map(String.init)
    try monitor.settle(identity)

    var measurement = source.measurement(of: encoded.samples.filter { $0.labelCount > 0 }.map(\.tokens.count))
    measurement.ranks = monitor.ranks
    let found = try measure(measurement, source, encoded, target, identity, monitor)
    try monitor.leaveTheRestToTheFirst()
    let contents = encoded.contentFingerprints(of: found.index)
    provenance.samples = found.index.count
    provenance.skipped = encoded.skipped
    provenance.tokens = found.tokens
    provenance.samplesFingerprint = Provenance.fingerprint(ofSamples: contents)
    var writer = RepresentationWriter(
      representation, provenance: provenance, width: measurement.width, index: found.index.map(Int64.init),
      ids: encoded.identifiers(of: found.index), contents: contents)
    source.describe(&writer)
    try writer.write(to: target) { try found.write(table: $0, to: $1) }
    RunJournal.remove(beside: target)
    return RepresentResult(self, measurement, source, found, encoded)
  }

  private func measure(
    _ measurement: RowMeasurement, _ source: RepresentationSource, _ encoded: EncodedData, _ target: URL, _ identity: RunIdentity,
    _ monitor: RunMonitor
  ) throws -> RowMeasurement.Result {
    do {
      return try measurement.run(
        encoded.samples, journalOutput: target, identity: identity, resume: resume, overwrites: overwrite, shouldStop: monitor.shouldStop,
        progress: { now in
          monitor.progress(
            RunProgress(
              completed: now.samples, total: now.totalSamples, unit: "samples", tokensPerSecond: now.tokensPerSecond,
              secondsLeft: now.secondsLeft))
        }, rows: { try source.rows(table: $0, $1, monitor) })
    } catch is PatternMeasurement.Stopped {
      throw RunStopped(canResume: true)
    }
  }
}

/// What `RepresentRun` made, beside the file that it wrote.
public struct RepresentResult: Codable, Sendable, Hashable {
  /// The file, as the run named it.
  public var out: String
  /// What a sample is represented by.
  public var representation: RepresentationFile.Kind
  /// The length of a row; 1 for a loss.
  public var width: Int
  /// The numbers of a gradient before it was projected; nil for what is none.
  public var parameters: Int?
  /// The steps of the training that gradients were taken at; nil for what is none.
  public var checkpoints: [Int]?
  /// The mean learning rate of the stretch that ends with each.
  public var weights: [Double]?
  /// Samples measured.
  public var samples: Int
  /// Samples left out because they had no label.
  public var skipped: Int
  /// Bad records that were passed over.
  public var skippedBad: Int
  /// Samples that were cut.
  public var truncated: Int
  /// Tokens that this run measured, those of an earlier part left out; once for each checkpoint.
  public var tokens: Int
  /// Seconds of measuring.
  public var seconds: Double
  /// Tokens a second.
  public var tokensPerSecond: Double
  /// The most memory that the process held, mapped weights included, in MiB; nil where the system does not tell.
  public var peakRssMib: Int?
  /// What it held at the end that no file backs, in MiB.
  public var anonymousRssMib: Int?

  enum CodingKeys: String, CodingKey {
    case out, representation, width, parameters, checkpoints, weights, samples, skipped, truncated, tokens, seconds
    case skippedBad = "skipped_bad"
    case tokensPerSecond = "tokens_per_second"
    case peakRssMib = "peak_rss_mib"
    case anonymousRssMib = "anonymous_rss_mib"
  }

  init(
    _ run: RepresentRun, _ measurement: RowMeasurement, _ source: RepresentationSource, _ found: RowMeasurement.Result,
    _ encoded: EncodedData
  ) {
    out = run.out
    representation = run.representation
    width = measurement.width
    parameters = source.gradients?.count
    checkpoints = source.warmUp?.checkpoints.map(\.step)
    weights = source.warmUp?.checkpoints.map(\.weight)
    samples = found.index.count
    skipped = encoded.skipped
    skippedBad = encoded.skippedBad
    truncated = encoded.truncated
    tokens = found.measuredTokens
    seconds = found.seconds
    tokensPerSecond = found.seconds > 0 ? Double(found.measuredTokens) / found.seconds : 0
    peakRssMib = MachineMemory.peakResident.map { $0 >> 20 }
    anonymousRssMib = MachineMemory.anonymousResident.map { $0 >> 20 }
  }
}
