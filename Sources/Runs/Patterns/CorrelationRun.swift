public import ActivationPatterns
public import Ground

/// How alike patterns or changes are: the Pearson correlation of every pair, over their heads.
public struct CorrelationRun: Run, RecordedSettings {
  /// `headway correlate` and the keys of its record.
  public static let form: SettingsForm<CorrelationRun> = SettingsForm(
    "correlate", CorrelationRun([]),
    [
      .files("files", \.files), .setting("bootstrap", \.bootstrap), .setting("seed", \.seed), .setting("score", \.score),
      .setting("mixed", \.mixed),
    ])

  /// The files.
  public var files: [PatternSource]
  /// How often samples are drawn again for 95% intervals; nil for none.
  public var bootstrap: Int?
  /// Seeds what is drawn.
  public var seed: UInt64 = 0
  /// The score to look at; the first that all files have where nil.
  public var score: Score?
  /// Whether to go on where models, scores, kinds of file or measurements differ.
  public var mixed = false

  /// The correlations of these files.
  public init(_ files: [PatternSource]) { self.files = files }

  /// Refuses too few resamples for an interval.
  /// - Throws: `SettingsError`.
  public func validate() throws { try requireReplicates(bootstrap) }

  /// Compares every pair, undefined entries left out of it.
  /// - Throws: `RunError` where two files would go by one name, `PatternError`.
  public func run(_ monitor: RunMonitor) throws -> CorrelationResult {
    try validate()
    let files = files.apart
    try files.requireDistinctNames()
    let comparison = try files.compare(score: score, mixed: mixed)
    var result = CorrelationResult(
      names: comparison.names, score: Set(comparison.scores).count == 1 ? comparison.scores.first : nil,
      matrix: try Correlation.matrix(comparison.matrices))
    if let bootstrap {
      var generator = SeededGenerator(seed: seed, stream: "correlate bootstrap")
      let found = try CorrelationBootstrap(try comparison.sampled(), replicates: bootstrap, using: &generator)
      for (name, reliability) in zip(comparison.names, found.reliabilities) {
        if let warning = reliabilityWarning(name, reliability) { monitor.warn(warning) }
      }
      result.bootstrap = .init(found, names: comparison.names, seed: seed)
    }
    let undefined = comparison.matrices.reduce(0) { $0 + $1.undefinedCount }
    if undefined > 0 { monitor.note("\(undefined) undefined entries of relative changes were left out, pair by pair") }
    return result
  }
}

/// The correlation of every pair.
public struct CorrelationResult: Codable, Sendable, Equatable {
  /// Intervals from resampled samples.
  public struct Bootstrap: Codable, Sendable, Equatable {
    /// How often samples were drawn.
    public var replicates: Int
    /// What seeded it.
    public var seed: UInt64
    /// The lower ends, [i][j]; nil where undefined, and on the diagonal.
    public var low: [[Double?]]
    /// The upper ends.
    public var high: [[Double?]]
    /// Each file's split-half reliability, by name.
    public var reliability: [String: Double?]

    init(_ bootstrap: CorrelationBootstrap, names: [String], seed: UInt64) {
      replicates = bootstrap.replicates
      self.seed = seed
      low = bootstrap.intervals.map { $0.map { $0?.low } }
      high = bootstrap.intervals.map { $0.map { $0?.high } }
      reliability = Dictionary(uniqueKeysWithValues: zip(names, bootstrap.reliabilities))
    }
  }
  /// The files' names, in order.
  public var names: [String]
  /// The score that all were looked at under; nil where they were mixed.
  public var score: Score?
  /// The correlations, [i][j]; nil where undefined.
  public var matrix: [[Double?]]
  /// Intervals, where they were asked for.
  public var bootstrap: Bootstrap?
}
