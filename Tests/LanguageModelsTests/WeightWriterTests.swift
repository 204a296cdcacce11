import CheckpointFiles
import Foundation
import Goldens
import Ground
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
    let output = OutputFolder(folder)
    try output.make()
    func write(_ limit: Int) throws {
      let names = WeightWriter.names(of: weights, shardLimit: limit)
      try output.claim(names)
      try WeightWriter.write(weights, to: folder, shardLimit: limit)
      try output.removeOwn(except: names)
    }
    for limit in [WeightWriter.shardLimit, 2000] {
      try write(limit)
      let written = try LanguageModel(ModelFolder(named: folder.path(percentEncoded: false)))
      #expect(written.decoder.elementType == .float32)
      #expect(written.decoder.parameters.map(\.name).sorted() == model.decoder.parameters.map(\.name).sorted())
      let expected = Dictionary(model.decoder.parameters.map { ($0.name, $0) }) { first, _ in first }
      for parameter in written.decoder.parameters {
        #expect(try parameter.tensor.floats() == expected[parameter.name]?.tensor.floats(), "\(parameter.name)")
      }
    }
    // Going back to one file leaves no shard behind.
    try write(WeightWriter.shardLimit)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
    #expect(files.filter { $0.hasPrefix("model") } == ["model.safetensors"])
    #expect(type.isFloatingPoint)
  }

  /// Only what is known to be an earlier write's own goes: weights of another model in the same folder stay.
  @Test func nothingElseIsDeleted() throws {
    let folder = try scratch()
    defer { try? FileManager.default.removeItem(at: folder) }
    let others = ["model-00001-of-00009.safetensors", "model.safetensors.index.json", "model_notes.safetensors"]
    for name in others { try Data(name.utf8).write(to: folder.appending(path: name)) }
    let weight = WeightWriter.Weight(name: "w", shape: [2], elementType: .float32) { try Tensor([1, 2] as [Float], shape: [2]) }
    let output = OutputFolder(folder)
    try output.make()
    try output.claim(WeightWriter.names(of: [weight]))
    try WeightWriter.write([weight], to: folder)
    try output.removeOwn(except: ["model.safetensors"])
    for name in others { #expect(try Data(contentsOf: folder.appending(path: name)) == Data(name.utf8)) }
    // Shards of that model would be in the way of our own.
    let names = WeightWriter.names(of: [weight, weight, weight], shardLimit: 8)
    #expect(names.contains("model.safetensors.index.json") && names.count == 4)
    #expect(throws: OutputError.self) { try output.claim(names) }
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
