import Torch

/// A fit's figures with their intervals, from resampled samples.
public struct FitBootstrap: Sendable {
  /// How often one pair explained the target best.
  public struct Pair: Sendable, Equatable {
    /// The two basics.
    public let basics: [Int]
    /// The share of resamples in which no pair had a greater R².
    public let firstShare: Double
  }

  /// Each coefficient. Noise in the basics pulls it towards zero.
  public let coefficients: [Interval?]
  /// Each coefficient corrected for noise in the basics: (XᵀX − Σ)⁻¹ (Xᵀy − σ), with Σ their noise's covariance and σ that with the
  /// target's, estimated from the samples (Fuller 1987, §2.2). Nil where noise leaves too little to solve for, or shares are bound
  /// to be non-negative or a ridge was needed.
  public let corrected: [Interval?]
  /// R².
  public let r2: Interval?
  /// Every pair of basics, most often best first; empty with fewer than two basics.
  public let pairs: [Pair]
  /// R² of the best pair minus that of the runner-up; nil with fewer than three basics.
  public let bestMinusRunnerUp: Interval?
  /// The target's split-half reliability.
  public let targetReliability: Double?
  /// Each basic's split-half reliability.
  public let basicReliabilities: [Double?]
  /// The number of resamples.
  public let replicates: Int

  /// Resamples target and basics, which have one shape.
  /// - Parameters:
  ///   - target: The complex task's levels by sample.
  ///   - basics: The basic tasks' levels by sample.
  ///   - options: How to fit.
  ///   - ranksPairs: Whether pairs are ranked too.
  ///   - replicates: How often samples are drawn again.
  ///   - generator: What they are drawn by.
  public init(
    target: SampledLevels, basics: [SampledLevels], options: PatternFit.Options = .init(), ranksPairs: Bool = true, replicates: Int,
    using generator: inout some RandomNumberGenerator
  ) throws {
    let all = Array(basics.indices)
    let resampler = Resampler(basics + [target])
    let means = basics.map { $0.mean() }
    let problem = try FitProblem(target: target.mean(), basics: means, options: options)
    let full = try problem.fit(all)

    let correction = full.ridge == 0 && !options.isNonnegative ? NoiseCorrection(target: target, basics: basics, resampler, options) : nil
    let corrected = try correction?.coefficients([problem]).first ?? nil

    var pairs: [[Int]] = []
    if ranksPairs { SubsetSearch.forEachSubset(of: 2, from: basics.count) { pairs.append($0) } }
    let ridges = try FitProblem.fits(pairs.map { (problem, $0) }).map(\.ridge)
    let pairR2 = try FitProblem.r2(pairs.map { (problem, $0) }, ridges: ridges).map { $0 ?? -.infinity }
    let ranking = pairs.indices.sorted { (pairR2[$1], $0) < (pairR2[$0], $1) }

    var drawn: [PatternFit] = []
    var drawnCorrected: [[Double]?] = []
    var differences: [Double] = []
    var firsts = [Int](repeating: 0, count: pairs.count)
    let patterns = basics + [target]
    try resampler.forEachBatch(of: replicates, patterns, using: &generator) { means in
      let batch = try FitProblem.problems(
        means[basics.count].indices.map { draw in (means[basics.count][draw], basics.indices.map { means[$0][draw] }) }, options: options)
      drawn += try FitProblem.fits(batch.map { ($0, all) })
      drawnCorrected += try correction?.coefficients(batch) ?? batch.map { _ in nil }
      guard !pairs.isEmpty else { return }
      for replicate in batch {
        let r2 = try FitProblem.r2(pairs.map { (replicate, $0) }, ridges: ridges).map { $0 ?? -.infinity }
        if let first = r2.indices.max(by: { (r2[$0], $1) < (r2[$1], $0) }) { firsts[first] += 1 }
        if ranking.count > 1 { differences.append(r2[ranking[0]] - r2[ranking[1]]) }
      }
    }

    coefficients = all.map { index in
      Interval(estimate: full.coefficients[index], replicates: drawn.map { $0.coefficients[index] })
    }
    self.corrected = all.map { index in
      corrected.flatMap { corrected in
        Interval(
          estimate: corrected[index], center: full.coefficients[index], replicates: drawnCorrected.map { $0.map { $0[index] } })
      }
    }
    r2 = Interval(estimate: full.r2, replicates: drawn.map(\.r2), within: -.infinity...1)
    self.pairs = pairs.indices.sorted { (firsts[$1], pairR2[$1], $0) < (firsts[$0], pairR2[$0], $1) }
      .map { Pair(basics: pairs[$0], firstShare: replicates > 0 ? Double(firsts[$0]) / Double(replicates) : 0) }
    bestMinusRunnerUp =
      ranking.count > 1
      ? Interval(estimate: pairR2[ranking[0]] - pairR2[ranking[1]], replicates: differences) : nil
    targetReliability = try Reliability.splitHalf(target, using: &generator)
    var reliabilities: [Double?] = []
    for basic in basics { reliabilities.append(try Reliability.splitHalf(basic, using: &generator)) }
    basicReliabilities = reliabilities
    self.replicates = replicates
  }
}

/// What noise adds to the products of patterns: with few samples XᵀX is too large, and α too small.
private struct NoiseCorrection {
  /// Of basics with basics, [K][K].
  private var basics: [[Double]]
  /// Of basics with the target, [K]; zero where they do not share samples.
  private var target: [Double]
  private let options: PatternFit.Options

  init(target: SampledLevels, basics: [SampledLevels], _ resampler: Resampler, _ options: PatternFit.Options) {
    let patterns = basics + [target]
    let influences = patterns.map { $0.influences() }
    let count = basics.count
    var covariance = [[Double]](repeating: [Double](repeating: 0, count: count + 1), count: count + 1)
    for one in 0...count {
      for other in 0...one where resampler.areTogether(one, other) {
        let value = Self.covariance(influences[one], influences[other], target.entryCount, centred: options.hasIntercept)
        covariance[one][other] = value
        covariance[other][one] = value
      }
    }
    self.basics = (0..<count).map { Array(covariance[$0].prefix(count)) }
    self.target = (0..<count).map { covariance[$0][count] }
    self.options = options
  }

  /// Σ over entries of the covariance of two means, estimated from how far each sample pulls them; less that of their averages
  /// where the columns are centred.
  private static func covariance(_ one: [Double], _ other: [Double], _ entries: Int, centred: Bool) -> Double {
    let samples = one.count / entries
    var sum = CompensatedSum()
    for sample in 0..<samples {
      var product = 0.0
      var (oneTotal, otherTotal) = (0.0, 0.0)
      for position in sample * entries..<(sample + 1) * entries where !one[position].isNaN && !other[position].isNaN {
        product += one[position] * other[position]
        oneTotal += one[position]
        otherTotal += other[position]
      }
      sum.add(centred ? product - oneTotal * otherTotal / Double(entries) : product)
    }
    return sum.value / Double(samples - 1) / Double(samples)
  }

  /// α of each problem without the noise's share; nil where what is left of XᵀX is not positive definite.
  func coefficients(_ problems: [FitProblem]) throws -> [[Double]?] {
    let count = basics.count
    var matrices: [Double] = []
    var rights: [Double] = []
    var scales: [[Double]?] = []
    for problem in problems {
      var (matrix, right) = problem.normalEquations
      for row in 0..<count {
        for column in 0..<count { matrix[row][column] -= basics[row][column] }
        right[row] -= target[row]
      }
      // Scaled to a diagonal of ones, whatever the basics' sizes; what has no positive diagonal cannot be, and is passed over below.
      let sound = (0..<count).allSatisfy { matrix[$0][$0] > 0 }
      let scale = (0..<count).map { sound ? 1 / matrix[$0][$0].squareRoot() : 1 }
      scales.append(sound ? scale : nil)
      for row in 0..<count {
        for column in 0..<count { matrices.append(sound ? matrix[row][column] * scale[row] * scale[column] : (row == column ? 1 : 0)) }
        rights.append(right[row] * scale[row])
      }
    }
    let (solution, leastPivots) = try Tensor(matrices, shape: [problems.count, count, count])
      .solvingPositiveDefinite(Tensor(rights, shape: [problems.count, count, 1]))
    let (values, pivots) = (try solution.doubles(), try leastPivots.doubles())
    return problems.indices.map { index in
      guard let scale = scales[index], pivots[index] > 1e-8 else { return nil }
      return (0..<count).map { values[index * count + $0] * scale[$0] }
    }
  }
}
