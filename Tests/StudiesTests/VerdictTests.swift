import Foundation
import Testing

@testable import Studies

/// Quantiles, tests and Holm's correction, held against scipy and statsmodels (`scripts/goldens/verdicts.py`).
struct VerdictTests {
  private struct Goldens: Decodable {
    struct Quantile: Decodable { var p, degrees, t: Double }
    struct Case: Decodable {
      var differences: [[Double]]
      var p, holm: [Double]
      var intervals: [[Double]]
    }
    var quantiles: [Quantile]
    var tails: [Quantile]
    var cases: [Case]
  }

  private func goldens() throws -> Goldens {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/verdicts", withExtension: "json"))
    return try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: url))
  }

  /// Both sides are doubles: 1e-10 of the value leaves room for the tails' cancellation and no more.
  private func near(_ one: Double?, _ two: Double, _ tolerance: Double = 1e-10) -> Bool {
    one.map { abs($0 - two) <= tolerance * max(1e-12, abs(two)) } ?? false
  }

  @Test func quantilesAndTailsOfStudentsT() throws {
    let goldens = try goldens()
    for each in goldens.quantiles {
      #expect(near(StudentT.twoSidedQuantile(each.p, degrees: each.degrees), each.t, 1e-9), "\(each)")
    }
    for each in goldens.tails { #expect(near(StudentT.twoSided(each.t, degrees: each.degrees), each.p, 1e-9), "\(each)") }
  }

  @Test func verdictsAreThoseOfPairedTestsWithHolmsCorrection() throws {
    for golden in try goldens().cases {
      let verdicts = Verdict.judge(golden.differences.enumerated().map { ("arm \($0)", $1) })
      for (index, verdict) in verdicts.enumerated() {
        #expect(near(verdict.p, golden.p[index], 1e-9))
        #expect(near(verdict.correctedP, golden.holm[index], 1e-9))
        #expect(near(verdict.low, golden.intervals[index][0], 1e-9) && near(verdict.high, golden.intervals[index][1], 1e-9))
        let excludesZero = (verdict.correctedLow ?? 0) > 0 || (verdict.correctedHigh ?? 0) < 0
        #expect(excludesZero == (golden.holm[index] < 0.05))
        #expect((verdict.verdict == .better || verdict.verdict == .worse) == excludesZero)
      }
    }
  }

  @Test func oneSeedHasNoIntervalAndMissingValuesNoVerdict() {
    let verdicts = Verdict.judge([("one", [0.5]), ("none", [])])
    #expect(verdicts[0].verdict == .unknown && verdicts[0].low == nil && verdicts[0].smallestSeen == nil && verdicts[0].difference == 0.5)
    #expect(verdicts[1].verdict == .missing && verdicts[1].difference == nil)
    #expect(Verdict.judge([]).isEmpty)
  }

  @Test func twoSeedsHaveAVeryWideInterval() throws {
    let verdict = Verdict.judge([("arm", [1, 2])])[0]
    #expect(verdict.verdict == .noBetter)
    #expect(near(verdict.smallestSeen, 12.706204736174694 * 0.5))
  }

  @Test func equalDifferencesAreDecided() {
    let verdicts = Verdict.judge([("same", [0, 0, 0]), ("up", [1, 1, 1]), ("down", [-1, -1, -1])])
    #expect(verdicts.map(\.verdict) == [.noBetter, .better, .worse])
  }
}
