import ActivationPatterns
import Foundation
import Testing

/// Fits against numpy, scipy, scikit-learn and statsmodels, 1e-10 relative (1e-8 where the basics nearly agree: their
/// condition number multiplies rounding).
struct PatternFitTests {
  struct Figures: Decodable {
    struct Quality: Decodable {
      let coefficients: [Double]
      let intercept: Double?
      let r2, adjustedR2: Double
    }
    struct Fit: Decodable {
      let x: [[Double]]
      let y: [Double]
      let condition, conditionCentred: Double
      let plain, intercept, nonnegative, nonnegativeIntercept, ridge: Quality
    }
    struct Pairs: Decodable {
      struct Pair: Decodable {
        let basics: [Int]
        let r2: Double
      }
      let x: [[Double]]
      let y: [Double]
      let ranked: [Pair]
    }
    let fits: [Fit]
    let pairs: Pairs
  }

  @Test func fitsAgreeWithTheirPeers() throws {
    for (number, expected) in try golden(Figures.self, "figures.json").fits.enumerated() {
      let target = try HeadMatrix.row(expected.y)
      let basics = try expected.x.map { try HeadMatrix.row($0) }
      let tolerance = max(1e-10, expected.condition * 1e-13)
      for (options, quality) in [
        (PatternFit.Options(), expected.plain), (.init(hasIntercept: true), expected.intercept),
        (.init(isNonnegative: true), expected.nonnegative), (.init(hasIntercept: true, isNonnegative: true), expected.nonnegativeIntercept),
        (.init(ridge: 0.1), expected.ridge),
      ] {
        let fit = try PatternFit(target: target, basics: basics, options: options)
        for (index, coefficient) in fit.coefficients.enumerated() {
          // Coefficients of basics of different size differ in size; a small one's error comes from the large ones' terms.
          let size = expected.x[index].map(abs).max() ?? 1
          let greatest = zip(quality.coefficients, expected.x).map { abs($0) * ($1.map(abs).max() ?? 1) }.max() ?? 1
          #expect(
            agree(coefficient, quality.coefficients[index], tolerance: tolerance, scale: greatest / size), "fit \(number), \(options)")
        }
        #expect(agree(fit.intercept, quality.intercept, tolerance: tolerance, scale: expected.y.map(abs).max() ?? 1))
        #expect(agree(fit.r2, quality.r2, tolerance: tolerance, scale: 1), "fit \(number), \(options)")
        #expect(agree(fit.adjustedR2, quality.adjustedR2, tolerance: tolerance, scale: 10), "fit \(number), \(options)")
        let condition = options.hasIntercept ? expected.conditionCentred : expected.condition
        #expect(agree(fit.conditionNumber, condition, tolerance: 1e-9))
      }
    }
  }

  @Test func pairsAreRankedAsNumpyRanksThem() throws {
    let expected = try golden(Figures.self, "figures.json").pairs
    let search = try SubsetSearch(target: .row(expected.y), basics: expected.x.map { try .row($0) }, upTo: 2)
    #expect(search.bySize.count == 2)
    #expect(search.bySize[0].count == 6)
    #expect(search.bySize[1].map(\.basics) == expected.ranked.map(\.basics))
    for (subset, expected) in zip(search.bySize[1], expected.ranked) { #expect(agree(subset.fit.r2, expected.r2, scale: 1)) }
  }

  @Test func subsetsAreAllOfThemAndEqualTheirOwnFits() throws {
    var random = Congruence(state: 3)
    let basics = try (0..<5).map { _ in try HeadMatrix.row((0..<20).map { _ in random.normal() }) }
    let target = try HeadMatrix.row((0..<20).map { _ in random.normal() })
    let search = try SubsetSearch(target: target, basics: basics, upTo: 9)
    #expect(search.bySize.map(\.count) == [5, 10, 10, 5, 1])
    for subsets in search.bySize {
      #expect(Set(subsets.map(\.basics)).count == subsets.count)
      #expect(zip(subsets, subsets.dropFirst()).allSatisfy { ($0.fit.r2 ?? 0) >= ($1.fit.r2 ?? 0) })
      for subset in subsets {
        let alone = try PatternFit(target: target, basics: subset.basics.map { basics[$0] })
        #expect(agree(subset.fit.r2, alone.r2, scale: 1))
        #expect(zip(subset.fit.coefficients, alone.coefficients).allSatisfy { agree($0, $1, scale: 1) })
      }
    }
  }

  @Test func plantedCoefficientsAndPairAreRecovered() throws {
    var random = Congruence(state: 11)
    let basics = try (0..<6).map { _ in try HeadMatrix(layers: 8, heads: 8, values: (0..<64).map { _ in random.normal() * 1e-5 }) }
    let target = try HeadMatrix(
      layers: 8, heads: 8, values: (0..<64).map { 0.7 * basics[2].values[$0] + 0.3 * basics[5].values[$0] + random.normal() * 1e-7 })
    let best = try #require(try SubsetSearch(target: target, basics: basics, upTo: 2).bySize[1].first)
    #expect(best.basics == [2, 5])
    #expect(abs(best.fit.coefficients[0] - 0.7) < 0.01 && abs(best.fit.coefficients[1] - 0.3) < 0.01)
    #expect((best.fit.r2 ?? 0) > 0.99)
    #expect(best.fit.warnings.isEmpty)
  }

  @Test func collinearBasicsAreFittedWithARidgeAndAWarning() throws {
    var random = Congruence(state: 13)
    let one = try HeadMatrix.row((0..<30).map { _ in random.normal() })
    let target = try HeadMatrix.row(one.values.map { $0 * 2 + random.normal() * 0.01 })
    let twice = try PatternFit(target: target, basics: [one, one])
    #expect(twice.conditionNumber == .infinity)
    #expect(twice.ridge == PatternFit.smallRidge)
    // The two share what one would have.
    #expect(twice.coefficients.allSatisfy { abs($0 - 1) < 0.01 })
    #expect(twice.warnings.count == 1)
    let near = try HeadMatrix.row(one.values.map { $0 + 0.01 * random.normal() })
    let nearly = try PatternFit(target: target, basics: [one, near])
    #expect(nearly.ridge == 0 && nearly.conditionNumber > PatternFit.collinearCondition && nearly.warnings.count == 1)
  }

  @Test func hostileInputsGiveFiguresOrErrors() throws {
    let zero = try HeadMatrix.row([0, 0, 0, 0])
    let constant = try HeadMatrix.row([2, 2, 2, 2])
    let ramp = try HeadMatrix.row([1, 2, 3, 4])
    #expect(try PatternFit(target: constant, basics: [ramp]).r2 == nil)
    #expect(try PatternFit(target: zero, basics: [ramp]).coefficients == [0])
    let byZero = try PatternFit(target: ramp, basics: [zero])
    #expect(byZero.coefficients == [0])
    #expect((byZero.r2 ?? 0) < 0)
    #expect(byZero.warnings.contains { $0.contains("negative") })
    #expect(try PatternFit(target: ramp, basics: [zero, zero, zero, zero, zero, ramp]).coefficients[5] > 0.99)
    #expect(try PatternFit(target: .row([3]), basics: [.row([2])]).coefficients == [1.5])
    for options in [PatternFit.Options(), .init(isNonnegative: true), .init(hasIntercept: true, isNonnegative: true)] {
      let fit = try PatternFit(target: ramp, basics: [zero, constant, ramp, ramp], options: options)
      #expect(fit.coefficients.allSatisfy { $0.isFinite })
      #expect(fit.r2.map { $0 > 0.999 } == true)
    }
    #expect(throws: PatternError.self) { try PatternFit(target: ramp, basics: []) }
    #expect(throws: PatternError.self) { try PatternFit(target: ramp, basics: [.row([1, 2])]) }
    #expect(throws: PatternError.self) { try SubsetSearch(target: ramp, basics: [ramp], upTo: 0) }
    let many = [HeadMatrix](repeating: ramp, count: 100)
    #expect(throws: PatternError.self) { try SubsetSearch(target: ramp, basics: many, upTo: 50) }
  }

  @Test func nonnegativeFitSatisfiesItsConditions() throws {
    var random = Congruence(state: 17)
    for round in 0..<60 {
      let (rows, count) = (5 + round % 30, 1 + round % 9)
      let basics = try (0..<count).map { _ in try HeadMatrix.row((0..<rows).map { _ in random.normal() + 0.5 }) }
      let target = try HeadMatrix.row((0..<rows).map { _ in random.normal() })
      let fit = try PatternFit(target: target, basics: basics, options: .init(isNonnegative: true, ridge: 0))
      #expect(fit.coefficients.allSatisfy { $0 >= 0 })
      // Karush–Kuhn–Tucker: the error does not fall along any allowed direction.
      let residual = (0..<rows).map { row in
        target.values[row] - (0..<count).reduce(0) { $0 + fit.coefficients[$1] * basics[$1].values[row] }
      }
      for (basic, coefficient) in zip(basics, fit.coefficients) {
        let gradient = zip(basic.values, residual).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(coefficient > 0 ? abs(gradient) < 1e-9 : gradient < 1e-9)
      }
    }
  }
}
