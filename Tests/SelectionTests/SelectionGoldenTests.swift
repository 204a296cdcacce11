import ActivationPatterns
import Foundation
import Ground
import Instructions
import Testing

@testable import Selection

/// Choices held against numpy, PyTorch and rank-bm25 (`scripts/goldens/selection.py`). Both sides compute in double precision from the same float32
/// numbers, so that 1e-12 is left for the order of sums, a hundred times that for the row that lies far from zero.
struct SelectionGoldenTests {
  private func open(_ goldens: SelectionGoldens.Patterns, _ folder: SampleFolder, standardises: Bool = false) throws
    -> any OpenRepresentation
  {
    let target = try folder.pattern(
      "t.safetensors", goldens.target, layers: goldens.layers, heads: goldens.heads, mean: goldens.mean)
    let pool = try folder.pattern("p.safetensors", goldens.pool, layers: goldens.layers, heads: goldens.heads)
    var options = RepresentationOptions()
    options.standardises = standardises
    return try PatternRepresentation().open(target: target, pool: [pool], options)
  }

  private func chosen(_ algorithm: any SelectionAlgorithm, _ count: Int, _ likeness: any Likeness) throws -> [Choice] {
    try algorithm.choose(count, by: likeness) { _ in true }
  }

  @Test func patternsAreRankedAsNumpyRanksThem() throws {
    let (goldens, folder) = (try SelectionGoldens.read().patterns, try SampleFolder())
    let likeness = try open(goldens, folder).likeness(view: .mean)
    #expect(difference(try all(likeness).map { $0[0] }, goldens.pearson) < 1e-10)
    #expect(try chosen(MeanSelection(), 25, likeness).map(\.sample) == goldens.top)
    // All but the constant one, however many are asked for; of the two that are equal the first comes first.
    let every = try chosen(MeanSelection(), 100, likeness).map(\.sample)
    #expect(every.count == 59 && !every.contains(7))
    let (first, second) = (try #require(every.firstIndex(of: 12)), try #require(every.firstIndex(of: 41)))
    #expect(second == first + 1)
  }

  @Test func standardisedPatternsAreRankedAsNumpyRanksThem() throws {
    let (goldens, folder) = (try SelectionGoldens.read().patterns, try SampleFolder())
    let likeness = try open(goldens, folder, standardises: true).likeness(view: .mean)
    // The constant row is none any more, each head having a mean and a spread of its own. The row that lies far from zero stretches the spread, so that
    // all others are near −0.13 and numpy itself loses seven digits.
    #expect(difference(try all(likeness).map { $0[0] }, goldens.pearsonStandardised) < 1e-9)
    #expect(try chosen(MeanSelection(), 25, likeness).map(\.sample) == goldens.topStandardised)
  }

  @Test func targetsTakeTurnsOrTheBestIsTaken() throws {
    let (goldens, folder) = (try SelectionGoldens.read().patterns, try SampleFolder())
    let open = try open(goldens, folder)
    let each = try open.likeness(view: .samples)
    for (found, expected) in zip(try all(each), goldens.pearsonEach) { #expect(difference(found, expected) < 1e-10) }
    #expect(try chosen(RoundRobinSelection(), 30, each).map { [$0.sample, $0.target] } == goldens.roundRobin)
    // The same where far fewer are kept than may be wanted, so that the pool goes by again and again.
    for kept in [1, 5, 13, 40] {
      #expect(try chosen(RoundRobinSelection(mostKept: kept), 30, each).map { [$0.sample, $0.target] } == goldens.roundRobin)
    }
    #expect(try chosen(BestSelection(), 30, each).map(\.sample) == goldens.best)
    let groups = goldens.groups.enumerated().map { TargetView.Group("g\($0.offset)", members: $0.element) }
    let grouped = try open.likeness(view: .groups(groups))
    #expect(grouped.targetNames == ["g0", "g1"] && each.targetNames == (0..<5).map { "sample \($0)" })
    #expect(try chosen(RoundRobinSelection(), 20, grouped).map { [$0.sample, $0.target] } == goldens.roundRobinGroups)
  }

  @Test func headsExplainACorrelation() throws {
    let (goldens, folder) = (try SelectionGoldens.read().patterns, try SampleFolder())
    let likeness = try open(goldens, folder).likeness(view: .mean)
    let parts = try likeness.strongestParts(21, sample: goldens.top[0], target: 0)
    #expect(parts.map(\.part) == parts.map(\.part).sorted(by: >))
    for part in parts { #expect(abs(part.part - goldens.parts[part.layer * goldens.heads + part.head]) < 1e-12) }
    let sum = parts.reduce(0) { $0 + $1.part }
    #expect(try abs(sum - (#require(goldens.pearson[goldens.top[0]]))) < 1e-12)
    #expect(try likeness.strongestParts(3, sample: goldens.top[0], target: 0) == Array(parts.prefix(3)))
    // Of a constant row nothing can be said.
    #expect(try likeness.strongestParts(3, sample: 7, target: 0).isEmpty)
  }

  @Test func gradientsHaveTheInfluenceOfLESS() throws {
    let (goldens, folder) = (try SelectionGoldens.read().gradients, try SampleFolder())
    let target = try folder.representation(.gradient, "t.safetensors", goldens.target, role: .target, weights: goldens.weights)
    let pool = try folder.representation(.gradient, "p.safetensors", goldens.pool, role: .pool, weights: goldens.weights)
    let open = try GradientRepresentation().open(target: target, pool: [pool], .init())
    #expect(difference(try all(open.likeness(view: .mean)).map { $0[0] }, goldens.influence) < 1e-12)
    let groups = goldens.groups.enumerated().map { TargetView.Group("g\($0.offset)", members: $0.element) }
    let grouped = try open.likeness(view: .groups(groups))
    for (found, expected) in zip(try all(grouped), goldens.influenceGroups) { #expect(difference(found, expected) < 1e-12) }
    #expect(try chosen(BestSelection(), 23, grouped).map(\.sample) == goldens.bestGroups)
    // The direction that Adam steps in belongs to the pool, the gradient itself to the target.
    let error = #expect(throws: SelectionError.self) { try GradientRepresentation().open(target: pool, pool: [pool], .init()) }
    #expect(error?.description.contains("holds gradients as a pool has them, where those of a target belong") == true)
  }

  @Test func embeddingsAreComparedByTheirCosine() throws {
    let (goldens, folder) = (try SelectionGoldens.read().embeddings, try SampleFolder())
    let target = try folder.representation(.embedding, "t.safetensors", [goldens.target])
    let halves = [goldens.pool[..<9], goldens.pool[9...]].enumerated()
    let pool = try halves.map { try folder.representation(.embedding, "p\($0.offset).safetensors", [Array($0.element)]) }
    let open = try EmbeddingRepresentation().open(target: target, pool: pool, .init())
    #expect(difference(try all(open.likeness(view: .mean)).map { $0[0] }, goldens.cosine) < 1e-12)
    var options = RepresentationOptions()
    options.standardises = true
    let standardised = try EmbeddingRepresentation().open(target: target, pool: pool, options)
    #expect(difference(try all(standardised.likeness(view: .mean)).map { $0[0] }, goldens.cosineStandardised) < 1e-12)
    let each = try open.likeness(view: .samples)
    for (found, expected) in zip(try all(each), goldens.cosineEach) { #expect(difference(found, expected) < 1e-12) }
    #expect(try chosen(RoundRobinSelection(), 12, each).map { [$0.sample, $0.target] } == goldens.roundRobin)
  }

  @Test func wordsAreWeighedAsRankBM25WeighsThem() throws {
    let goldens = try SelectionGoldens.read().bm25
    #expect(goldens.pool.map(Words.of) == goldens.words)
    let target = goldens.target.enumerated().map { Instruction(prompt: $0.element, response: "", index: $0.offset) }
    func likeness(_ view: TargetView) throws -> any Likeness {
      try BM25Representation().likeness(
        target: target, pool: { body in for text in goldens.pool { try body(Instruction(prompt: text, response: "")) } }, view: view,
        .init())
    }
    #expect(difference(try all(likeness(.mean)).map { $0[0] }, goldens.scores) < 1e-12)
    for (found, expected) in zip(try all(likeness(.samples)), goldens.scoresEach) { #expect(difference(found, expected) < 1e-12) }
    let groups = TargetView.groups([.init("b", members: [1, 2]), .init("a", members: [0])])
    for (found, expected) in zip(try all(likeness(groups)), goldens.scoresEach) {
      #expect(difference(found, [(expected[1] + expected[2]) / 2, expected[0]]) < 1e-12)
    }
  }
}
