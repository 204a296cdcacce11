import Ground

/// A figure with a 95% interval from resampled samples.
public struct Interval: Codable, Sendable, Equatable {
  /// The figure on the samples as they are.
  public let estimate: Double
  /// The lower end.
  public let low: Double
  /// The upper end.
  public let high: Double

  /// The reversed interval [2θ̂ − q97.5, 2θ̂ − q2.5] (Davison and Hinkley 1997, §5.2; "basic" bootstrap).
  ///
  /// Levels are noisy means of absolute values, and noise bends figures such as Gini one way: a resample bends them once more, and
  /// turning its quantiles about the estimate takes that out, where percentiles as they are would double it.
  /// - Parameters:
  ///   - estimate: θ̂.
  ///   - center: The figure that resamples scatter about, where it is another than θ̂: resamples of an estimate that is corrected for
  ///     noise scatter about the uncorrected one, since to them the samples at hand are the truth.
  ///   - replicates: The figure on each resample; nil where it was undefined there.
  ///   - bounds: What the figure can be at all.
  init?(estimate: Double?, center: Double? = nil, replicates: [Double?], within bounds: ClosedRange<Double>? = nil) {
    let defined = replicates.compactMap(\.self).filter(\.isFinite).sorted()
    // Where a figure is undefined on one resample in ten, its quantiles are those of another quantity.
    guard let estimate, estimate.isFinite, !defined.isEmpty, defined.count * 10 >= replicates.count * 9 else { return nil }
    let pivot = estimate + (center ?? estimate)
    var (low, high) = (pivot - Self.quantile(0.975, ofSorted: defined), pivot - Self.quantile(0.025, ofSorted: defined))
    if let bounds {
      (low, high) = (max(bounds.lowerBound, min(low, bounds.upperBound)), max(bounds.lowerBound, min(high, bounds.upperBound)))
    }
    self.estimate = estimate
    self.low = low
    self.high = high
  }

  /// A quantile by linear interpolation, numpy's default (type 7 of Hyndman and Fan).
  public static func quantile(_ probability: Double, of values: [Double]) -> Double? {
    values.isEmpty ? nil : quantile(probability, ofSorted: values.sorted())
  }

  private static func quantile(_ probability: Double, ofSorted values: [Double]) -> Double {
    let place = max(0, min(1, probability)) * Double(values.count - 1)
    let lower = Int(place)
    let upper = min(lower + 1, values.count - 1)
    return values[lower] + (values[upper] - values[lower]) * (place - Double(lower))
  }
}

/// Draws samples with replacement. Patterns of the same samples get the same draw; before and after are drawn as pairs.
struct Resampler {
  /// For each pattern, the number of the draw it takes part in.
  private let groups: [Int]
  private let counts: [Int]

  init(_ patterns: [SampledLevels]) {
    var groups: [Int] = []
    var counts: [Int] = []
    var known: [String: Int] = [:]
    for pattern in patterns {
      if let key = pattern.sampleKey, let group = known[key], counts[group] == pattern.sampleCount {
        groups.append(group)
      } else {
        if let key = pattern.sampleKey { known[key] = counts.count }
        groups.append(counts.count)
        counts.append(pattern.sampleCount)
      }
    }
    self.groups = groups
    self.counts = counts
  }

  /// Whether two patterns share their samples.
  func areTogether(_ one: Int, _ other: Int) -> Bool { groups[one] == groups[other] }

  /// How often each sample of each pattern was drawn.
  func draw(using generator: inout some RandomNumberGenerator) -> [[Int]] {
    let draws = counts.map { count in
      var weights = [Int](repeating: 0, count: count)
      for _ in 0..<count { weights[generator.integer(below: count)] += 1 }
      return weights
    }
    return groups.map { draws[$0] }
  }

  /// Draws `replicates` times and hands over the patterns' figures, [patterns][draws][entries], a batch of draws at a time.
  func forEachBatch(
    of replicates: Int, _ patterns: [SampledLevels], using generator: inout some RandomNumberGenerator,
    _ body: (_ means: [[[Double]]]) throws -> Void
  ) throws {
    let largest = patterns.map { max($0.entryCount, $0.sampleCount) }.max() ?? 1
    let batch = max(1, min(256, (1 << 22) / max(1, largest * patterns.count)))
    for first in stride(from: 0, to: replicates, by: batch) {
      let draws = (first..<min(replicates, first + batch)).map { _ in draw(using: &generator) }
      try body(try patterns.indices.map { pattern in try patterns[pattern].means(weights: draws.map { $0[pattern] }) })
    }
  }

  /// For each pattern, 1 for the samples of a random half and 1 for those of the other; an odd one out is in neither.
  func halves(using generator: inout some RandomNumberGenerator) -> [(first: [Int], second: [Int])] {
    let splits = counts.map { count in
      var order = Array(0..<count)
      generator.shuffle(&order)
      var first = [Int](repeating: 0, count: count)
      var second = first
      for position in order.prefix(count / 2) { first[position] = 1 }
      for position in order.dropFirst(count / 2).prefix(count / 2) { second[position] = 1 }
      return (first, second)
    }
    return groups.map { splits[$0] }
  }
}
