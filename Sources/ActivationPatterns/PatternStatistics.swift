/// What one pattern looks like in a few numbers (METHOD of the paper: equations 7, 8, 9), over its defined entries x with mean μ.
///
/// What is undefined is nil: no entry is defined, the sum is zero or negative (Gini, coefficient of variation), or all entries
/// are equal (kurtosis).
public struct PatternStatistics: Sendable, Equatable {
  /// A head and its value.
  public struct Head: Sendable, Equatable {
    /// The layer, counted from 0.
    public let layer: Int
    /// The query head in the layer, counted from 0.
    public let head: Int
    /// Its entry.
    public let value: Double
  }

  /// Gini coefficient (7), Σ_i Σ_j |x_i − x_j| / (2 n Σ x): 0 where all are equal; above 0.4 the pattern is concentrated.
  public let gini: Double?
  /// Coefficient of variation (8), σ/μ with the population's σ; above 1 the pattern is strongly dispersed.
  public let coefficientOfVariation: Double?
  /// Kurtosis (9), n Σ(x−μ)⁴ / (Σ(x−μ)²)², not excess: a normal distribution gives 3.
  public let kurtosis: Double?
  /// The mean μ.
  public let mean: Double?
  /// The least entry.
  public let minimum: Double?
  /// The greatest entry.
  public let maximum: Double?
  /// The entries farthest from zero, farthest first; equally far ones in the order of layers and heads.
  public let strongest: [Head]
  /// Entries that are undefined, left out above.
  public let undefinedCount: Int

  /// Computes the statistics.
  /// - Parameters:
  ///   - matrix: The pattern or change.
  ///   - count: How many of the strongest heads to name.
  public init(_ matrix: HeadMatrix, strongest count: Int = 10) {
    let values = matrix.defined
    let moments = Moments(values)
    gini = Self.gini(values)
    coefficientOfVariation = moments.coefficientOfVariation
    kurtosis = moments.kurtosis
    mean = moments.mean
    minimum = values.min()
    maximum = values.max()
    undefinedCount = matrix.count - values.count
    let order = matrix.values.indices.lazy.filter { !matrix.values[$0].isNaN }
      .sorted { (abs(matrix.values[$1]), $0) < (abs(matrix.values[$0]), $1) }
    strongest = order.prefix(max(0, count)).map {
      Head(layer: $0 / matrix.heads, head: $0 % matrix.heads, value: matrix.values[$0])
    }
  }

  /// The Gini coefficient from the sorted entries, Σ_i (2i − n − 1) x_(i) / (n Σ x) with i from 1: n log n in place of n².
  public static func gini(_ values: [Double]) -> Double? {
    let scaled = ScaledValues(values).values.sorted()
    let sum = scaled.compensatedSum()
    guard sum > 0 else { return nil }
    let count = Double(scaled.count)
    var weighted = CompensatedSum()
    for (position, value) in scaled.enumerated() { weighted.add((2 * Double(position + 1) - count - 1) * value) }
    return weighted.value / (count * sum)
  }

  /// The coefficient of variation; nil where the mean is not positive.
  public static func coefficientOfVariation(_ values: [Double]) -> Double? { Moments(values).coefficientOfVariation }

  /// The kurtosis; nil where all values are equal.
  public static func kurtosis(_ values: [Double]) -> Double? { Moments(values).kurtosis }

  /// Mean and central moments.
  private struct Moments {
    var mean: Double?
    var coefficientOfVariation: Double?
    var kurtosis: Double?

    init(_ values: [Double]) {
      guard let least = values.min(), let greatest = values.max() else { return }
      let scaled = ScaledValues(values)
      let count = Double(values.count)
      let scaledMean = least == greatest ? scaled.values[0] : scaled.values.compensatedSum() / count
      mean = scaledMean.scaled(by: scaled.exponent)
      // Equal entries are seen by comparison: their computed deviations need not be exactly zero.
      guard least < greatest else {
        coefficientOfVariation = scaledMean > 0 ? 0 : nil
        return
      }
      let deviations = ScaledValues(scaled.values.map { $0 - scaledMean })
      var squares = CompensatedSum()
      var fourths = CompensatedSum()
      for deviation in deviations.values {
        let square = deviation * deviation
        squares.add(square)
        fourths.add(square * square)
      }
      kurtosis = count * fourths.value / (squares.value * squares.value)
      if scaledMean > 0 {
        coefficientOfVariation = (squares.value / count).squareRoot().scaled(by: deviations.exponent) / scaledMean
      }
    }
  }
}
