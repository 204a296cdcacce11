import ActivationPatterns
import CheckpointFiles
import Foundation
import Goldens
import LanguageModels
import Probing
import Testing
import Torch

/// Embeddings and losses held against transformers in float64 (scripts/goldens/representations.py).
@Suite struct SampleReaderTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/representations")
  static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))) ?? [])
    .filter { $0.hasSuffix(".safetensors") }.map { String($0.dropLast(12)) }.sorted()

  @Test func thereAreGoldens() { #expect(SampleReaderTests.names.count == 8) }

  /// float32 is held to 1e-5 of the greatest number, tighter than the decoders' logits (1e-4), since a mean evens rounding out; bfloat16 to 3e-2, about
  /// twice what its logits are off by on these models.
  @Test(arguments: names, [ElementType.float32, .bfloat16])
  func areThoseOfTransformers(name: String, type: ElementType) throws {
    let golden = try Golden(name)
    let expected = try SafetensorsFile(at: SampleReaderTests.folder.appending(path: "\(name).safetensors"))
    let reader = SampleReader(try golden.model(type).decoder)
    let tolerance = type == .float32 ? 1e-5 : 3e-2
    let embeddings = try reader.embeddings(of: golden.samples)
    #expect(reader.embeddingWidth * golden.samples.count == embeddings.count)
    #expect(relativeDistance(embeddings, try expected.floats("embedding")) < tolerance)
    #expect(relativeDistance(try reader.losses(of: golden.samples), try expected.floats("loss")) < tolerance)
  }

  /// A sample's figures do not depend on whom it shares a batch with, but for rounding; and the loss is what a probe tells.
  @Test func batchMatesChangeNothing() throws {
    let golden = try Golden("llama-grouped-tied")
    let decoder = try golden.model(.float32).decoder
    let reader = SampleReader(decoder)
    let together = (try reader.embeddings(of: golden.samples), try reader.losses(of: golden.samples))
    let alone = (
      try golden.samples.flatMap { try reader.embeddings(of: [$0]) }, try golden.samples.flatMap { try reader.losses(of: [$0]) }
    )
    #expect(relativeDistance(together.0, alone.0) < 1e-6 && relativeDistance(together.1, alone.1) < 1e-6)
    let probed = try Probe(decoder, scores: [.magnitude]).levels(of: golden.samples).map(\.loss)
    #expect(relativeDistance(together.1, probed) < 1e-6)
  }

  @Test func whatIsNotFiniteIsNamed() throws {
    let golden = try Golden("llama-plain")
    let model = try golden.model(.float32)
    let weight = try #require(model.decoder.parameters.last { $0.tensor.shape.count == 1 })
    weight.tensor = try Tensor.full(.nan, shape: weight.tensor.shape)
    #expect(throws: NotFiniteError.self) { try SampleReader(model.decoder).embeddings(of: golden.samples) }
    #expect(throws: NotFiniteError.self) { try SampleReader(model.decoder).losses(of: golden.samples) }
  }
}
