public import ActivationPatterns
import Foundation
import Ground

/// Describes patterns and changes, each by itself: concentration, extremes, strongest heads.
public struct StatisticsRun: Run {
  public static let name = "stats"

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

  /// A description of these files.
  public init(_ files: [PatternSource]) { self.files = files }

  public func mappingPaths(_ change: (String) -> String) -> StatisticsRun {
    var run = self
    run.files = files.mappingPaths(change)
    return run
  }

  public func validate() throws {
    if strongest < 0 { throw SettingsError("\(setting: Setting("strongest")) takes a number from 0 on, not \(strongest)") }
    try requireReplicates(bootstrap)
  }

  public func run(_ monitor: RunMonitor) throws -> [StatisticsResult] {
    try validate()
    var generator = SeededGenerator(seed: seed, stream: "stats bootstrap")
    var results: [StatisticsResult] = []
    for source in files {
      for (name, step, file) in try source.readAll() {
        let one = try PatternComparison([(name, file)], score: score)
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

extension StatisticsRun {
  public init(from decoder: any Swift.Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(try values.decode([PatternSource].self, forKey: .files))
    strongest = try values.value(.strongest, or: strongest)
    bootstrap = try values.decodeIfPresent(Int.self, forKey: .bootstrap)
    seed = try values.value(.seed, or: seed)
    score = try values.decodeIfPresent(Score.self, forKey: .score)
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

    public init(from decoder: any Swift.Decoder) throws {
      var triple = try decoder.unkeyedContainer()
      layer = try triple.decode(Int.self)
      head = try triple.decode(Int.self)
      value = try triple.decode(Double.self)
    }

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

  public init(from decoder: any Swift.Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    path = try values.decode(String.self, forKey: .path)
    step = try values.decodeIfPresent(Int.self, forKey: .step)
    name = try values.decode(String.self, forKey: .name)
    score = try values.decode(Score.self, forKey: .score)
    _gini = try values.decode(ShownAsNull<Double>.self, forKey: .gini)
    _cv = try values.decode(ShownAsNull<Double>.self, forKey: .cv)
    _kurtosis = try values.decode(ShownAsNull<Double>.self, forKey: .kurtosis)
    _mean = try values.decode(ShownAsNull<Double>.self, forKey: .mean)
    _min = try values.decode(ShownAsNull<Double>.self, forKey: .min)
    _max = try values.decode(ShownAsNull<Double>.self, forKey: .max)
    strongest = try values.decode([Head].self, forKey: .strongest)
    undefined = try values.decode(Int.self, forKey: .undefined)
    bootstrap = try values.decodeIfPresent(Bootstrap.self, forKey: .bootstrap)
  }
}
