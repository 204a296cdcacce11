import ActivationPatterns
import Goldens
import LanguageModels
import Probing
import Testing
import Torch

@Suite struct ProbeTests {
  static let names = ["llama", "gemma", "mistral", "qwen"].flatMap(Golden.names)

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
    for score in Score.allCases {
      let distance = try Self.distance(levels, golden, score: score)
      #expect(distance < 1e-5, "\(name) \(score): \(distance)")
    }
    #expect(relativeDistance(levels.map(\.loss), try golden.file.floats("loss")) < 1e-5)
  }
}
