extension ReducedProblem {
  /// α ≥ 0 of `min ‖X α − y‖² + λ ‖α‖²` by active sets (Lawson and Hanson 1974, chapter 23).
  func solveNonnegative(ridge: Double = 0) throws -> [Double] {
    guard ridge == 0 else { return try augmented(by: ridge).solveNonnegative() }
    let count = columns.count
    var coefficients = [Double](repeating: 0, count: count)
    var isPassive = [Bool](repeating: false, count: count)
    // Basics that were let in and came out non-positive, by rounding, since the last step forward.
    var isRejected = isPassive
    let lengths = columnLengths
    let targetLength = target.map { $0 * $0 }.compensatedSum().squareRoot()
    // Each round makes one more basic positive. Cycling is impossible in exact arithmetic, and cut off in ours.
    for _ in 0..<(3 * count + 10) {
      let gradient = negativeGradient(at: coefficients)
      // The cosine between basic and residual, so that a basic's scale does not matter; below 1e-14 it is rounding.
      let candidates = (0..<count).filter {
        !isPassive[$0] && !isRejected[$0] && gradient[$0] > lengths[$0] * targetLength * 1e-14
      }
      guard let entering = candidates.max(by: { gradient[$0] / lengths[$0] < gradient[$1] / lengths[$1] }) else { break }
      isPassive[entering] = true
      while isPassive.contains(true) {
        let passive = (0..<count).filter { isPassive[$0] }
        let solution = try selecting(passive).solveUnbound()
        let blocking = zip(passive, solution).filter { $1 <= 0 }
          .map { index, value in (index: index, step: coefficients[index] > 0 ? coefficients[index] / (coefficients[index] - value) : 0) }
        guard let first = blocking.min(by: { $0.step < $1.step }) else {
          for (index, value) in zip(passive, solution) { coefficients[index] = value }
          if isPassive[entering] { isRejected = isRejected.map { _ in false } }
          break
        }
        // As far towards the solution as all stay non-negative; whoever reaches zero leaves.
        for (index, value) in zip(passive, solution) { coefficients[index] += first.step * (value - coefficients[index]) }
        for index in passive where index == first.index || coefficients[index] <= 0 {
          coefficients[index] = 0
          isPassive[index] = false
        }
      }
      if !isPassive[entering] { isRejected[entering] = true }
    }
    return coefficients
  }

  /// α whatever its signs.
  private func solveUnbound() throws -> [Double] {
    guard let reduced = try ReducedProblem.reduce([self]).first, let decomposed = try DecomposedProblem.decompose([reduced]).first else {
      return []
    }
    return decomposed.solve(reduced.target, ridge: 0)
  }

  /// Xᵀ (y − X α), half the direction in which the error falls fastest.
  private func negativeGradient(at coefficients: [Double]) -> [Double] {
    var residual = target
    for (column, coefficient) in zip(columns, coefficients) where coefficient != 0 {
      for row in residual.indices { residual[row] -= coefficient * column[row] }
    }
    return columns.map { column in zip(column, residual).map { $0 * $1 }.compensatedSum() }
  }
}
