public import ActivationPatterns
import Foundation
public import Ground

/// Describes patterns and changes, each by itself: concentration, extremes, strongest heads.
public struct StatisticsRun: Run, RecordedSettings {
  /// `headway stats` and the keys of its record.
  public static let form: SettingsForm<StatisticsRun> = SettingsForm(
    "stats", StatisticsRun([]),
    [
      .files("files", \.files), .setting("strongest", \.strongest), .setting("bootstrap", \.bootstrap), .setting("seed", \.seed),
      .setting("score", \.score), .output("head_scores", \.headScores), .flag("overwrite", \.overwrite),
    ])

  /// The files; a training run's tracked patterns are described step by step.
  public var files: [PatternSource]
  /// How many of the strongest heads are named.
  public var strongest = 10
  /// How often samples are drawn again for 95% intervals; nil for none.
  public var bootstrap: Int?
  /// Seeds what is drawn.
  public var seed: UInt64 = 0
  /// The score to look at; the first that a file has where nil.
  public var score: Score?

  /// Where the one file's levels go as the JSON of tools for retrieval heads, `{"LAYER-HEAD": [scores]}`; nil for nowhere.
  public var headScores: String?
  /// Whether a file that is there is replaced by the one that is written.
  public var overwrite = false

  /// A description of these files.
  public init(_ files: [PatternSource]) { self.files = files }

  /// Refuses fewer than 0 strongest heads, too few resamples for an interval, and scores of several files in one.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    if strongest < 0 { throw SettingsError("\(setting: Setting("strongest")) takes a number from 0 on, not \(strongest)") }
    try requireReplicates(bootstrap)
    guard let headScores else {
      if overwrite {
        throw SettingsError("\(setting: .overwrite) has no effect without \(setting: Key.headScores); give that too, or leave it out")
      }
      return
    }
    if files.count > 1 { throw SettingsError("\(setting: Key.headScores) holds the scores of one file, not of \(files.count); name one") }
    guard URL(filePath: headScores).pathExtension.lowercased() == "json" else {
      throw SettingsError("\(setting: Key.headScores) names a file that ends in .json, not '\(headScores)'")
    }
  }

  private enum Key { static let headScores = Setting("head_scores") }

  /// - Returns: a description of each file, and of each step of a training run, in their order.
  /// - Throws: `PatternError`, `CheckpointError` for a file that holds no pattern.
  public func run(_ monitor: RunMonitor) throws -> [StatisticsResult] {
    try validate()
    let outputs = OutputGuard(overwrites: overwrite)
    defer { outputs.release() }
    if let headScores {
      try outputs.claim(file: URL(filePath: headScores), as: .unmarked("a file of head scores"))
      try outputs.protect(files.flatMap(\.files))
      monitor.identify(try files.apart.identity())
    }
    var generator = SeededGenerator(seed: seed, stream: "stats bootstrap")
    var results: [StatisticsResult] = []
    for source in files.apart {
      for (name, step, file) in try source.readAll() {
        let one = try PatternComparison([(name, file)], score: score)
        if let headScores {
          if let step {
            throw RunError(
              "\(source.path) holds the patterns of several steps (step \(step), …), and \(setting: Key.headScores) one; measure the checkpoint that is meant by headway pattern"
            )
          }
          let undefined = try HeadScoreFile.write(file, score: one.scores[0], to: URL(filePath: headScores))
          if undefined > 0 { monitor.note("\(headScores): \(undefined) heads whose change is undefined are left out") }
        }
        var result = StatisticsResult(
          name: name, path: source.path, step: step, score: one.scores[0], .init(one.matrices[0], strongest: strongest))
        if let bootstrap {
          let found = try StatisticsBootstrap(try one.sampled()[0], replicates: bootstrap, using: &generator)
          if let warning = reliabilityWarning(name, found.reliability) { monitor.warn(warning) }
          result.bootstrap = .init(found, seed: seed)
        }
        results.append(result)
      }
    }
    return results
  }
}

/// What one pattern looks like in a few numbers; what is undefined (of constant, zero or negative levels) is nil.
public struct StatisticsResult: Codable, Sendable, Equatable {
  /// A head and its entry; in JSON `[layer, head, value]`.
  public struct Head: Codable, Sendable, Equatable {
    /// The layer, counted from 0.
    public var layer: Int
    /// The query head in the layer, counted from 0.
    public var head: Int
    /// Its entry.
    public var value: Double

    init(_ head: PatternStatistics.Head) { (layer, self.head, value) = (head.layer, head.head, head.value) }

    /// Reads `[layer, head, value]`.
    public init(from decoder: any Swift.Decoder) throws {
      var triple = try decoder.unkeyedContainer()
      layer = try triple.decode(Int.self)
      head = try triple.decode(Int.self)
      value = try triple.decode(Double.self)
    }

    /// Writes `[layer, head, value]`.
    public func encode(to encoder: any Swift.Encoder) throws {
      var triple = encoder.unkeyedContainer()
      try triple.encode(layer)
      try triple.encode(head)
      try triple.encode(value)
    }
  }

  /// Intervals from resampled samples.
  public struct Bootstrap: Codable, Sendable, Equatable {
    /// How often samples were drawn.
    public var replicates: Int
    /// What seeded it.
    public var seed: UInt64
    /// The interval of each figure; nil where it was undefined on one resample in ten.
    public var mean, gini, cv, kurtosis: Interval?
    /// The pattern's split-half reliability.
    @ShownAsNull public var reliability: Double?

    init(_ bootstrap: StatisticsBootstrap, seed: UInt64) {
      replicates = bootstrap.replicates
      self.seed = seed
      mean = bootstrap.mean
      gini = bootstrap.gini
      cv = bootstrap.coefficientOfVariation
      kurtosis = bootstrap.kurtosis
      reliability = bootstrap.reliability
    }
  }

  /// What it is called: the file's name without extension, or the one that it was given, with the step where there are several.
  public var name: String
  /// The file, as the run named it.
  public var path: String
  /// The update of a training run after which it was measured; nil for a pattern file.
  public var step: Int?
  /// The score that was looked at.
  public var score: Score
  /// Gini coefficient (equation 7).
  @ShownAsNull public var gini: Double?
  /// Coefficient of variation (equation 8).
  @ShownAsNull public var cv: Double?
  /// Kurtosis (equation 9).
  @ShownAsNull public var kurtosis: Double?
  /// The mean entry.
  @ShownAsNull public var mean: Double?
  /// The least.
  @ShownAsNull public var min: Double?
  /// The greatest.
  @ShownAsNull public var max: Double?
  /// The entries farthest from zero, farthest first.
  public var strongest: [Head]
  /// Entries that are undefined and left out.
  public var undefined: Int
  /// Intervals, where they were asked for.
  public var bootstrap: Bootstrap?

  enum CodingKeys: String, CodingKey {
    case name, path, step, score, gini, cv, kurtosis, mean, min, max, strongest, undefined, bootstrap
  }

  init(name: String, path: String, step: Int?, score: Score, _ statistics: PatternStatistics) {
    (self.name, self.path, self.step, self.score) = (name, path, step, score)
    gini = statistics.gini
    cv = statistics.coefficientOfVariation
    kurtosis = statistics.kurtosis
    mean = statistics.mean
    min = statistics.minimum
    max = statistics.maximum
    strongest = statistics.strongest.map(Head.init)
    undefined = statistics.undefinedCount
  }
}
