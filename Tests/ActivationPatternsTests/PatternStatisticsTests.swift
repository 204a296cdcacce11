import ActivationPatterns
import Foundation
import Ground
import Testing

/// Statistics and correlations against scipy, 1e-10 relative: both compute in double precision, in different orders.
struct PatternStatisticsTests {
  struct Figures: Decodable {
    struct Statistics: Decodable {
      let name: String
      let values: [Double]
      let gini, cv, kurtosis: Double?
      let mean, min, max: Double
    }
    struct Correlation: Decodable {
      let x, y: [Double]
      let pearson, spearman, mse: Double
    }
    let statistics: [Statistics]
    let correlations: [Correlation]
  }

  @Test func statisticsAgreeWithScipy() throws {
    for expected in try golden(Figures.self, "figures.json").statistics {
      let statistics = PatternStatistics(try .row(expected.values))
      #expect(agree(statistics.gini, expected.gini), "\(expected.name)")
      #expect(agree(statistics.coefficientOfVariation, expected.cv), "\(expected.name)")
      #expect(agree(statistics.kurtosis, expected.kurtosis), "\(expected.name)")
      // A mean of numbers of both signs cancels; its error is relative to their size.
      #expect(agree(statistics.mean, expected.mean, scale: max(abs(expected.max), abs(expected.min))), "\(expected.name)")
      #expect(statistics.minimum == expected.min && statistics.maximum == expected.max, "\(expected.name)")
    }
  }

  struct Large: Decodable {
    struct Case: Decodable {
      let count: Int
      let gini, cv, kurtosis, mean, min, max, pearson: Double
    }
    let cases: [Case]
  }

  /// The million entries take seconds in a debug build: `HEADWAY_LONG_TESTS=1` includes them.
  @Test func longVectorsAgreeWithScipy() throws {
    let isLong = ProcessInfo.processInfo.environment["HEADWAY_LONG_TESTS"] != nil
    for expected in try golden(Large.self, "large.json").cases where isLong || expected.count < 1_000_000 {
      var first = Congruence(state: 1)
      var second = Congruence(state: 2)
      let x = (0..<expected.count).map { _ in
        let value = first.uniform()
        return value * value
      }
      let y = x.map { $0 + second.uniform() }
      let statistics = PatternStatistics(try .row(x))
      #expect(agree(statistics.gini, expected.gini))
      #expect(agree(statistics.coefficientOfVariation, expected.cv))
      #expect(agree(statistics.kurtosis, expected.kurtosis))
      #expect(agree(statistics.mean, expected.mean))
      #expect(agree(Correlation.pearson(x, y), expected.pearson))
    }
  }

  @Test func sortedGiniIsTheDoubleSum() {
    var random = Congruence(state: 5)
    for count in [1, 2, 7, 100] {
      let x = (0..<count).map { _ in random.exponential() }
      let double = x.reduce(0) { sum, one in sum + x.reduce(0) { $0 + abs(one - $1) } } / (2 * Double(count) * x.reduce(0, +))
      #expect(agree(PatternStatistics.gini(x), double, scale: 1))
    }
  }

  @Test func strongestAreFarthestFromZeroInOrder() throws {
    let matrix = try HeadMatrix(layers: 2, heads: 3, values: [1, -5, 2, 5, 0, 2] as [Double])
    let strongest = PatternStatistics(matrix, strongest: 4).strongest
    #expect(strongest.map(\.layer) == [0, 1, 0, 1])
    #expect(strongest.map(\.head) == [1, 0, 2, 2])
    #expect(strongest.map(\.value) == [-5, 5, 2, 2])
    #expect(PatternStatistics(matrix, strongest: -1).strongest.isEmpty)
  }

  @Test func extremeSizesNeitherOverflowNorVanish() throws {
    let x = [1.0, 2, 3, 10]
    for scale in [1e-300, 1e-160, 1e150, 1e306] {
      let statistics = PatternStatistics(try .row(x.map { $0 * scale }))
      let plain = PatternStatistics(try .row(x))
      #expect(agree(statistics.gini, plain.gini))
      #expect(agree(statistics.kurtosis, plain.kurtosis))
      #expect(agree(statistics.coefficientOfVariation, plain.coefficientOfVariation))
      #expect(agree(Correlation.pearson(x.map { $0 * scale }, [4, 3, 2, 2.5]), Correlation.pearson(x, [4, 3, 2, 2.5])))
    }
  }

  @Test func onlyFiniteNumbersMakeAMatrix() {
    for bad in [Double.nan, .infinity, -.infinity] {
      let error = #expect(throws: PatternError.self) { try HeadMatrix(layers: 2, heads: 2, values: [0, 1, 2, bad]) }
      #expect(error?.description.contains("layer 1, head 1") == true)
    }
    #expect(throws: PatternError.self) { try HeadMatrix(layers: 0, heads: 2, values: [Double]()) }
    #expect(throws: PatternError.self) { try HeadMatrix(layers: 2, heads: 2, values: [1.0]) }
    #expect(throws: PatternError.self) { try HeadMatrix(layers: .max, heads: 2, values: [1.0]) }
  }

  // MARK: Correlations

  @Test func correlationsAgreeWithScipy() throws {
    for expected in try golden(Figures.self, "figures.json").correlations {
      #expect(agree(Correlation.pearson(expected.x, expected.y), expected.pearson, scale: 1))
      #expect(agree(Correlation.spearman(expected.x, expected.y), expected.spearman, scale: 1))
      #expect(agree(Correlation.meanSquaredError(expected.x, expected.y), expected.mse))
    }
  }

  @Test func correlationIsUndefinedForConstantsAndSingleEntries() {
    #expect(Correlation.pearson([0.1, 0.1, 0.1], [1, 2, 3]) == nil)
    #expect(Correlation.pearson([1], [2]) == nil)
    #expect(Correlation.pearson([], []) == nil)
    #expect(Correlation.spearman([2, 2], [1, 3]) == nil)
    #expect(Correlation.meanSquaredError([], []) == nil)
    #expect(agree(Correlation.pearson([1, 2, 3], [-2, -4, -6]), -1))
  }

  @Test func matrixIsEveryPair() throws {
    var random = Congruence(state: 9)
    var patterns = try (0..<5).map { _ in try HeadMatrix.row((0..<33).map { _ in random.normal() }) }
    patterns.append(try .row([Double](repeating: 1, count: 33)))
    let matrix = try Correlation.matrix(patterns)
    for row in patterns.indices {
      for column in patterns.indices {
        #expect(agree(matrix[row][column], Correlation.pearson(patterns[row].values, patterns[column].values), scale: 1))
      }
    }
    #expect(matrix[0][0] == 1)
    #expect(matrix[5][5] == nil)
  }
}
