import Torch

/// How alike two patterns are.
public enum Correlation {
  /// Pearson correlation over the entries that both define; nil where fewer than two are left or one side is constant.
  public static func pearson(_ one: [Double], _ other: [Double]) -> Double? {
    let (one, other) = pairwiseDefined(one, other)
    guard let u = standardized(one), let v = standardized(other) else { return nil }
    return dot(u, v)
  }

  /// Spearman rank correlation over the entries that both define: Pearson's of the ranks, equal values sharing their mean rank.
  public static func spearman(_ one: [Double], _ other: [Double]) -> Double? {
    let (one, other) = pairwiseDefined(one, other)
    return pearson(ranks(one), ranks(other))
  }

  /// Mean squared error (6) over the entries that both define; nil where there are none.
  public static func meanSquaredError(_ one: [Double], _ other: [Double]) -> Double? {
    let (one, other) = pairwiseDefined(one, other)
    guard !one.isEmpty else { return nil }
    return zip(one, other).map { ($0 - $1) * ($0 - $1) }.compensatedSum() / Double(one.count)
  }

  /// The Pearson correlation of every pair: [i][j], symmetric; nil where undefined. Shapes must be equal.
  public static func matrix(_ patterns: [HeadMatrix]) throws -> [[Double?]] {
    // Each complete pattern is brought to length one once; all correlations are then one matrix product.
    let units = patterns.map { $0.undefinedCount == 0 ? standardized($0.values) : nil }
    let standing = patterns.indices.filter { units[$0] != nil }
    var products: [Double] = []
    if let length = patterns.first?.count, !standing.isEmpty {
      let rows = try Tensor(standing.flatMap { units[$0] ?? [] }, shape: [standing.count, length])
      products = try rows.matrixProduct(rows.transposed(0, 1)).doubles()
    }
    var matrix = [[Double?]](repeating: [Double?](repeating: nil, count: patterns.count), count: patterns.count)
    for (row, one) in standing.enumerated() {
      for (column, other) in standing[...row].enumerated() {
        let value = row == column ? 1 : max(-1, min(1, products[row * standing.count + column]))
        matrix[one][other] = value
        matrix[other][one] = value
      }
    }
    // With undefined entries each pair has its own.
    for row in patterns.indices where patterns[row].undefinedCount > 0 {
      for column in patterns.indices {
        let value = pearson(patterns[row].values, patterns[column].values)
        matrix[row][column] = value
        matrix[column][row] = value
      }
    }
    return matrix
  }

  /// Ranks from 1; equal values share the mean of theirs.
  static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for position in start..<end { ranks[order[position]] = Double(start + 1 + end) / 2 }
      start = end
    }
    return ranks
  }

  /// The entries where neither is NaN.
  private static func pairwiseDefined(_ one: [Double], _ other: [Double]) -> ([Double], [Double]) {
    let count = min(one.count, other.count)
    guard one.contains(where: \.isNaN) || other.contains(where: \.isNaN) else {
      return (Array(one.prefix(count)), Array(other.prefix(count)))
    }
    let kept = (0..<count).filter { !one[$0].isNaN && !other[$0].isNaN }
    return (kept.map { one[$0] }, kept.map { other[$0] })
  }

  /// Centred and brought to length one; nil where constant or fewer than two.
  private static func standardized(_ values: [Double]) -> [Double]? {
    guard let least = values.min(), let greatest = values.max(), least < greatest else { return nil }
    let scaled = ScaledValues(values).values
    let mean = scaled.compensatedSum() / Double(scaled.count)
    let deviations = ScaledValues(scaled.map { $0 - mean }).values
    let length = deviations.map { $0 * $0 }.compensatedSum().squareRoot()
    return deviations.map { $0 / length }
  }

  /// The inner product of two vectors of length one, kept within [−1, 1] where rounding leaves it.
  private static func dot(_ u: [Double], _ v: [Double]) -> Double {
    // Four partial sums let the processor work on four terms at once and keep the rounding small.
    var sums = (0.0, 0.0, 0.0, 0.0)
    let product = u.withUnsafeBufferPointer { u in
      v.withUnsafeBufferPointer { v in
        let whole = u.count / 4 * 4
        for index in stride(from: 0, to: whole, by: 4) {
          sums.0 += u[index] * v[index]
          sums.1 += u[index + 1] * v[index + 1]
          sums.2 += u[index + 2] * v[index + 2]
          sums.3 += u[index + 3] * v[index + 3]
        }
        var sum = (sums.0 + sums.1) + (sums.2 + sums.3)
        for index in whole..<u.count { sum += u[index] * v[index] }
        return sum
      }
    }
    return max(-1, min(1, product))
  }
}
