import Ground
import CheckpointFiles
import ActivationPatterns
import Foundation
import Goldens
import LanguageModels
import Probing
import Testing
import Torch

@Suite struct ProbeTests {
  static let names = Golden.all
  /// The scores that every model's golden file has.
  static let published: [Score] = [.magnitude, .signed, .token, .saliency]

  /// The greatest difference from the golden levels in units of that sample's and head's saliency, which bounds what can cancel (METHOD §2).
  static func distance(_ actual: [MeasuredSample], _ golden: Golden, prefix: String = "", score: Score) throws -> Double {
    let expected = try golden.file.floats(prefix + score.rawValue)
    let saliency = try golden.file.floats(prefix + "saliency")
    let found = actual.flatMap { $0.levels[score] ?? [] }
    guard found.count == expected.count, found.count == saliency.count else { return .infinity }
    return zip(zip(found, expected), saliency).map { pair, scale in
      abs(Double(pair.0) - Double(pair.1)) / max(Double(scale), 1e-12)
    }.max() ?? .infinity
  }

  /// All four scores in one backward pass against full attention matrices in float64: 1e-5 of the saliency, METHOD's tolerance.
  @Test(arguments: names, ActivationMemory.allCases) func levelsEqualFullMatrices(name: String, memory: ActivationMemory) throws {
    let golden = try Golden(name)
    let probe = Probe(try golden.model(.float32).decoder, scores: Score.allCases, memory: memory)
    let levels = try probe.levels(of: golden.samples)
    for score in Self.published {
      let distance = try Self.distance(levels, golden, score: score)
      #expect(distance < 1e-5, "\(name) \(score): \(distance)")
    }
    #expect(relativeDistance(levels.map(\.loss), try golden.file.floats("loss")) < 1e-5)
  }

  /// The sum of each head's output times its gradient, as TransformerLens's hooks give both from its own model code (scripts/goldens/hooked_levels.py).
  @Test(arguments: ["gpt2-published", "gpt2-scaled", "gpt2-untied", "gpt-neox-published", "gpt-neox-tied"])
  func signedLevelsAreThoseOfTransformerLens(name: String) throws {
    let golden = try Golden(name)
    let url = try #require(Bundle.module.url(forResource: "Fixtures/hooked_levels", withExtension: "safetensors"))
    let expected = try SafetensorsFile(at: url).floats("\(name).signed")
    let saliency = try golden.file.floats("saliency")
    let found = try Probe(try golden.model(.float32).decoder, scores: [.signed]).levels(of: golden.samples).flatMap {
      $0.levels[.signed] ?? []
    }
    #expect(found.count == expected.count && found.count == saliency.count)
    for (place, level) in found.enumerated() { #expect(abs(level - expected[place]) < 1e-5 * saliency[place]) }
  }

  /// Weights that are converted whenever they are used measure what converted weights do.
  @Test(arguments: [
    "llama-float16", "llama-bfloat16", "opt-published", "opt-sharded", "gemma-published", "gpt2-scaled", "gpt-neox-published",
  ])
  func weightsConvertedAtUseGiveTheSameLevels(name: String) throws {
    let golden = try Golden(name)
    let folder = try ModelFolder(named: golden.folder.path(percentEncoded: false))
    let stored = try LanguageModel(folder, elementType: .float32, conversionLimit: 0)
    let levels = try Probe(stored.decoder, scores: Score.allCases).levels(of: golden.samples)
    for score in Self.published { #expect(try Self.distance(levels, golden, score: score) < 1e-5) }
    #expect(try levels == Probe(golden.model(.float32).decoder, scores: Score.allCases).levels(of: golden.samples))
  }
}

extension ProbeTests {
  /// Every sample alone, all together, and in reverse order: the same levels, to the rounding of matrix products of other sizes.
  @Test(arguments: ["llama-grouped-tied", "gemma-published"]) func samplesDoNotSeeEachOther(name: String) throws {
    let golden = try Golden(name)
    let probe = Probe(try golden.model(.float32).decoder, scores: Score.allCases)
    let together = try probe.levels(of: golden.samples)
    let reversed = try probe.levels(of: golden.samples.reversed())
    for (number, sample) in golden.samples.enumerated() {
      let alone = try #require(probe.levels(of: [sample]).first)
      for other in [alone, reversed[golden.samples.count - 1 - number]] {
        #expect(other.index == sample.index)
        for score in Score.allCases {
          #expect(relativeDistance(other.levels[score] ?? [], together[number].levels[score] ?? [1]) < 1e-5)
        }
      }
    }
  }

  /// magnitude ≤ token ≤ saliency for every head.
  @Test(arguments: names) func scoresAreOrdered(name: String) throws {
    let golden = try Golden(name)
    for sample in try Probe(try golden.model(.float32).decoder, scores: Score.allCases).levels(of: golden.samples) {
      let magnitude = try #require(sample.levels[.magnitude])
      let token = try #require(sample.levels[.token])
      let saliency = try #require(sample.levels[.saliency])
      #expect(zip(magnitude, token).allSatisfy { $0 <= $1 * 1.0001 + 1e-9 })
      #expect(zip(token, saliency).allSatisfy { $0 <= $1 * 1.0001 + 1e-9 })
    }
  }

  /// What `token` sums up over the queries of the prompt and over those that predict a label, from full attention matrices in float64
  /// (scripts/goldens/token_parts.py); together they are `token`.
  @Test(arguments: ["llama-grouped-tied", "mistral-sliding", "opt-published"]) func partsOfTokenEqualFullMatrices(name: String) throws {
    let golden = try Golden(name)
    let url = try #require(Bundle.module.url(forResource: "Fixtures/token_parts", withExtension: "safetensors"))
    let file = try SafetensorsFile(at: url)
    let saliency = try golden.file.floats("saliency")
    let levels = try Probe(try golden.model(.float32).decoder, scores: Score.allCases).levels(of: golden.samples)
    for score in [Score.tokenPrompt, .tokenResponse] {
      let expected = try file.floats("\(name).\(score)")
      let found = levels.flatMap { $0.levels[score] ?? [] }
      #expect(found.count == expected.count && found.count == saliency.count)
      for (place, level) in found.enumerated() { #expect(abs(level - expected[place]) < 1e-5 * saliency[place]) }
    }
    for sample in levels {
      let (prompt, response) = (try #require(sample.levels[.tokenPrompt]), try #require(sample.levels[.tokenResponse]))
      for (sum, whole) in zip(zip(prompt, response).map(+), try #require(sample.levels[.token])) {
        #expect(abs(sum - whole) <= 1e-5 * whole)
      }
    }
  }

  /// The released script's loss: all label tokens of four consecutive samples together.
  @Test(arguments: names) func batchLossEqualsTheReleasedScript(name: String) throws {
    let golden = try Golden(name)
    let measurement = PatternMeasurement(
      Probe(try golden.model(.float32).decoder, scores: Score.allCases), loss: .batch(4), batchTokens: 20)
    let result = try measurement.run(golden.samples)
    for score in Self.published {
      #expect(try Self.distance(result.samples, golden, prefix: "batch4.", score: score) < 1e-5)
    }
  }

  /// bfloat16 stays near: the distance is told, not bounded tightly, since it depends on the model.
  @Test func bfloat16LandsNear() throws {
    let golden = try Golden("llama-bfloat16")
    let levels = try Probe(try golden.model(.bfloat16).decoder, scores: [.token]).levels(of: golden.samples)
    #expect(try Self.distance(levels, golden, score: .token) < 0.1)
  }

  @Test func aSampleWithoutALabelIsAnError() throws {
    let golden = try Golden("llama-plain")
    let probe = Probe(try golden.model(.float32).decoder, scores: [.magnitude])
    #expect(throws: ProbingError.self) { try probe.levels(of: [TokenizedSample(tokens: [1], promptLength: 0)]) }
    #expect(try probe.levels(of: []).isEmpty)
  }

  /// A weight that is not finite is named at the first batch, by patterns and ablations alike; where all are finite, the remedy is a wider type.
  @Test(arguments: [Float.nan, .infinity, 3e38]) func whatIsNotFiniteIsSaidAtTheFirstBatch(value: Float) throws {
    let golden = try Golden("llama-grouped-tied")
    let decoder = try golden.model(.float32).decoder
    let weight = try #require(decoder.parameters.first { $0.name.hasSuffix("layers.1.mlp.down_proj.weight") })
    weight.tensor = try Tensor.full(Double(value), shape: weight.tensor.shape)
    let part = value == 3e38 ? "too large for float32; compute with dtype float64" : "the weight '\(weight.name)' holds numbers"
    var asked = 0
    let pattern = #expect(throws: NotFiniteError.self) {
      _ = try PatternMeasurement(Probe(decoder, scores: [.magnitude]), batchTokens: 1).run(golden.samples) {
        asked += 1
        return false
      }
    }
    #expect(pattern?.description.contains(part) == true)
    // Each lane begins a batch before the first one's end.
    #expect((1...max(1, Engine.threads)).contains(asked))
    let ablation = #expect(throws: NotFiniteError.self) {
      _ = try HeadAblation(decoder, sets: [HeadSet([HeadPlace(layer: 0, head: 0)])], batchTokens: 64).losses(of: golden.samples)
    }
    #expect(ablation?.description.contains(part) == true)
  }
}
