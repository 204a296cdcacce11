import Ground

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
  /// R and z of the columns and the target.
  private(set) var reduced: ReducedProblem
  /// Σ(y − ȳ)² of the scaled target; 0 where it is constant.
  let totalSquared: Double
  let undefinedCount: Int
  private let targetExponent: Int
  private let basicExponents: [Int]
  private let targetMean: Double
  private let basicMeans: [Double]

  init(target: HeadMatrix, basics: [HeadMatrix], options: PatternFit.Options) throws {
    guard !basics.isEmpty else { throw PatternError(problem: "a fit needs at least one basic", remedy: "give \(setting: .basics)") }
    for (index, basic) in basics.enumerated() where !basic.hasSameShape(as: target) {
      throw PatternError(
        problem: "basic \(index + 1) has \(basic.shapeText) but the target has \(target.shapeText)", remedy: "fit patterns of one model")
    }
    try self.init(target: target.values, basics: basics.map(\.values), options: options)
  }

  /// Vectors of equal length, NaN where undefined.
  init(target: [Double], basics: [[Double]], options: PatternFit.Options) throws {
    self.init(try Self.reducing([FitProblem(unreduced: target, basics, options)])[0])
  }

  private init(_ other: FitProblem) { self = other }

  /// Many problems of equally many basics, reduced together: vectors of equal length, NaN where undefined.
  static func problems(_ problems: [(target: [Double], basics: [[Double]])], options: PatternFit.Options) throws -> [FitProblem] {
    try reducing(problems.map { try FitProblem(unreduced: $0.target, $0.basics, options) })
  }

  private static func reducing(_ problems: [FitProblem]) throws -> [FitProblem] {
    zip(problems, try ReducedProblem.reduce(problems.map(\.reduced))).map { problem, reduced in
      var problem = problem
      problem.reduced = reduced
      return problem
    }
  }

  private init(unreduced target: [Double], _ basics: [[Double]], _ options: PatternFit.Options) throws {
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
    reduced = ReducedProblem(columns: columns, target: self.target, restSquared: 0)
    self.kept = kept
    targetExponent = scaledTarget.exponent
    basicExponents = scaledBasics.map(\.exponent)
    undefinedCount = total - target.count
    self.options = options
  }

  /// The entries that are fitted.
  var entryCount: Int { kept.count }

  /// Fits on some of the basics.
  func fit(_ subset: [Int]) throws -> PatternFit { try Self.fits([(self, subset)])[0] }

  /// Fits of problems on some of their basics, equally many each, together.
  static func fits(_ tasks: [(problem: FitProblem, subset: [Int])]) throws -> [PatternFit] {
    let reduced = try selected(tasks)
    return try zip(tasks, zip(reduced, DecomposedProblem.decompose(reduced))).map { task, parts in
      let condition = parts.1.conditionNumber
      let ridge = task.problem.options.ridge ?? (condition >= PatternFit.ridgeCondition ? PatternFit.smallRidge : 0)
      let scaled = try solve(parts.0, parts.1, ridge: ridge, isNonnegative: task.problem.options.isNonnegative)
      return task.problem.fit(task.subset, parts.0, scaled, condition, ridge)
    }
  }

  /// R² alone of problems on some of their basics, without condition numbers: for the many fits of a bootstrap.
  static func r2(_ tasks: [(problem: FitProblem, subset: [Int])], ridges: [Double]) throws -> [Double?] {
    try zip(tasks, zip(selected(tasks), ridges)).map { task, parts in
      let (reduced, ridge) = parts
      guard task.problem.totalSquared > 0 else { return nil }
      // Where nothing binds α, what is left over is already there.
      if ridge == 0, !task.problem.options.isNonnegative, reduced.hasFullRank { return 1 - reduced.restSquared / task.problem.totalSquared }
      let scaled = try solve(
        reduced, DecomposedProblem.decompose([reduced])[0], ridge: ridge, isNonnegative: task.problem.options.isNonnegative)
      return 1 - reduced.residualSquared(scaled) / task.problem.totalSquared
    }
  }

  /// The reduced problems on their subsets.
  private static func selected(_ tasks: [(problem: FitProblem, subset: [Int])]) throws -> [ReducedProblem] {
    guard tasks.contains(where: { $0.subset.count < $0.problem.columns.count }) else { return tasks.map(\.problem.reduced) }
    return try ReducedProblem.reduce(tasks.map { $0.problem.reduced.selecting($0.subset) })
  }

  private func fit(_ subset: [Int], _ problem: ReducedProblem, _ scaled: [Double], _ condition: Double, _ ridge: Double) -> PatternFit {
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

  /// Solves with the ridge on columns of length one, whatever their own lengths.
  static func solve(_ problem: ReducedProblem, _ decomposed: DecomposedProblem, ridge: Double, isNonnegative: Bool) throws -> [Double] {
    guard isNonnegative else { return decomposed.solve(problem.target, ridge: ridge) }
    guard ridge > 0 else { return try problem.solveNonnegative() }
    let (unit, lengths) = problem.unit
    return zip(try unit.solveNonnegative(ridge: ridge), lengths).map { $0 / $1 }
  }

  /// XᵀX and Xᵀy of all basics, not scaled: from the triangle, since XᵀX = RᵀR.
  var normalEquations: (matrix: [[Double]], right: [Double]) {
    func product(_ one: [Double], _ other: [Double]) -> Double { zip(one, other).reduce(0) { $0 + $1.0 * $1.1 } }
    let columns = reduced.columns
    let matrix = columns.indices.map { row in
      columns.indices.map { product(columns[row], columns[$0]).scaled(by: basicExponents[row] + basicExponents[$0]) }
    }
    let right = columns.indices.map { product(columns[$0], reduced.target).scaled(by: basicExponents[$0] + targetExponent) }
    return (matrix, right)
  }
}
