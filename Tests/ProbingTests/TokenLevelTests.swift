import ActivationPatterns
import CheckpointFiles
import Goldens
import LanguageModels
import Probing
import Testing

/// What tokens have of levels: they sum up to them, whoever shares the batch.
@Suite struct TokenLevelTests {
  /// The greatest difference between a sample's levels and the sums over its tokens, in units of the head's saliency, which bounds what can cancel.
  private static func distance(_ tokens: [MeasuredTokens], _ samples: [MeasuredSample], heads: [HeadPlace], width: Int) -> Double {
    var greatest = 0.0
    for (found, sample) in zip(tokens, samples) {
      for head in heads {
        let entry = head.layer * width + head.head
        let scale = max(1e-12, Double(sample.levels[.saliency]?[entry] ?? 0))
        for score in Score.allCases {
          let sum = (found.levels[head]?[score] ?? []).reduce(0) { $0 + Double($1) }
          let level = Double(sample.levels[score]?[entry] ?? .nan)
          greatest = max(greatest, abs((score == .magnitude ? abs(sum) : sum) - level) / scale)
        }
      }
    }
    return greatest
  }

  /// Of every model and score. Both sides add the same float32 numbers, in another order.
  @Test(arguments: Golden.all) func tokensSumUpToLevels(name: String) throws {
    let golden = try Golden(name)
    let decoder = try golden.model(.float32).decoder
    let probe = Probe(decoder, scores: Score.allCases)
    let heads = HeadPlace.all(of: decoder.shape)
    let tokens = try probe.tokenLevels(of: golden.samples, heads: heads)
    let levels = try probe.levels(of: golden.samples)
    #expect(tokens.map(\.index) == levels.map(\.index) && tokens.map(\.loss) == levels.map(\.loss))
    for (found, sample) in zip(tokens, golden.samples) {
      #expect(found.levels.count == heads.count)
      #expect(found.levels.values.allSatisfy { $0.values.allSatisfy { $0.count == sample.tokens.count } })
    }
    #expect(Self.distance(tokens, levels, heads: heads, width: decoder.shape.attentionHeads) < 1e-5)
  }

  /// Every sample alone and all together, to the rounding of matrix products of other sizes.
  @Test(arguments: ["llama-grouped-tied", "gemma-published", "gpt2-published"]) func tokensDoNotSeeOtherSamples(name: String) throws {
    let golden = try Golden(name)
    let decoder = try golden.model(.float32).decoder
    let probe = Probe(decoder, scores: Score.allCases)
    let heads = HeadPlace.all(of: decoder.shape)
    let together = try probe.tokenLevels(of: golden.samples, heads: heads)
    for (sample, found) in zip(golden.samples, together) {
      let alone = try #require(try probe.tokenLevels(of: [sample], heads: heads).first)
      for head in heads {
        // A share is a sum over keys that can cancel, like a level: differences count beside the saliency of the sample and head.
        let saliency = (found.levels[head]?[.saliency] ?? []).reduce(0) { $0 + Double($1) }
        for score in Score.allCases {
          let (one, other) = (alone.levels[head]?[score] ?? [], found.levels[head]?[score] ?? [])
          #expect(one.count == sample.tokens.count && other.count == one.count)
          #expect(zip(one, other).allSatisfy { abs(Double($0) - Double($1)) <= 1e-5 * saliency })
        }
      }
    }
  }

  /// A few samples of many, measured once more, in batches of their own and with the weights that the whole data gives their labels.
  @Test(arguments: [PatternMeasurement.Loss.sample, .batch(4)]) func chosenSamplesAreMeasuredAsTheWholeWas(loss: PatternMeasurement.Loss)
    throws
  {
    let golden = try Golden("llama-grouped-tied")
    let decoder = try golden.model(.float32).decoder
    let measurement = PatternMeasurement(Probe(decoder, scores: Score.allCases), loss: loss, batchTokens: 20)
    let whole = try measurement.run(golden.samples).samples
    let places = Array(stride(from: 1, to: golden.samples.count, by: 2))
    let heads = [HeadPlace(layer: decoder.shape.layers - 1, head: 1), HeadPlace(layer: 0, head: 0)]
    var told: [Int] = []
    let tokens = try measurement.tokenLevels(of: places, among: golden.samples, heads: heads, progress: { told.append($0) })
    #expect(tokens.map(\.index) == places && told.last == places.count)
    #expect(Self.distance(tokens, places.map { whole[$0] }, heads: heads, width: decoder.shape.attentionHeads) < 1e-5)
    #expect(throws: PatternMeasurement.Stopped.self) {
      try measurement.tokenLevels(of: places, among: golden.samples, heads: heads, shouldStop: { true })
    }
  }

  @Test func whatIsNotThereIsRefused() throws {
    let golden = try Golden("llama-plain")
    let probe = Probe(try golden.model(.float32).decoder, scores: [.signed])
    for head in [HeadPlace(layer: 99, head: 0), HeadPlace(layer: 0, head: 99), HeadPlace(layer: -1, head: 0)] {
      #expect(throws: ProbingError.self) { try probe.tokenLevels(of: golden.samples, heads: [head]) }
    }
    #expect(throws: ProbingError.self) {
      try probe.tokenLevels(of: [TokenizedSample(tokens: [1], promptLength: 0)], heads: [HeadPlace(layer: 0, head: 0)])
    }
    #expect(try probe.tokenLevels(of: [], heads: []).isEmpty)
  }
}
