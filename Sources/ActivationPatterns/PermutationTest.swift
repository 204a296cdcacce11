import Ground
import Torch

/// Is a fit better than chance? Its R² against that of shuffled targets, p = (1 + #≥) / (P + 1).
public struct PermutationTest: Sendable, Equatable {
  /// The target's heads shuffled within each layer: whether the fit says more than a shared profile over layers.
  public let withinLayers: Double?
  /// All heads shuffled. Tasks that share a trend over layers are rejected by it whatever their heads do, so it means little alone.
  public let allHeads: Double?
  /// The number of shuffles, P.
  public let permutations: Int

  /// Shuffles the target.
  /// - Throws: `PatternError` where shapes differ or there is no basic.
  public init(
    target: HeadMatrix, basics: [HeadMatrix], options: PatternFit.Options = .init(), permutations: Int,
    using generator: inout some RandomNumberGenerator
  ) throws {
    let problem = try FitProblem(target: target, basics: basics, options: options)
    let ridge = try problem.fit(Array(basics.indices)).ridge
    // Entries that are left lie layer by layer.
    var layers: [Range<Int>] = []
    for layer in problem.kept.map({ $0 / target.heads }) {
      let end = layers.last?.upperBound ?? 0
      if let last = layers.last, problem.kept[last.lowerBound] / target.heads == layer {
        layers[layers.count - 1] = last.lowerBound..<end + 1
      } else {
        layers.append(end..<end + 1)
      }
    }
    withinLayers = try Self.probability(problem, ridge, permutations, shuffling: layers, using: &generator)
    allHeads = try Self.probability(problem, ridge, permutations, shuffling: [0..<problem.kept.count], using: &generator)
    self.permutations = permutations
  }

  private static func probability(
    _ problem: FitProblem, _ ridge: Double, _ permutations: Int, shuffling blocks: [Range<Int>],
    using generator: inout some RandomNumberGenerator
  ) throws -> Double? {
    guard problem.totalSquared > 0 else { return nil }
    let shuffled = try ShuffledFits(problem, ridge: ridge)
    guard let observed = try shuffled.r2([problem.target]).first else { return nil }
    var target = problem.target
    var asGood = 0
    for first in stride(from: 0, to: permutations, by: shuffled.batch) {
      let targets = (first..<min(permutations, first + shuffled.batch)).map { _ in
        for block in blocks { generator.shuffle(&target, in: block) }
        return target
      }
      // Rounding must not break a tie: a layer of equal entries shuffles to itself.
      asGood += try shuffled.r2(targets).count { $0 >= observed - 1e-12 }
    }
    return Double(1 + asGood) / Double(permutations + 1)
  }
}

/// R² of many targets on the same basics, which are reduced once.
private struct ShuffledFits {
  private let problem: FitProblem
  /// Q `[n, k]`, its columns orthonormal.
  private let orthonormal: Tensor
  /// R by columns.
  private let triangle: [[Double]]
  private let decomposed: DecomposedProblem
  private let ridge: Double
  /// How many targets are fitted together.
  let batch: Int

  init(_ problem: FitProblem, ridge: Double) throws {
    self.problem = problem
    self.ridge = ridge
    let (rows, count) = (problem.entryCount, problem.columns.count)
    batch = max(1, ReducedProblem.batchElements / rows)
    // With fewer rows than columns, rows of zeros fill the triangle up.
    let height = max(rows, count)
    let padded = problem.columns.flatMap { $0 + [Double](repeating: 0, count: height - rows) }
    let (q, r) = try Tensor(padded, shape: [count, height]).transposed(0, 1).orthonormalFactors()
    orthonormal = try q.narrowed(0, from: 0, length: rows)
    let entries = try r.transposed(0, 1).doubles()
    triangle = (0..<count).map { Array(entries[$0 * count..<($0 + 1) * count]) }
    decomposed = try DecomposedProblem.decompose([ReducedProblem(columns: triangle, target: [], restSquared: 0)])[0]
  }

  func r2(_ targets: [[Double]]) throws -> [Double] {
    let count = triangle.count
    let y = try Tensor(targets.flatMap(\.self), shape: [targets.count, problem.entryCount])
    let z = try y.matrixProduct(orthonormal)  // [P, k]
    let rest = try y - z.matrixProduct(orthonormal.transposed(0, 1))
    let (reduced, left) = (try z.doubles(), try (rest * rest).sum(dimension: 1).doubles())
    return try targets.indices.map { index in
      let one = ReducedProblem(
        columns: triangle, target: Array(reduced[index * count..<(index + 1) * count]), restSquared: left[index])
      let coefficients = try FitProblem.solve(one, decomposed, ridge: ridge, isNonnegative: problem.options.isNonnegative)
      return 1 - one.residualSquared(coefficients) / problem.totalSquared
    }
  }
}
