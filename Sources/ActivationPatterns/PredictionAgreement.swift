import Ground

/// How well one figure of several items predicts another of the same items, both means over the same samples: what patterns predict of ablations
/// against what ablations do, for example.
public struct PredictionAgreement: Sendable {
  /// Pearson correlation of the means over items; nil for fewer than three items.
  public let pearson: Interval?
  /// Spearman's.
  public let spearman: Interval?
  /// The least-squares slope of truth on prediction through the origin: 1 where sizes agree too.
  public let slope: Interval?
  /// The share of items whose truth and prediction have one sign.
  public let sameSign: Double
  /// The mean truth of each item.
  public let truths: [Interval?]
  /// The mean prediction of each item.
  public let predictions: [Interval?]
  /// Split-half reliability of the truths.
  public let truthReliability: Double?
  /// Split-half reliability of the predictions.
  public let predictionReliability: Double?
  /// The number of resamples.
  public let replicates: Int

  /// Compares, and draws the samples again, truth and prediction together.
  /// - Parameters:
  ///   - truth: [N][items].
  ///   - prediction: [N][items], of the same samples.
  ///   - replicates: how often the samples are drawn again.
  ///   - generator: what they are drawn by.
  /// - Throws: `PatternError` for fewer than two samples, no item, or a value that is not finite.
  public init(truth: [[Double]], prediction: [[Double]], replicates: Int, using generator: inout some RandomNumberGenerator) throws {
    guard truth.count == prediction.count else {
      throw PatternError(
        problem: "\(truth.count) samples of truth and \(prediction.count) of prediction", remedy: "give both of each sample")
    }
    let items = truth.first?.count ?? 0
    let pair = try [truth, prediction].map { try SampledLevels(layers: 1, heads: items, samples: $0, sampleKey: "same") }
    let resampler = Resampler(pair)
    let full = pair.map { $0.mean() }
    var drawn: [[[Double]]] = []
    try resampler.forEachBatch(of: replicates, pair, using: &generator) { means in drawn += zip(means[0], means[1]).map { [$0, $1] } }
    func interval(within bounds: ClosedRange<Double>? = nil, _ figure: ([Double], [Double]) -> Double?) -> Interval? {
      guard items > 2 else { return nil }
      return Interval(estimate: figure(full[0], full[1]), replicates: drawn.map { figure($0[0], $0[1]) }, within: bounds)
    }
    pearson = interval(within: -1...1) { Correlation.pearson($0, $1) }
    spearman = interval(within: -1...1) { Correlation.spearman($0, $1) }
    slope = interval { truth, prediction in
      let squares = prediction.map { $0 * $0 }.compensatedSum()
      return squares > 0 ? zip(truth, prediction).map { $0 * $1 }.compensatedSum() / squares : nil
    }
    sameSign = Double(zip(full[0], full[1]).count { ($0 < 0) == ($1 < 0) && ($0 == 0) == ($1 == 0) }) / Double(max(1, items))
    func means(_ side: Int) -> [Interval?] {
      (0..<items).map { item in Interval(estimate: full[side][item], replicates: drawn.map { $0[side][item] }) }
    }
    truths = means(0)
    predictions = means(1)
    truthReliability = items > 2 ? try Reliability.splitHalf(pair[0], using: &generator) : nil
    predictionReliability = items > 2 ? try Reliability.splitHalf(pair[1], using: &generator) : nil
    self.replicates = replicates
  }
}
