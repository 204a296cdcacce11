import CheckpointFiles
import Foundation
import Goldens
import Testing
import Torch

@testable import LanguageModels

@Suite struct WeightWriterTests {
  private func scratch() throws -> URL {
    let url = FileManager.default.temporaryDirectory.appending(path: "headway-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
  }

  /// What is read, written and read again is the same, for every fixture, in one file and in shards.
  @Test(arguments: Golden.all)
  func foldersSurviveARoundTrip(name: String) throws {
    let folder = try scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let golden = try Golden(name)
    let model = try golden.model(.float32)
    let type = try LanguageModel.storedType(of: model.base)
    let weights = model.decoder.parameters.map { parameter in
      WeightWriter.Weight(name: parameter.storedName, shape: parameter.tensor.shape, elementType: .float32) { parameter.tensor }
    }
    try WeightWriter.writeCompanions(of: model.base, elementType: .float32, to: folder)
    for limit in [WeightWriter.shardLimit, 2000] {
      try WeightWriter.write(weights, to: folder, shardLimit: limit)
      let written = try LanguageModel(ModelFolder(named: folder.path(percentEncoded: false)))
      #expect(written.decoder.elementType == .float32)
      #expect(written.decoder.parameters.map(\.name).sorted() == model.decoder.parameters.map(\.name).sorted())
      let expected = Dictionary(model.decoder.parameters.map { ($0.name, $0) }) { first, _ in first }
      for parameter in written.decoder.parameters {
        #expect(try parameter.tensor.floats() == expected[parameter.name]?.tensor.floats(), "\(parameter.name)")
      }
    }
    // Going back to one file leaves no shard behind.
    try WeightWriter.write(weights, to: folder)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
    #expect(files.filter { $0.hasPrefix("model") } == ["model.safetensors"])
    #expect(type.isFloatingPoint)
  }

  @Test func theTypeIsNamedAndNothingElseChanges() {
    let cases = [
      ("{\"a\": 1.0, \"dtype\": \"float32\"}", "{\"a\": 1.0, \"dtype\": \"bfloat16\"}"),
      ("{\n \"torch_dtype\" : \"float16\",\n \"b\": 1e-05}", "{\n \"torch_dtype\": \"bfloat16\",\n \"b\": 1e-05}"),
      ("{\"a\": 2}", "{\n  \"torch_dtype\": \"bfloat16\",\"a\": 2}"), ("{ }", "{\n  \"torch_dtype\": \"bfloat16\" }"),
    ]
    for (before, after) in cases { #expect(WeightWriter.naming(.bfloat16, in: before) == after) }
  }
}
