import Torch

/// A least-squares problem reduced to a triangle: the numbers of basics are small and the rows are many, so one reduction of the tall matrix serves
/// every fit on any of its columns.
///
/// `min ‖X α − y‖` with X [n × k]: the QR factorisation of [X | y] leaves R (upper triangular) and (z, rest) with
/// `‖X α − y‖² = ‖R α − z‖² + ‖rest‖²`. libtorch factorises, in double precision, as many problems together as there are.
struct ReducedProblem: Sendable {
  /// R by columns, each k long and zero below the diagonal.
  let columns: [[Double]]
  /// z, k long.
  let target: [Double]
  /// ‖rest‖²: what no choice of α can explain.
  let restSquared: Double

  init(columns: [[Double]], target: [Double], restSquared: Double) {
    self.columns = columns
    self.target = target
    self.restSquared = restSquared
  }

  /// Doubles that a batch holds at a time: 32 MiB.
  static let batchElements = 1 << 22

  /// Reduces problems, all of as many columns; the rows of each column are as many as its target's.
  static func reduce(_ problems: [ReducedProblem]) throws -> [ReducedProblem] {
    let width = (problems.first?.columns.count ?? 0) + 1
    // Rows of zeros change nothing, and let problems of unlike heights share a batch; with fewer rows than columns they fill up the triangle.
    let height = max(width, problems.lazy.map(\.target.count).max() ?? 0)
    let size = width * height
    var reduced: [ReducedProblem] = []
    reduced.reserveCapacity(problems.count)
    for first in stride(from: 0, to: problems.count, by: max(1, batchElements / size)) {
      let batch = problems[first..<min(problems.count, first + max(1, batchElements / size))]
      var elements = [Double](repeating: 0, count: batch.count * size)
      for (place, problem) in batch.enumerated() {
        for (column, values) in (problem.columns + [problem.target]).enumerated() {
          let start = place * size + column * height
          elements.replaceSubrange(start..<start + values.count, with: values)
        }
      }
      let triangles = try Tensor(elements, shape: [batch.count, width, height]).transposed(1, 2).triangularFactor().transposed(1, 2)
        .doubles()
      for (place, problem) in batch.enumerated() {
        func column(_ index: Int) -> [Double] {
          let start = (place * width + index) * width
          return Array(triangles[start..<start + width - 1])
        }
        let rest = triangles[(place + 1) * width * width - 1]
        reduced.append(
          ReducedProblem(
            columns: (0..<width - 1).map(column), target: column(width - 1), restSquared: rest * rest + problem.restSquared))
      }
    }
    return reduced
  }

  /// The problem on some of its columns, not yet reduced.
  func selecting(_ subset: [Int]) -> ReducedProblem {
    ReducedProblem(columns: subset.map { columns[$0] }, target: target, restSquared: restSquared)
  }

  /// ‖X α − y‖².
  func residualSquared(_ coefficients: [Double]) -> Double {
    var residual = target
    for (column, coefficient) in zip(columns, coefficients) where coefficient != 0 {
      for row in residual.indices { residual[row] -= coefficient * column[row] }
    }
    return residual.map { $0 * $0 }.compensatedSum() + restSquared
  }

  /// The problem with √λ I below X and zeros below y, whose least squares are the ridge's.
  func augmented(by ridge: Double) -> ReducedProblem {
    let count = columns.count
    let root = ridge.squareRoot()
    return ReducedProblem(
      columns: columns.enumerated().map { index, column in column + (0..<count).map { $0 == index ? root : 0 } },
      target: target + [Double](repeating: 0, count: count), restSquared: restSquared)
  }

  /// The Euclidean length of each column of X.
  var columnLengths: [Double] { columns.map { $0.map { $0 * $0 }.compensatedSum().squareRoot() } }

  /// Whether, as far as the triangle tells, no column depends on those before it, so that all that its columns can explain is explained.
  var hasFullRank: Bool {
    zip(columns.enumerated(), columnLengths).allSatisfy { column, length in
      abs(column.element[column.offset]) > length * 1e-10 && length > 0
    }
  }

  /// X with its columns brought to length one (those of zeros stay), and their lengths (1 for those).
  var unit: (problem: ReducedProblem, lengths: [Double]) {
    let lengths = columnLengths.map { $0 > 0 ? $0 : 1 }
    let scaled = zip(columns, lengths).map { column, length in column.map { $0 / length } }
    return (ReducedProblem(columns: scaled, target: target, restSquared: restSquared), lengths)
  }
}

/// The singular value decomposition of a reduced problem with its columns brought to length one: it tells how collinear they are, and solves
/// with any ridge.
struct DecomposedProblem: Sendable {
  /// The columns' lengths; 1 for those of zeros.
  private let lengths: [Double]
  private let hasEmptyColumn: Bool
  /// U by rows, [k × k].
  private let left: ArraySlice<Double>
  /// Singular values, falling.
  private let values: ArraySlice<Double>
  /// Vᵀ by rows, [k × k].
  private let right: ArraySlice<Double>

  /// Decomposes reduced problems, all of as many columns.
  static func decompose(_ problems: [ReducedProblem]) throws -> [DecomposedProblem] {
    let count = problems.first?.columns.count ?? 0
    let size = count * count
    var decomposed: [DecomposedProblem] = []
    decomposed.reserveCapacity(problems.count)
    for first in stride(from: 0, to: problems.count, by: max(1, ReducedProblem.batchElements / max(1, size))) {
      let batch = problems[first..<min(problems.count, first + max(1, ReducedProblem.batchElements / max(1, size)))]
      let units = batch.map(\.unit)
      let (left, values, right) = try Tensor(units.flatMap { $0.problem.columns.flatMap(\.self) }, shape: [batch.count, count, count])
        .transposed(1, 2).singularValueDecomposition()
      let (u, s, v) = (try left.doubles(), try values.doubles(), try right.doubles())
      for (place, problem) in batch.enumerated() {
        decomposed.append(
          DecomposedProblem(
            lengths: units[place].lengths, hasEmptyColumn: problem.columnLengths.contains(0),
            left: u[place * size..<(place + 1) * size], values: s[place * count..<(place + 1) * count],
            right: v[place * size..<(place + 1) * size]))
      }
    }
    return decomposed
  }

  /// The greatest singular value over the least of X with its columns brought to length one (Belsley 1980); infinite where the columns are
  /// dependent, to rounding, or one is zero.
  var conditionNumber: Double {
    guard !hasEmptyColumn, let greatest = values.first, let least = values.last, least > greatest * 1e-14 else { return .infinity }
    return values.count == 1 ? 1 : greatest / least
  }

  /// α of `min ‖R α − z‖² + λ ‖D α‖²`, D the columns' lengths: a ridge on columns of length one. Where columns are dependent and λ is 0, the
  /// shortest D α.
  func solve(_ target: [Double], ridge: Double) -> [Double] {
    let count = lengths.count
    var solution = [Double](repeating: 0, count: count)
    let least = (values.first ?? 0) * 1e-13
    for (index, value) in values.enumerated() where value > least {
      var product = 0.0
      for row in 0..<count { product += left[left.startIndex + row * count + index] * target[row] }
      let factor = product * value / (value * value + ridge)
      for column in 0..<count { solution[column] += factor * right[right.startIndex + index * count + column] }
    }
    return zip(solution, lengths).map { $0 / $1 }
  }
}
