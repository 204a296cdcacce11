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
  ///   - options: How to fit.
  ///   - ranksPairs: Whether pairs are ranked too.
  public init(
    target: SampledLevels, basics: [SampledLevels], options: PatternFit.Options = .init(), ranksPairs: Bool = true, replicates: Int,
    using generator: inout some RandomNumberGenerator
  ) throws {
    let all = Array(basics.indices)
    let resampler = Resampler(basics + [target])
    let means = basics.map { $0.mean() }
    let problem = try FitProblem(target: target.mean(), basics: means, options: options)
    let full = problem.fit(all)

    let correction = full.ridge == 0 && !options.isNonnegative ? NoiseCorrection(target: target, basics: basics, resampler, options) : nil
    let corrected = correction?.coefficients(target: target.mean(), basics: means)

    var pairs: [[Int]] = []
    if ranksPairs { SubsetSearch.forEachSubset(of: 2, from: basics.count) { pairs.append($0) } }
    let ridges = pairs.map { problem.fit($0).ridge }
    let pairR2 = zip(pairs, ridges).map { problem.r2($0, ridge: $1) ?? -.infinity }
    let ranking = pairs.indices.sorted { (pairR2[$1], $0) < (pairR2[$0], $1) }

    var drawn: [PatternFit] = []
    var drawnCorrected: [[Double]?] = []
    var differences: [Double] = []
    var firsts = [Int](repeating: 0, count: pairs.count)
    for _ in 0..<replicates {
      let weights = resampler.draw(using: &generator)
      let basicMeans = zip(basics, weights).map { $0.mean(weights: $1) }
      let targetMean = target.mean(weights: weights[basics.count])
      let replicate = try FitProblem(target: targetMean, basics: basicMeans, options: options)
      drawn.append(replicate.fit(all))
      drawnCorrected.append(correction?.coefficients(target: targetMean, basics: basicMeans))
      guard !pairs.isEmpty else { continue }
      let r2 = zip(pairs, ridges).map { replicate.r2($0, ridge: $1) ?? -.infinity }
      if let first = r2.indices.max(by: { (r2[$0], $1) < (r2[$1], $0) }) { firsts[first] += 1 }
      if ranking.count > 1 { differences.append(r2[ranking[0]] - r2[ranking[1]]) }
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
    targetReliability = Reliability.splitHalf(target, using: &generator)
    var reliabilities: [Double?] = []
    for basic in basics { reliabilities.append(Reliability.splitHalf(basic, using: &generator)) }
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

  /// α without the noise's share; nil where what is left of XᵀX is not positive definite.
  func coefficients(target: [Double], basics: [[Double]]) -> [Double]? {
    var columns = basics
    var target = target
    let defined = target.indices.filter { index in !target[index].isNaN && columns.allSatisfy { !$0[index].isNaN } }
    if defined.count < target.count {
      target = defined.map { target[$0] }
      columns = columns.map { column in defined.map { column[$0] } }
    }
    if options.hasIntercept {
      func centred(_ values: [Double]) -> [Double] {
        let mean = values.compensatedSum() / Double(max(1, values.count))
        return values.map { $0 - mean }
      }
      target = centred(target)
      columns = columns.map(centred)
    }
    func product(_ one: [Double], _ other: [Double]) -> Double {
      var sum = 0.0
      for index in one.indices { sum += one[index] * other[index] }
      return sum
    }
    let count = columns.count
    let gram = (0..<count).map { row in (0..<count).map { product(columns[row], columns[$0]) - self.basics[row][$0] } }
    let right = (0..<count).map { product(columns[$0], target) - self.target[$0] }
    return Self.solvePositiveDefinite(gram, right)
  }

  /// By Cholesky's factors, on the matrix scaled to a diagonal of ones.
  private static func solvePositiveDefinite(_ matrix: [[Double]], _ right: [Double]) -> [Double]? {
    let count = right.count
    guard (0..<count).allSatisfy({ matrix[$0][$0] > 0 }) else { return nil }
    let scale = (0..<count).map { 1 / matrix[$0][$0].squareRoot() }
    var factor = (0..<count).map { row in (0..<count).map { matrix[row][$0] * scale[row] * scale[$0] } }
    for column in 0..<count {
      for row in column..<count {
        var value = factor[row][column]
        for inner in 0..<column { value -= factor[row][inner] * factor[column][inner] }
        if row == column {
          guard value > 1e-8 else { return nil }
          factor[row][column] = value.squareRoot()
        } else {
          factor[row][column] = value / factor[column][column]
        }
      }
    }
    var solution = (0..<count).map { right[$0] * scale[$0] }
    for row in 0..<count {
      for inner in 0..<row { solution[row] -= factor[row][inner] * solution[inner] }
      solution[row] /= factor[row][row]
    }
    for row in (0..<count).reversed() {
      for inner in row + 1..<max(count, row + 1) { solution[row] -= factor[inner][row] * solution[inner] }
      solution[row] /= factor[row][row]
    }
    return (0..<count).map { solution[$0] * scale[$0] }
  }
}
