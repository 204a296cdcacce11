/// A target and its basics made ready for many fits: undefined entries left out, scaled, centred where there is a constant,
/// reduced once.
struct FitProblem: Sendable {
  let options: PatternFit.Options
  /// The entries that are defined everywhere, rising.
  let kept: [Int]
  /// The basics there, scaled, and centred where there is a constant.
  let columns: [[Double]]
  /// The target there, likewise.
  let target: [Double]
  let reduced: ReducedProblem
  /// Σ(y − ȳ)² of the scaled target; 0 where it is constant.
  let totalSquared: Double
  let undefinedCount: Int
  private let targetExponent: Int
  private let basicExponents: [Int]
  private let targetMean: Double
  private let basicMeans: [Double]

  init(target: HeadMatrix, basics: [HeadMatrix], options: PatternFit.Options) throws {
    guard !basics.isEmpty else { throw PatternError(problem: "a fit needs at least one basic", remedy: "give --basic") }
    for (index, basic) in basics.enumerated() where !basic.hasSameShape(as: target) {
      throw PatternError(
        problem: "basic \(index + 1) has \(basic.shapeText) but the target has \(target.shapeText)", remedy: "fit patterns of one model")
    }
    try self.init(target: target.values, basics: basics.map(\.values), options: options)
  }

  /// Vectors of equal length, NaN where undefined.
  init(target: [Double], basics: [[Double]], options: PatternFit.Options) throws {
    var (target, basics) = (target, basics)
    let total = target.count
    var kept = Array(target.indices)
    if target.contains(where: \.isNaN) || basics.contains(where: { $0.contains(where: \.isNaN) }) {
      kept = target.indices.filter { index in !target[index].isNaN && basics.allSatisfy { !$0[index].isNaN } }
      target = kept.map { target[$0] }
      basics = basics.map { basic in kept.map { basic[$0] } }
    }
    guard !target.isEmpty else {
      throw PatternError(problem: "no entry is defined in the target and every basic", remedy: "fit absolute changes")
    }
    let scaledTarget = ScaledValues(target)
    let scaledBasics = basics.map(ScaledValues.init)
    let count = Double(target.count)
    func mean(_ values: [Double]) -> Double {
      guard let first = values.first, values.contains(where: { $0 != first }) else { return values.first ?? 0 }
      return values.compensatedSum() / count
    }
    let targetMean = mean(scaledTarget.values)
    totalSquared = scaledTarget.values.map { ($0 - targetMean) * ($0 - targetMean) }.compensatedSum()
    basicMeans = scaledBasics.map { mean($0.values) }
    self.targetMean = targetMean
    let centre = options.hasIntercept
    columns = zip(scaledBasics, basicMeans).map { basic, mean in centre ? basic.values.map { $0 - mean } : basic.values }
    self.target = centre ? scaledTarget.values.map { $0 - targetMean } : scaledTarget.values
    reduced = ReducedProblem(columns: columns, target: self.target)
    self.kept = kept
    targetExponent = scaledTarget.exponent
    basicExponents = scaledBasics.map(\.exponent)
    undefinedCount = total - target.count
    self.options = options
  }

  /// The entries that are fitted.
  var entryCount: Int { kept.count }

  /// Fits on some of the basics.
  func fit(_ subset: [Int]) -> PatternFit {
    let problem = reduced.selecting(subset)
    let condition = problem.conditionNumber
    let ridge = options.ridge ?? (condition >= PatternFit.ridgeCondition ? PatternFit.smallRidge : 0)
    let scaled = Self.solve(problem, ridge: ridge, isNonnegative: options.isNonnegative)
    let coefficients = zip(scaled, subset).map { $0.scaled(by: targetExponent - basicExponents[$1]) }
    var intercept: Double?
    if options.hasIntercept {
      let explained = zip(scaled, subset).map { $0 * basicMeans[$1] }.compensatedSum()
      intercept = (targetMean - explained).scaled(by: targetExponent)
    }
    let r2 = totalSquared > 0 ? 1 - problem.residualSquared(scaled) / totalSquared : nil
    let parameters = subset.count + (options.hasIntercept ? 1 : 0)
    let adjusted = r2.flatMap {
      entryCount > parameters ? 1 - (1 - $0) * Double(entryCount - 1) / Double(entryCount - parameters) : nil
    }
    return PatternFit(
      coefficients: coefficients, intercept: intercept, r2: r2, adjustedR2: adjusted, conditionNumber: condition, ridge: ridge,
      entryCount: entryCount, undefinedCount: undefinedCount)
  }

  /// R² alone, on some of the basics, without the condition number: for the many fits of a bootstrap or permutation test.
  func r2(_ subset: [Int], ridge: Double) -> Double? {
    guard totalSquared > 0 else { return nil }
    let problem = reduced.selecting(subset)
    let scaled = Self.solve(problem, ridge: ridge, isNonnegative: options.isNonnegative)
    return 1 - problem.residualSquared(scaled) / totalSquared
  }

  /// Solves with the ridge on columns of length one, whatever their own lengths.
  static func solve(_ problem: ReducedProblem, ridge: Double, isNonnegative: Bool) -> [Double] {
    guard ridge > 0 else { return isNonnegative ? problem.solveNonnegative() : problem.solve() }
    let lengths = problem.columnLengths.map { $0 > 0 ? $0 : 1 }
    let unit = ReducedProblem(
      columns: zip(problem.columns, lengths).map { column, length in column.map { $0 / length } }, target: problem.target,
      restSquared: problem.restSquared)
    let solution = isNonnegative ? unit.solveNonnegative(ridge: ridge) : unit.solve(ridge: ridge)
    return zip(solution, lengths).map { $0 / $1 }
  }
}
