import ActivationPatterns
import Foundation
import Ground
import Runs
import Selection

/// A form of a pattern that `select` does not know: heads under several scores side by side, or weighed by how reliable the target's mean is in them.
///
/// Each column (a head under a score) is taken against the pool's mean μ and spread σ, z = (x − μ) / σ. A column's weight is the share of the target's
/// mean that is no accident of its n samples, w = max(0, 1 − s² / (n z̄²)), with s² their variance; 1 where nothing is weighed. The likeness is the
/// weighted Pearson correlation of the columns.
struct PatternForm {
  /// The positions of samples in their data.
  let poolIndex, targetIndex: [Int]
  /// The pool's rows and the target's, standardised, [samples][columns].
  private let pool, target: [[Double]]
  /// The columns' weights.
  let weights: [Double]

  init(_ method: Study.Method, target: URL, pool: URL, score: Score) throws {
    let scores = method.scores.isEmpty ? [score] : method.scores
    let (targetPattern, poolPattern) = (try ActivationPattern.read(from: target), try ActivationPattern.read(from: pool))
    self.init(
      pool: try Self.rows(of: poolPattern, scores, pool), target: try Self.rows(of: targetPattern, scores, target),
      standardises: method.standardises, weighs: method.weighsByReliability,
      indices: ((poolPattern.samples?.index ?? []).map(Int.init), (targetPattern.samples?.index ?? []).map(Int.init)))
  }

  /// The form of rows in memory.
  init(pool: [[Double]], target: [[Double]], standardises: Bool, weighs: Bool, indices: (pool: [Int], target: [Int])? = nil) {
    poolIndex = indices?.pool ?? Array(pool.indices)
    targetIndex = indices?.target ?? Array(target.indices)
    let width = pool.first?.count ?? 0
    let count = Double(max(1, pool.count))
    var (means, spreads) = ([Double](repeating: 0, count: width), [Double](repeating: 1, count: width))
    for column in 0..<width {
      means[column] = pool.reduce(0) { $0 + $1[column] } / count
      let variance = pool.reduce(0) { $0 + ($1[column] - means[column]) * ($1[column] - means[column]) } / count
      if standardises { spreads[column] = variance.squareRoot() }
    }
    func standardised(_ row: [Double]) -> [Double] {
      row.indices.map { column in
        let deviation = row[column] - (standardises || weighs ? means[column] : 0)
        return spreads[column] > 0 ? deviation / spreads[column] : 0
      }
    }
    self.pool = pool.map(standardised)
    self.target = target.map(standardised)
    var weights = spreads.map { $0 > 0 ? 1.0 : 0 }
    if weighs, target.count > 1 {
      let samples = Double(target.count)
      for column in 0..<width where weights[column] > 0 {
        let values = self.target.map { $0[column] }
        let mean = values.reduce(0, +) / samples
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (samples - 1)
        weights[column] = mean == 0 ? 0 : max(0, 1 - variance / (samples * mean * mean))
      }
    }
    self.weights = weights
  }

  private static func rows(of pattern: ActivationPattern, _ scores: [Score], _ url: URL) throws -> [[Double]] {
    let levels = try scores.map { score in
      guard let samples = pattern.levels[score]?.samples else {
        throw RunError("\(url.relativePath) keeps no samples of the score \(score.rawValue); measure it again")
      }
      return samples
    }
    return try (0..<(levels.first?.sampleCount ?? 0)).map { sample in try levels.flatMap { try $0.row(sample).map(Double.init) } }
  }

  /// The likeness of every sample of the pool to each target.
  /// - Throws: `RunError` where a target has no direction.
  func likeness(view: TargetView) throws -> any Likeness {
    var targets = target
    if view == .mean {
      targets = [(weights.indices).map { column in target.reduce(0) { $0 + $1[column] } / Double(max(1, target.count)) }]
    }
    let directions = try targets.map { row in
      guard let direction = direction(row) else {
        throw RunError("a target has the same level in every head that counts, so that nothing is like it; give it more samples")
      }
      return direction
    }
    var values: [Double] = []
    for row in pool {
      let own = direction(row)
      for target in directions { values.append(own.map { own in zip(own, target).reduce(0) { $0 + $1.0 * $1.1 } } ?? .nan) }
    }
    return FormLikeness(sampleCount: pool.count, targetNames: view == .mean ? ["mean"] : targetIndex.map { "sample \($0)" }, values: values)
  }

  /// The row with its weighted mean taken off, weighed, and brought to length one.
  private func direction(_ row: [Double]) -> [Double]? {
    let total = weights.reduce(0, +)
    guard total > 0 else { return nil }
    let mean = zip(row, weights).reduce(0) { $0 + $1.0 * $1.1 } / total
    let parts = zip(row, weights).map { ($0 - mean) * $1.squareRoot() }
    let length = parts.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length > 0 ? parts.map { $0 / length } : nil
  }
}

/// Likenesses that are in memory.
private struct FormLikeness: Likeness {
  let sampleCount: Int
  let targetNames: [String]
  /// [samples · targets].
  let values: [Double]

  func forEachBlock(_ body: (_ first: Int, _ values: UnsafeBufferPointer<Double>) throws -> Void) throws {
    try values.withUnsafeBufferPointer { try body(0, $0) }
  }
}
