/// How much of a pattern would come out again with other samples.
public enum Reliability {
  /// Split-half reliability: the Pearson correlation of the patterns of two random halves of the samples, averaged over splits and
  /// stepped up to the full number of samples (Spearman and Brown 1910: 2r / (1 + r)). Nil where undefined.
  public static func splitHalf(
    _ pattern: SampledLevels, splits: Int = 20, using generator: inout some RandomNumberGenerator
  ) throws -> Double? {
    let resampler = Resampler([pattern])
    var sum = 0.0
    var count = 0
    let halves = (0..<splits).map { _ in resampler.halves(using: &generator)[0] }
    for (first, second) in zip(try pattern.means(weights: halves.map(\.first)), try pattern.means(weights: halves.map(\.second))) {
      guard let r = Correlation.pearson(first, second) else { continue }
      sum += r
      count += 1
    }
    guard count > 0 else { return nil }
    let r = sum / Double(count)
    return r > -1 ? max(-1, 2 * r / (1 + r)) : -1
  }

  /// From here on intervals cover what they claim (docs/Statistics.md); below it results carry a warning.
  public static let sufficient = 0.9
}

/// One pattern's statistics, each with its interval.
public struct StatisticsBootstrap: Sendable {
  /// The mean level.
  public let mean: Interval?
  /// Gini coefficient (7).
  public let gini: Interval?
  /// Coefficient of variation (8).
  public let coefficientOfVariation: Interval?
  /// Kurtosis (9).
  public let kurtosis: Interval?
  /// Split-half reliability.
  public let reliability: Double?
  /// The number of resamples.
  public let replicates: Int

  /// Resamples a pattern.
  public init(_ pattern: SampledLevels, replicates: Int, using generator: inout some RandomNumberGenerator) throws {
    let resampler = Resampler([pattern])
    func statistics(_ values: [Double]) throws -> PatternStatistics {
      PatternStatistics(
        try HeadMatrix(layers: pattern.layers, heads: pattern.heads, values: values, mayBeUndefined: true), strongest: 0)
    }
    let full = try statistics(pattern.mean())
    var drawn: [PatternStatistics] = []
    try resampler.forEachBatch(of: replicates, [pattern], using: &generator) { means in drawn += try means[0].map(statistics) }
    mean = Interval(estimate: full.mean, replicates: drawn.map(\.mean))
    gini = Interval(estimate: full.gini, replicates: drawn.map(\.gini))
    coefficientOfVariation = Interval(estimate: full.coefficientOfVariation, replicates: drawn.map(\.coefficientOfVariation))
    kurtosis = Interval(estimate: full.kurtosis, replicates: drawn.map(\.kurtosis))
    reliability = try Reliability.splitHalf(pattern, using: &generator)
    self.replicates = replicates
  }
}

/// The correlation of every pair of patterns, each with its interval.
public struct CorrelationBootstrap: Sendable {
  /// [i][j]; nil where undefined, and on the diagonal.
  public let intervals: [[Interval?]]
  /// Each pattern's split-half reliability.
  public let reliabilities: [Double?]
  /// The number of resamples.
  public let replicates: Int

  /// Resamples patterns of one shape.
  public init(_ patterns: [SampledLevels], replicates: Int, using generator: inout some RandomNumberGenerator) throws {
    let resampler = Resampler(patterns)
    func matrix(_ means: [[Double]]) throws -> [[Double?]] {
      try Correlation.matrix(
        try zip(patterns, means).map { try HeadMatrix(layers: $0.layers, heads: $0.heads, values: $1, mayBeUndefined: true) })
    }
    let full = try matrix(patterns.map { $0.mean() })
    var drawn: [[[Double?]]] = []
    try resampler.forEachBatch(of: replicates, patterns, using: &generator) { means in
      for draw in means.first?.indices ?? 0..<0 { drawn.append(try matrix(means.map { $0[draw] })) }
    }
    intervals = patterns.indices.map { row in
      patterns.indices.map { column in
        row == column
          ? nil
          : Interval(estimate: full[row][column], replicates: drawn.map { $0[row][column] }, within: -1...1)
      }
    }
    var reliabilities: [Double?] = []
    for pattern in patterns { reliabilities.append(try Reliability.splitHalf(pattern, using: &generator)) }
    self.reliabilities = reliabilities
    self.replicates = replicates
  }
}
