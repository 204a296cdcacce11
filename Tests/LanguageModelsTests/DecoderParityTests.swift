import CheckpointFiles
import Goldens
import LanguageModels
import Testing
import Torch

@Suite struct DecoderParityTests {
  static let names = Golden.all

  /// float32 against transformers in float64: 1e-4 of the greatest logit covers the accumulated rounding of a few layers.
  @Test(arguments: names) func logitsEqualTransformers(name: String) throws {
    let golden = try Golden(name)
    let decoder = try golden.model(.float32).decoder
    let batch = PackedBatch(golden.samples)
    let logits = try withoutGradients { try decoder.logits(of: decoder.hiddenStates(of: ForwardPass(batch, on: .cpu))) }
    let distance = relativeDistance(try logits.floats(), try golden.file.floats("logits"))
    #expect(distance < 1e-4, "\(name): \(distance)")
  }
}
