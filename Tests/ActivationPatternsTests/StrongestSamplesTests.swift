import ActivationPatterns
import Testing

/// The strongest samples of heads, and how uncertain means are.
struct StrongestSamplesTests {
  @Test func theFarthestFromZeroComeFirstAndEquallyFarOnesInOrder() {
    var strongest = StrongestSamples(2, at: [1, 0])
    for levels in [[1, -3], [2, 3], [0, 5], [2, -3]] as [[Float]] { strongest.add(levels) }
    #expect(strongest.samples[0].map(\.number) == [2, 0] && strongest.samples[0].map(\.level) == [5, -3])
    #expect(strongest.samples[1].map(\.number) == [1, 3])
    #expect(strongest.keeping([0]).samples == [strongest.samples[1]])
  }

  @Test func fewerSamplesThanAskedForAreAll() throws {
    let levels = try SampleLevels(sampleCount: 2, entryCount: 1, values: [1, 2])
    #expect(try levels.strongest(5, at: [0]).samples[0].map(\.number) == [1, 0])
  }

  @Test func standardErrorsAreTheDeviationOverTheRoot() throws {
    let values: [[Double]] = [[1, 10], [2, 10], [4, 10], [9, 10]]
    let levels = try SampleLevels(sampleCount: 4, entryCount: 2, values: values.flatMap { $0.map(Float.init) })
    let errors = try #require(try levels.standardErrors())
    let mean = 4.0
    let deviation = (values.reduce(0) { $0 + ($1[0] - mean) * ($1[0] - mean) } / 3).squareRoot()
    #expect(abs(errors[0] - deviation / 2) < 1e-12 && errors[1] == 0)
    let later = try SampleLevels(sampleCount: 4, entryCount: 2, values: values.flatMap { $0.map { Float($0 + 3) } })
    #expect(try levels.standardErrors(ofDifferenceTo: later) == [0, 0])
    #expect(try SampleLevels(sampleCount: 1, entryCount: 1, values: [1]).standardErrors() == nil)
    #expect(try levels.standardErrors(ofDifferenceTo: SampleLevels(sampleCount: 1, entryCount: 1, values: [1])) == nil)
  }
}
