public import ActivationPatterns
import CheckpointFiles
import Foundation
import Probing
public import Ground

/// Takes the pattern of a base model from that of its fine-tuned form, samples paired, and writes the change.
public struct ChangeRun: Run, RecordedSettings {
  /// `headway change` and the keys of its record.
  public static let form: SettingsForm<ChangeRun> = SettingsForm(
    "change", ChangeRun(before: "", after: "", out: ""),
    [
      .path("before", \.before), .path("after", \.after), .output("out", \.out), .setting("mixed", \.mixed),
      .flag("overwrite", \.overwrite), .setting("relative", \.isRelative),
    ])

  /// The base model's pattern.
  public var before: String
  /// The fine-tuned model's pattern on the same samples.
  public var after: String
  /// Where the change goes: `.safetensors`, `.npy` or `.npz`.
  public var out: String
  /// Whether to divide by the level before; heads whose level is 0 are then undefined.
  public var isRelative = false
  /// Whether to go on where the two were measured differently.
  public var mixed = false
  /// Whether to replace a file that Headway did not write.
  public var overwrite = false

  /// A change with the defaults.
  public init(before: String, after: String, out: String) {
    self.before = before
    self.after = after
    self.out = out
  }

  /// Refuses a name that no pattern file has.
  /// - Throws: `SettingsError`.
  public func validate() throws { try requirePatternName(out) }

  /// Pairs the samples by id, or else by content, and writes ΔAP = AP_after − AP_before.
  /// - Throws: ``UnlikePatterns`` where the two were measured differently and `mixed` is off, `PatternError`, `OutputError`.
  public func run(_ monitor: RunMonitor) throws -> ChangeResult {
    try validate()
    let target = URL(filePath: out)
    let old = try ActivationPattern.read(from: URL(filePath: before))
    let new = try ActivationPattern.read(from: URL(filePath: after))
    let outputs = OutputGuard(overwrites: overwrite)
    defer { outputs.release() }
    try outputs.claim(pattern: target, keepsSamples: old.samples != nil && new.samples != nil)
    try outputs.protect([before, after].flatMap { PatternFile.files(of: URL(filePath: $0)) })
    monitor.identify(try [PatternSource(before, name: "before"), PatternSource(after, name: "after")].identity())
    let change: PatternChange
    do {
      change = try PatternChange(from: (before, old), to: (after, new), relative: isRelative, mixed: mixed)
    } catch let reason as IncomparablePatterns {
      throw UnlikePatterns(reason, before: old, after: new)
    }
    if old.samples != nil, new.samples != nil, change.samples == nil {
      monitor.note("the samples of \(before) and \(after) cannot be paired: the change keeps the difference of the means alone")
    }
    try change.write(to: target)
    return ChangeResult(change, out: out)
  }
}

/// What `ChangeRun` found, beside the file that it wrote.
public struct ChangeResult: Codable, Sendable, Equatable {
  /// A score's change over all heads; a figure of no defined head is nil.
  public struct Figures: Codable, Sendable, Equatable {
    /// The mean change.
    @ShownAsNull public var mean: Double?
    /// The least.
    @ShownAsNull public var min: Double?
    /// The greatest.
    @ShownAsNull public var max: Double?
    /// The share of heads whose level rose.
    @ShownAsNull public var rose: Double?
    /// Heads whose relative change is undefined.
    public var undefined: Int
  }
  /// The change's file, as the run named it.
  public var out: String
  /// The pattern before, as the run named it.
  public var before: String
  /// The pattern after, as the run named it.
  public var after: String
  /// Whether the change is divided by the level before.
  public var relative: Bool
  /// Layers L.
  public var layers: Int
  /// Query heads H of a layer.
  public var heads: Int
  /// Samples that were paired; nil where a side keeps none.
  public var pairedSamples: Int?
  /// The figures by score.
  public var scores: [String: Figures]

  enum CodingKeys: String, CodingKey {
    case out, before, after, relative, layers, heads, scores
    case pairedSamples = "paired_samples"
  }

  init(_ change: PatternChange, out: String) {
    self.out = out
    before = change.before
    after = change.after
    relative = change.isRelative
    layers = change.layers
    heads = change.heads
    pairedSamples = change.levels.values.compactMap { $0.before?.sampleCount }.first
    scores = Dictionary(
      uniqueKeysWithValues: change.levels.map { score, levels in
        let statistics = PatternStatistics(levels.change, strongest: 0)
        let defined = levels.change.defined
        let rose = defined.isEmpty ? nil : Double(defined.count { $0 > 0 }) / Double(defined.count)
        return (
          score.rawValue,
          Figures(
            mean: statistics.mean, min: statistics.minimum, max: statistics.maximum, rose: rose, undefined: statistics.undefinedCount)
        )
      })
  }
}

/// Two patterns that were measured unlike, and the measurements that would make them alike.
public struct UnlikePatterns: ExplainedError {
  /// What keeps them apart.
  public let reason: IncomparablePatterns
  /// The measurements to do again, from the patterns' records where they have any; empty where no measurement would help, or nothing tells
  /// how they were measured.
  public let again: [PatternRun]

  /// What differs between the two, and the remedy.
  public var message: Message { reason.message }

  /// What stands for the data where no record tells it.
  static let unknownData = "DATA"

  init(_ reason: IncomparablePatterns, before: ActivationPattern, after: ActivationPattern) {
    self.reason = reason
    let isBeyondRepair = reason.differences.contains { difference in
      switch difference {
      case .sameModel, .architecture: true
      case .elementType, .template, .maximumLength, .loss, .samples: false
      }
    }
    guard !isBeyondRepair else {
      again = []
      return
    }
    // As the pattern before was measured, in the wider of the two types.
    let like = before.provenance
    let records = [reason.before, reason.after].map { path in
      PatternFile.files(of: URL(filePath: path)).lazy.compactMap { RunRecord.existing(beside: $0) }.first
        .flatMap { try? RunRecord.run(from: $0) as? PatternRun }
    }
    let data = records.compactMap(\.self).first?.data ?? DataSettings([Self.unknownData])
    let types = [before, after].compactMap { $0.provenance.dtype.flatMap(ElementType.init(rawValue:)) }
    let widest = types.max { $0.byteWidth < $1.byteWidth }
    // Of two narrow types neither is the truth.
    let type = Set(types).count > 1 && widest?.byteWidth == 2 ? .float32 : widest
    let differsOtherwise = reason.differences.contains { difference in
      if case .elementType = difference { false } else { true }
    }
    again = zip([(reason.before, before, false), (reason.after, after, differsOtherwise)], records).compactMap { side, record in
      let (path, pattern, mustFollow) = side
      guard mustFollow || (type != nil && pattern.provenance.dtype != type?.rawValue) else { return nil }
      guard let model = record?.model.model ?? pattern.provenance.model else { return nil }
      var run = record ?? PatternRun(model: model, data: [], out: path)
      run.out = PatternFile.name(of: URL(filePath: path)).relativePath
      run.shard = nil
      run.model.elementType = type
      run.data = data
      // A name that was recognised need not be given.
      if records.allSatisfy({ $0 == nil }) { run.data.format = like.format }
      if let length = like.maxLength { run.data.maximumLength = length }
      if let loss = like.loss.flatMap({ PatternMeasurement.Loss($0) }) { run.loss = loss }
      run.scores = pattern.scores
      run.keepsSamples = pattern.samples != nil
      return run
    }
  }
}
