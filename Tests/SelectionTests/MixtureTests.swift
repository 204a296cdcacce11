import Ground
import Selection
import Testing

/// Shares counted by hand.
struct MixtureTests {
  private func mixture(
    _ candidates: [(String, Double)], top: Int = 2, total: Int, shares: Mixture.Shares = .fit, seed: UInt64 = 0
  ) throws -> Mixture {
    var generator = SeededGenerator(seed: seed, stream: "shares")
    return try Mixture(
      of: candidates.map { Mixture.Candidate($0.0, coefficient: $0.1) }, keeping: top, total: total, shares: shares, using: &generator)
  }

  @Test func theGreatestCoefficientsShareInProportion() throws {
    // 0.6 : 0.3 is 2 : 1, so 100 samples are 66.67 and 33.33.
    let found = try mixture([("code", 0.3), ("text", -0.1), ("math", 0.6), ("quiz", 0.2), ("none", 0)], total: 100)
    #expect(found.parts.map(\.name) == ["math", "code"])
    #expect(found.parts.map(\.count) == [67, 33])
    #expect(abs(found.parts[0].share - 2.0 / 3) < 1e-15 && abs(found.parts[1].share - 1.0 / 3) < 1e-15)
    #expect(found.notPositive.map(\.name) == ["text", "none"])
    #expect(found.belowTop.map(\.name) == ["quiz"])
  }

  @Test func fewerThanAskedForAreKeptWhereFewerArePositive() throws {
    let found = try mixture([("a", -1), ("b", 0.25), ("c", 0)], top: 3, total: 7)
    #expect(found.parts.map(\.name) == ["b"] && found.parts.map(\.share) == [1] && found.parts.map(\.count) == [7])
    let error = #expect(throws: SelectionError.self) { try mixture([("a", -1), ("b", 0)], total: 7) }
    #expect(error?.description.contains("no task has a positive coefficient (a -1.0, b 0.0)") == true)
  }

  @Test func countsAddUpByTheLargestRemainder() {
    // Quotas 3.5, 3.5, 3: the tie of remainders goes to the first.
    #expect(Mixture.counts(of: [0.35, 0.35, 0.3], total: 10) == [4, 3, 3])
    // Quotas 1.4, 1.3, 0.3: whole parts 1, 1, 0, and one more for 0.4.
    #expect(Mixture.counts(of: [1.4 / 3, 1.3 / 3, 0.3 / 3], total: 3) == [2, 1, 0])
    // 0.3 / (0.3 + 0.1) falls just short of three quarters in binary; the count does not.
    #expect(Mixture.counts(of: [0.3 / 0.4, 0.1 / 0.4], total: 100) == [75, 25])
    #expect(Mixture.counts(of: [1], total: 1) == [1])
    for total in 1...50 { #expect(Mixture.counts(of: [0.1, 0.2, 0.3, 0.4], total: total).reduce(0, +) == total) }
  }

  @Test func equalCoefficientsKeepTheirOrder() throws {
    #expect(try mixture([("a", 0.5), ("b", 0.5), ("c", 0.5)], total: 3).parts.map(\.name) == ["a", "b"])
  }

  @Test func baselinesShareTheSameTasks() throws {
    let candidates = [("a", 0.9), ("b", 0.05), ("c", 0.4), ("d", -2)]
    #expect(try mixture(candidates, total: 11, shares: .equal).parts.map(\.count) == [6, 5])
    let random = try mixture(candidates, total: 1000, shares: .random, seed: 3)
    #expect(random.parts.map(\.name) == ["a", "c"] && random.parts.map(\.count).reduce(0, +) == 1000)
    #expect(try mixture(candidates, total: 1000, shares: .random, seed: 3) == random)
    #expect(try mixture(candidates, total: 1000, shares: .random, seed: 4) != random)
    // Of two tasks each share is uniform on 0...1.
    let shares = try (0..<400).map { try mixture(candidates, total: 10, shares: .random, seed: $0).parts[0].share }.sorted()
    #expect(abs(shares[200] - 0.5) < 0.08 && abs(shares[40] - 0.1) < 0.05 && abs(shares[360] - 0.9) < 0.05)
  }

  @Test func drawsAreWithoutReplacement() throws {
    var generator = SeededGenerator(seed: 1, stream: "draw")
    let times = try SampleDraw.times(drawing: 30, outOf: 100, repeats: false, of: "a", using: &generator)
    #expect(times.count == 100 && times.reduce(0, +) == 30 && times.max() == 1)
    let error = #expect(throws: SelectionError.self) {
      try SampleDraw.times(drawing: 101, outOf: 100, repeats: false, of: "gsm8k", using: &generator)
    }
    #expect(
      error?.description
        == "gsm8k has 100 samples and its share is 101; lower total, give it more data, or let samples repeat by repeat")
    // Twice each, and 50 of them once more.
    let repeated = try SampleDraw.times(drawing: 250, outOf: 100, repeats: true, of: "a", using: &generator)
    #expect(repeated.reduce(0, +) == 250 && repeated.min() == 2 && repeated.max() == 3)
    #expect(throws: SelectionError.self) { try SampleDraw.times(drawing: 1, outOf: 0, repeats: true, of: "a", using: &generator) }
  }

  @Test func theFirstOfAnOrderAreTaken() throws {
    #expect(try SampleDraw.times(taking: 2, inOrder: [3, 0, 2], outOf: 4, repeats: false, of: "a") == [1, 0, 0, 1])
    #expect(try SampleDraw.times(taking: 4, inOrder: [3, 0, 2], outOf: 4, repeats: true, of: "a") == [1, 0, 1, 2])
    #expect(throws: SelectionError.self) { try SampleDraw.times(taking: 4, inOrder: [3, 0, 2], outOf: 4, repeats: false, of: "a") }
  }
}
