import Ground
import Torch

/// A pattern or change with its samples at hand, so that other samples could have been drawn: what bootstrap and split halves
/// need.
public struct SampledLevels: Sendable {
  /// The number of samples, N.
  public let sampleCount: Int
  /// The number of layers, L.
  public let layers: Int
  /// The number of heads in a layer, H.
  public let heads: Int
  /// The same for patterns of the same samples in the same order: what is drawn for one is then drawn for the other.
  var sampleKey: String?
  private var rows: Rows

  private enum Rows: Sendable {
    /// [N · L · H]; the figure is the mean.
    case plain([Double])
    /// Levels before and after; the figure is (mean after − mean before) / mean before.
    case relative(before: [Double], after: [Double])
  }

  /// The samples of a pattern or change under a score, taken to be samples of its own: `PatternComparison.sampled()` finds out which files
  /// share theirs.
  /// - Throws: `PatternError` where the file keeps none, or fewer than two.
  public init(_ file: PatternFile, name: String, score: Score) throws {
    func need(_ levels: SampleLevels?) throws -> SampleLevels {
      guard let levels else {
        throw PatternError(
          name, problem: "it keeps no samples of \(score), so nothing can be said of its uncertainty",
          remedy: "measure with \(setting: .perSample) (both sides of a change)")
      }
      guard levels.sampleCount >= 2 else {
        throw PatternError(name, problem: "one sample says nothing of uncertainty", remedy: "measure more samples")
      }
      return levels
    }
    switch file {
    case .pattern(let pattern):
      let levels = try need(pattern.levels[score]?.samples)
      sampleCount = levels.sampleCount
      rows = .plain(try levels.doubles())
    case .change(let change):
      let before = try need(change.levels[score]?.before)
      let after = try need(change.levels[score]?.after)
      sampleCount = before.sampleCount
      let (old, new) = (try before.doubles(), try after.doubles())
      rows = change.isRelative ? .relative(before: old, after: new) : .plain(zip(old, new).map { $1 - $0 })
    }
    layers = file.layers
    heads = file.heads
  }

  /// Samples in memory, each [L · H].
  /// - Throws: `PatternError` where there are fewer than two, counts do not fit or a value is not finite.
  public init(layers: Int, heads: Int, samples: [[Double]], sampleKey: String? = nil) throws {
    let (count, overflow) = layers.multipliedReportingOverflow(by: heads)
    guard samples.count >= 2, !overflow, count > 0, samples.allSatisfy({ $0.count == count && $0.allSatisfy { $0.isFinite } }) else {
      throw PatternError(
        problem: "samples must be two or more, each of \(layers) layers × \(heads) finite numbers", remedy: "check the shapes")
    }
    self.layers = layers
    self.heads = heads
    sampleCount = samples.count
    rows = .plain(samples.flatMap(\.self))
    self.sampleKey = sampleKey
  }

  /// The number of entries, L · H.
  var entryCount: Int { layers * heads }

  /// Puts the samples into the order of these positions.
  mutating func reorder(_ positions: [Int]) {
    guard positions != Array(0..<sampleCount) else { return }
    let width = entryCount
    func picked(_ values: [Double]) -> [Double] { positions.flatMap { values[$0 * width..<($0 + 1) * width] } }
    switch rows {
    case .plain(let values): rows = .plain(picked(values))
    case .relative(let before, let after): rows = .relative(before: picked(before), after: picked(after))
    }
  }

  /// The figure over all samples.
  func mean() -> [Double] { mean(weights: [Int](repeating: 1, count: sampleCount)) }

  /// The figure where sample i was drawn `weights[i]` times; NaN where undefined.
  func mean(weights: [Int]) -> [Double] {
    switch rows {
    case .plain(let values): return Self.mean(values, weights, entryCount)
    case .relative(let before, let after):
      let (old, new) = (Self.mean(before, weights, entryCount), Self.mean(after, weights, entryCount))
      return zip(old, new).map { $0 == 0 ? .nan : ($1 - $0) / $0 }
    }
  }

  /// The figure under each of many draws, as `mean(weights:)` has it.
  func means(weights: [[Int]]) throws -> [[Double]] {
    switch rows {
    case .plain(let values): return try Self.means(values, weights, entryCount)
    case .relative(let before, let after):
      let (old, new) = (try Self.means(before, weights, entryCount), try Self.means(after, weights, entryCount))
      return zip(old, new).map { zip($0, $1).map { $0 == 0 ? .nan : ($1 - $0) / $0 } }
    }
  }

  /// Σ weight · row for every draw is one matrix product: [draws, N] · [N, L · H].
  private static func means(_ values: [Double], _ weights: [[Int]], _ width: Int) throws -> [[Double]] {
    guard let samples = weights.first?.count, samples > 0 else { return [] }
    let totals = weights.map { Double($0.reduce(0, +)) }
    let draws = try Tensor(weights.flatMap { $0.map(Double.init) }, shape: [weights.count, samples])
    let sums = try draws.matrixProduct(Tensor(values, shape: [samples, width])).doubles()
    return weights.indices.map { draw in sums[draw * width..<(draw + 1) * width].map { $0 / totals[draw] } }
  }

  private static func mean(_ values: [Double], _ weights: [Int], _ width: Int) -> [Double] {
    let drawn = weights.indices.filter { weights[$0] > 0 }
    var sums = [Double](repeating: 0, count: width)
    sums.withUnsafeMutableBufferPointer { sums in
      values.withUnsafeBufferPointer { values in
        // Four rows at a time: the sums are then read and written once for four.
        let whole = drawn.count / 4 * 4
        for place in stride(from: 0, to: whole, by: 4) {
          let (a, b, c, d) = (drawn[place], drawn[place + 1], drawn[place + 2], drawn[place + 3])
          let factors = SIMD4(Double(weights[a]), Double(weights[b]), Double(weights[c]), Double(weights[d]))
          for entry in 0..<width {
            sums[entry] +=
              (factors[0] * values[a * width + entry] + factors[1] * values[b * width + entry])
              + (factors[2] * values[c * width + entry] + factors[3] * values[d * width + entry])
          }
        }
        for sample in drawn[whole...] {
          let factor = Double(weights[sample])
          for entry in 0..<width { sums[entry] += factor * values[sample * width + entry] }
        }
      }
    }
    let total = Double(weights.reduce(0, +))
    return sums.map { $0 / total }
  }

  /// How far each sample pulls the figure: [N · L · H], each entry's mean zero. For a mean, the deviation from it; for a relative
  /// change, the derivative of the ratio (after_i − before_i · Ā/B̄) / B̄.
  func influences() -> [Double] {
    let ones = [Int](repeating: 1, count: sampleCount)
    switch rows {
    case .plain(let values):
      let mean = Self.mean(values, ones, entryCount)
      return values.indices.map { values[$0] - mean[$0 % entryCount] }
    case .relative(let before, let after):
      let (old, new) = (Self.mean(before, ones, entryCount), Self.mean(after, ones, entryCount))
      return before.indices.map { position in
        let entry = position % entryCount
        return old[entry] == 0 ? .nan : (after[position] - before[position] * new[entry] / old[entry]) / old[entry]
      }
    }
  }
}

extension SampleLevels {
  /// Every value, sample by sample.
  fileprivate func doubles() throws -> [Double] {
    var values: [Double] = []
    values.reserveCapacity(sampleCount * entryCount)
    for sample in 0..<sampleCount { values += try row(sample).lazy.map(Double.init) }
    return values
  }
}
