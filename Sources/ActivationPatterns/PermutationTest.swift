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
    let ridge = problem.fit(Array(basics.indices)).ridge
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
    withinLayers = Self.probability(problem, ridge, permutations, shuffling: layers, using: &generator)
    allHeads = Self.probability(problem, ridge, permutations, shuffling: [0..<problem.kept.count], using: &generator)
    self.permutations = permutations
  }

  private static func probability(
    _ problem: FitProblem, _ ridge: Double, _ permutations: Int, shuffling blocks: [Range<Int>],
    using generator: inout some RandomNumberGenerator
  ) -> Double? {
    let shuffled = ShuffledFits(problem, ridge: ridge)
    guard let observed = shuffled.r2(problem.target) else { return nil }
    var target = problem.target
    var asGood = 0
    for _ in 0..<permutations {
      for block in blocks { generator.shuffle(&target, in: block) }
      // Rounding must not break a tie: a layer of equal entries shuffles to itself.
      if let r2 = shuffled.r2(target), r2 >= observed - 1e-12 { asGood += 1 }
    }
    return Double(1 + asGood) / Double(permutations + 1)
  }
}

/// R² of many targets on the same basics, which are reduced once.
private struct ShuffledFits {
  private let problem: FitProblem
  private let reflections: Reflections
  private let ridge: Double

  init(_ problem: FitProblem, ridge: Double) {
    self.problem = problem
    reflections = Reflections(problem.columns)
    self.ridge = ridge
  }

  func r2(_ target: [Double]) -> Double? {
    guard problem.totalSquared > 0 else { return nil }
    let transformed = reflections.apply(to: target)
    let kept = min(target.count, problem.columns.count)
    let reduced = ReducedProblem(
      columns: reflections.triangle, target: Array(transformed.prefix(kept)),
      restSquared: transformed.dropFirst(kept).reduce(0) { $0 + $1 * $1 })
    let coefficients = FitProblem.solve(reduced, ridge: ridge, isNonnegative: problem.options.isNonnegative)
    return 1 - reduced.residualSquared(coefficients) / problem.totalSquared
  }
}
