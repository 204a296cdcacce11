/// Least squares in double precision by Householder reflections: the numbers of basics are small and the rows are many, so one
/// reduction of the tall matrix serves every fit on any of its columns.
///
/// `min ‖X α − y‖` with X [n × k]: Qᵀ X = R (upper triangular) and Qᵀ y = (z, rest) leave `min ‖R α − z‖² + ‖rest‖²`.
struct ReducedProblem: Sendable {
  /// R by columns, each min(n, k) long and zero below the diagonal.
  let columns: [[Double]]
  /// The first min(n, k) entries of Qᵀ y.
  let target: [Double]
  /// ‖rest‖²: what no choice of α can explain.
  let restSquared: Double

  /// Reduces a problem; the columns must all be as long as the target.
  init(columns: [[Double]], target: [Double]) {
    let reflections = Reflections(columns)
    let transformed = reflections.apply(to: target)
    let kept = min(target.count, columns.count)
    self.columns = reflections.triangle
    self.target = Array(transformed.prefix(kept))
    restSquared = transformed.dropFirst(kept).map { $0 * $0 }.compensatedSum()
  }

  init(columns: [[Double]], target: [Double], restSquared: Double) {
    self.columns = columns
    self.target = target
    self.restSquared = restSquared
  }

  /// The same problem on some of its columns.
  func selecting(_ subset: [Int]) -> ReducedProblem {
    let smaller = ReducedProblem(columns: subset.map { columns[$0] }, target: target)
    return ReducedProblem(columns: smaller.columns, target: smaller.target, restSquared: restSquared + smaller.restSquared)
  }

  /// ‖X α − y‖².
  func residualSquared(_ coefficients: [Double]) -> Double {
    var residual = target
    for (column, coefficient) in zip(columns, coefficients) where coefficient != 0 {
      for row in residual.indices { residual[row] -= coefficient * column[row] }
    }
    return residual.map { $0 * $0 }.compensatedSum() + restSquared
  }

  /// α by back substitution. A column that depends on those before it gets 0: callers look at the condition number first.
  func solve() -> [Double] {
    var coefficients = [Double](repeating: 0, count: columns.count)
    var rest = target
    let greatest = columns.enumerated().reduce(0) { $1.offset < target.count ? max($0, abs($1.element[$1.offset])) : $0 }
    for index in columns.indices.reversed() where index < target.count {
      let pivot = columns[index][index]
      guard abs(pivot) > greatest * 1e-13 else { continue }
      coefficients[index] = rest[index] / pivot
      for row in 0..<index { rest[row] -= coefficients[index] * columns[index][row] }
    }
    return coefficients
  }

  /// α of `min ‖X α − y‖² + λ ‖α‖²`.
  func solve(ridge: Double) -> [Double] {
    ridge > 0 ? augmented(by: ridge).solve() : solve()
  }

  /// The problem with √λ I below X and zeros below y, whose least squares are the ridge's.
  func augmented(by ridge: Double) -> ReducedProblem {
    let count = columns.count
    let root = ridge.squareRoot()
    return ReducedProblem(
      columns: columns.enumerated().map { index, column in column + (0..<count).map { $0 == index ? root : 0 } },
      target: target + [Double](repeating: 0, count: count))
  }

  /// The Euclidean length of each column of X.
  var columnLengths: [Double] { columns.map { $0.map { $0 * $0 }.compensatedSum().squareRoot() } }

  /// The greatest singular value over the least of X with its columns brought to length one (Belsley 1980), by one-sided Jacobi
  /// rotations; infinite where the columns are dependent or one is zero.
  var conditionNumber: Double {
    guard columns.count > 1 || columnLengths.contains(0) else { return 1 }
    guard target.count >= columns.count else { return .infinity }
    let lengths = columnLengths
    guard lengths.allSatisfy({ $0 > 0 }) else { return .infinity }
    var scaled = zip(columns, lengths).map { column, length in column.map { $0 / length } }
    for _ in 0..<60 {
      var greatestCosine = 0.0
      for first in 0..<scaled.count {
        for second in first + 1..<max(scaled.count, first + 1) {
          var (a, b, c) = (0.0, 0.0, 0.0)
          for row in scaled[first].indices {
            a += scaled[first][row] * scaled[first][row]
            b += scaled[second][row] * scaled[second][row]
            c += scaled[first][row] * scaled[second][row]
          }
          guard a > 0, b > 0, c != 0 else { continue }
          greatestCosine = max(greatestCosine, abs(c) / (a * b).squareRoot())
          let zeta = (b - a) / (2 * c)
          let tangent = (zeta >= 0 ? 1.0 : -1.0) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
          let cosine = 1 / (1 + tangent * tangent).squareRoot()
          let sine = cosine * tangent
          for row in scaled[first].indices {
            let (one, other) = (scaled[first][row], scaled[second][row])
            scaled[first][row] = cosine * one - sine * other
            scaled[second][row] = sine * one + cosine * other
          }
        }
      }
      if greatestCosine < 1e-15 { break }
    }
    let singular = scaled.map { $0.map { $0 * $0 }.compensatedSum().squareRoot() }
    guard let greatest = singular.max(), let least = singular.min(), least > greatest * 1e-15 else { return .infinity }
    return greatest / least
  }
}

/// The Householder reflections that make a tall matrix triangular.
struct Reflections {
  /// R by columns, each min(n, k) long.
  private(set) var triangle: [[Double]] = []
  /// Reflection j leaves rows below j alone: I − v vᵀ · 2/‖v‖², v beginning at row j.
  private var vectors: [(start: Int, vector: [Double], factor: Double)] = []

  init(_ columns: [[Double]]) {
    var columns = columns
    let rows = columns.first?.count ?? 0
    for index in columns.indices where index < rows {
      var vector = Array(columns[index][index...])
      let length = vector.map { $0 * $0 }.compensatedSum().squareRoot()
      guard length > 0 else { continue }
      vector[0] += vector[0] >= 0 ? length : -length
      let squared = vector.map { $0 * $0 }.compensatedSum()
      let reflection = (start: index, vector: vector, factor: 2 / squared)
      vectors.append(reflection)
      for other in index..<columns.count { Self.reflect(&columns[other], by: reflection) }
    }
    let kept = min(rows, columns.count)
    triangle = columns.enumerated().map { index, column in
      (0..<kept).map { $0 <= index ? column[$0] : 0 }
    }
  }

  /// Qᵀ times a vector.
  func apply(to vector: [Double]) -> [Double] {
    var vector = vector
    for reflection in vectors { Self.reflect(&vector, by: reflection) }
    return vector
  }

  private static func reflect(_ column: inout [Double], by reflection: (start: Int, vector: [Double], factor: Double)) {
    column.withUnsafeMutableBufferPointer { column in
      reflection.vector.withUnsafeBufferPointer { vector in
        var product = 0.0
        for row in 0..<vector.count { product += vector[row] * column[reflection.start + row] }
        product *= reflection.factor
        for row in 0..<vector.count { column[reflection.start + row] -= product * vector[row] }
      }
    }
  }
}
