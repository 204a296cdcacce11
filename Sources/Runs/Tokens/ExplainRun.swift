import ActivationPatterns
import CheckpointFiles
import Foundation
public import Ground
import Instructions
import LanguageModels
import Probing
import Reports
import Tokenizers
import Torch

/// Tells samples token by token: where in the text a head does its work.
public struct ExplainRun: Run, RecordedSettings {
  /// `headway explain` and the keys of its record.
  public static let form: SettingsForm<ExplainRun> = SettingsForm(
    "explain", ExplainRun(model: "", data: []),
    [
      .group(\.model), .group(\.data), .setting("head", \.heads), .setting("strongest", \.strongest), .rare("index", \.index, unless: []),
      .flag("saliency", \.measuresSaliency), .output("html", \.html), .output("svg", \.svg), .flag("overwrite", \.overwrite),
    ])

  /// The model.
  public var model: ModelSettings
  /// The samples.
  public var data: DataSettings
  /// The heads; the one of the greatest mean magnitude where nil.
  public var heads: HeadList?
  /// How many samples are told of each head, those in which its magnitude is greatest; 3 where nil.
  public var strongest: Int?
  /// The positions in the data of the samples to tell, in place of the strongest; none for the strongest.
  public var index: [Int] = []
  /// Whether the saliency is measured, too.
  public var measuresSaliency = false
  /// Where a page goes; nil for nowhere.
  public var html: String?
  /// Where a picture goes; nil for nowhere.
  public var svg: String?
  /// Whether to replace files that Headway did not write.
  public var overwrite = false

  /// An explanation with the defaults.
  public init(model: String, data: [String]) {
    self.model = ModelSettings(model)
    self.data = DataSettings(data)
  }

  /// Refuses what model and data refuse, positions beside a number of samples, and names that no page or picture has.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    try model.validate()
    try data.validate()
    if let strongest, strongest < 1 { throw SettingsError("\(setting: .strongest) takes a number of samples from 1 on, not \(strongest)") }
    if strongest != nil, !index.isEmpty {
      throw SettingsError("\(setting: .strongest) and \(setting: .index) both say which samples are told; name one of them")
    }
    if let place = index.first(where: { $0 < 0 }) {
      throw SettingsError("\(setting: .index) takes positions in the data, counted from 0, not \(place)")
    }
    for (setting, path, ending) in [(Setting("html"), html, "html"), (Setting("svg"), svg, "svg")] {
      if let path, URL(filePath: path).pathExtension.lowercased() != ending {
        throw SettingsError("\(setting: setting) names a file that ends in .\(ending), not '\(path)'")
      }
    }
  }

  /// Finds the samples, measures them once more token by token, and writes page and picture where asked.
  /// - Throws: `RunStopped`, `RunError`, `ProbingError`, `DataError`, `ModelError`, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> ExplainResult {
    try validate()
    let outputs = OutputGuard(overwrites: overwrite)
    defer { outputs.release() }
    if let html { try outputs.claim(file: URL(filePath: html), as: .page) }
    if let svg { try outputs.claim(file: URL(filePath: svg), as: .chart) }
    try outputs.protect(ModelFolder(named: model.model).inputs)
    let loaded = try model.load(monitor)
    let shape = loaded.decoder.shape
    try HeadPlace.require(heads?.heads ?? [], in: shape)
    let tokenizer = try Tokenizer.load(from: loaded.tokenizerFolder.url)
    let encoder = try SampleEncoder(tokenizer, for: loaded, maximumLength: data.maximumLength)
    let (dataset, encoded) = try EncodedData.read(
      data, data.datasetOptions(tokenizer: tokenizer, of: model.model), encoder, shape, monitor)
    try outputs.protect(data.inputs(dataset))
    try requireSamples(encoded)
    let provenance = Provenance(
      model: loaded.folder.name, modelFingerprint: try loaded.fingerprint(), task: encoded.task, format: dataset.formatName,
      dataFingerprint: try dataset.fingerprint(), maxLength: encoder.maximumLength, dtype: loaded.decoder.elementType.rawValue)
    monitor.identify(provenance.identity)
    do {
      let (chosen, choice) = try choose(loaded.decoder, encoded, monitor)
      let probe = Probe(loaded.decoder, scores: measuresSaliency ? [.signed, .saliency] : [.signed], memory: .automatic)
      let samples = try choice.measure(
        with: PatternMeasurement(probe, batchTokens: model.batchTokens), chosen, encoded, tokenizer, monitor)
      let result = ExplainResult(
        model: loaded.folder.name, task: encoded.task, dtype: loaded.decoder.elementType.rawValue, heads: chosen.map(\.description),
        samples: samples)
      if let svg { try AtomicFile.write(result.picture().svg(), to: URL(filePath: svg)) }
      if let html { try AtomicFile.write(result.page().html(), to: URL(filePath: html)) }
      return result
    } catch is PatternMeasurement.Stopped {
      throw RunStopped(canResume: false)
    }
  }

  /// Refuses positions of samples that are not there or have no label.
  private func requireSamples(_ encoded: EncodedData) throws {
    for place in index {
      guard let sample = encoded.samples.first(where: { $0.index == place }) else {
        throw RunError(
          "there is no sample at position \(place) of \(setting: .index); the data that is read has \(encoded.samples.count) samples")
      }
      guard sample.labelCount > 0 else {
        throw RunError("the sample at position \(place) of \(setting: .index) has no label, so no loss; name another")
      }
    }
  }

  /// The heads and their samples: a pass over all samples, where something must be found.
  private func choose(
    _ decoder: any CausalDecoder, _ encoded: EncodedData, _ monitor: RunMonitor
  ) throws -> ([HeadPlace], TokenChoice) {
    let shape = decoder.shape
    if let heads, !index.isEmpty { return (heads.heads, TokenChoice(index)) }
    let entries = heads.map { $0.heads.map { $0.entry(in: shape) } } ?? Array(0..<shape.layers * shape.attentionHeads)
    var strongest = StrongestSamples(strongest ?? Self.usualSamples, at: entries)
    var sums = [Double](repeating: 0, count: shape.layers * shape.attentionHeads)
    var places: [Int] = []
    let searched = index.isEmpty ? encoded.samples : encoded.samples.filter { index.contains($0.index) }
    try PatternMeasurement(Probe(decoder, scores: [.magnitude], memory: .automatic), batchTokens: model.batchTokens).forEach(
      searched, shouldStop: monitor.shouldStop,
      progress: { now in
        monitor.progress(
          RunProgress(
            stage: "levels", completed: now.samples, total: now.totalSamples, unit: "samples", tokensPerSecond: now.tokensPerSecond,
            secondsLeft: now.secondsLeft))
      }
    ) { sample in
      let levels = sample.levels[.magnitude] ?? []
      strongest.add(levels)
      places.append(sample.index)
      for (entry, level) in levels.enumerated() { sums[entry] += Double(level) }
    }
    let best = sums.indices.max { (sums[$0], $1) < (sums[$1], $0) }.map { HeadPlace(entry: $0, heads: shape.attentionHeads) }
    let chosen = heads?.heads ?? [best].compactMap(\.self)
    guard index.isEmpty else { return (chosen, TokenChoice(index)) }
    return (chosen, TokenChoice(strongest.keeping(chosen.map { $0.entry(in: shape) }), index: places, heads: shape.attentionHeads))
  }

  private static let usualSamples = 3
}

/// What `ExplainRun` found.
public struct ExplainResult: Codable, Sendable, Hashable {
  /// The model's folder or name.
  public var model: String
  /// The task that the samples name.
  public var task: String?
  /// The type of the computation.
  public var dtype: String
  /// The heads, each `LAYER:HEAD`.
  public var heads: [String]
  /// The samples in the order of the data.
  public var samples: [SampleTokens]
}

extension Setting {
  fileprivate static let index = Setting("index")
}
