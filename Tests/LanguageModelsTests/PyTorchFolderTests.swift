import Ground
import CheckpointFiles
import Foundation
import Goldens
import LanguageModels
import Testing
import Torch

/// Folders with PyTorch's weight files, and OPT's two ways of naming.
@Suite struct PyTorchFolderTests {
  private func copy(_ name: String) throws -> URL {
    let target = FileManager.default.temporaryDirectory.appending(path: "model-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: Golden.directory.appending(path: name), to: target)
    return target
  }

  private func folder(_ url: URL) throws -> ModelFolder { try ModelFolder(named: url.path(percentEncoded: false)) }

  private func message(_ url: URL) -> String {
    do {
      _ = try LanguageModel(folder(url))
      return "loaded"
    } catch { return "\(error)" }
  }

  @Test func shardsAndOneFileGiveTheSameTensors() throws {
    let one = try WeightFiles(of: folder(Golden.directory.appending(path: "opt-published")))
    let several = try WeightFiles(of: folder(Golden.directory.appending(path: "opt-sharded")))
    #expect(one.files.map(\.lastPathComponent) == ["pytorch_model.bin"])
    #expect(several.files.map(\.lastPathComponent) == (1...3).map { "pytorch_model-0000\($0)-of-00003.bin" })
    #expect(Set(one.locations.keys) == Set(several.locations.keys))
    #expect(one.locations.values.allSatisfy { $0.elementType == .float16 && $0.name.hasPrefix("decoder.") })
  }

  /// The same numbers written by Headway as safetensors beside a `.bin` that is no checkpoint: safetensors are read, and the fingerprint of
  /// both forms is the same.
  @Test func safetensorsComeFirstAndFingerprintsAgree() throws {
    let source = try copy("opt-post-norm")
    let before = try LanguageModel.fingerprint(of: folder(source))
    let tensors = try WeightFiles(of: folder(source)).locations.values.sorted { $0.name < $1.name }
    let sources = tensors.map { tensor in
      SafetensorsWriter.Source(name: tensor.name, elementType: tensor.elementType, shape: tensor.shape) { sink in
        try tensor.withBytes { try sink.write($0) }
      }
    }
    try SafetensorsWriter.write(sources, to: source.appending(path: "model.safetensors"))
    try Data("os.system".utf8).write(to: source.appending(path: "pytorch_model.bin"))
    #expect(try LanguageModel.fingerprint(of: folder(source)) == before)
    #expect(message(source) == "loaded")
    try FileManager.default.removeItem(at: source.appending(path: "model.safetensors"))
    #expect(message(source).contains("not a PyTorch checkpoint"))
    try FileManager.default.removeItem(at: source.appending(path: "pytorch_model.bin"))
    #expect(message(source).contains("holds no weights (model.safetensors, model.safetensors.index.json, pytorch_model.bin, "))
  }

  @Test(arguments: ["../pytorch_model.bin", "/etc/passwd", "a/b.bin", ".."]) func pathsInAnIndexStayInTheFolder(name: String) throws {
    let source = try copy("opt-sharded")
    let index = source.appending(path: "pytorch_model.bin.index.json")
    let text = try String(contentsOf: index, encoding: .utf8)
    try text.replacingOccurrences(of: "pytorch_model-00002-of-00003.bin", with: name).write(to: index, atomically: true, encoding: .utf8)
    #expect(message(source).contains("names '\(name)', which lies outside the model's folder"))
  }

  @Test func parametersKeepBothTheirNames() throws {
    let published = try Golden("opt-published").model(.float32).decoder
    let own = try Golden("opt-no-final-norm").model(.float32).decoder
    #expect(published.parameters.allSatisfy { $0.name == "model." + $0.storedName && $0.storedName.hasPrefix("decoder.") })
    #expect(own.parameters.allSatisfy { $0.name == $0.storedName && $0.name.hasPrefix("model.decoder.") })
    // What was read under the one name can be written under it again: every name of the file is some parameter's.
    let files = try WeightFiles(of: folder(Golden.directory.appending(path: "opt-published")))
    #expect(Set(published.parameters.map(\.storedName)) == Set(files.locations.keys))
  }

  @Test func aTableOfNamesReadsBackWhatItWrites() {
    let table = NameTable(["model.decoder.": "decoder.", "lm_head.": "head."])
    for (name, stored) in [
      ("model.decoder.layers.0.fc1.weight", "decoder.layers.0.fc1.weight"), ("lm_head.weight", "head.weight"), ("other", "other"),
    ] {
      #expect(table.storedName(of: name) == stored)
      #expect(table.name(ofStored: stored) == name)
    }
  }

  @Test func samplesEndWhereLearnedPositionsDo() throws {
    let decoder = try Golden("opt-published").model(.float32).decoder
    let limit = decoder.shape.maximumPositions
    #expect(decoder.shape.positionsEnd)
    func run(_ count: Int) throws {
      let sample = TokenizedSample(tokens: Array(repeating: 3, count: count), promptLength: 1, index: 0)
      _ = try withoutGradients { try decoder.hiddenStates(of: ForwardPass(PackedBatch([sample]), on: .cpu)) }
    }
    try run(limit)
    let error = #expect(throws: ModelError.self) { try run(limit + 1) }
    #expect(error?.description.contains("\(limit + 1) tokens, but the model has positions for \(limit)") == true)
  }

  @Test(
    arguments: [
      ("hidden_size", 18 as any Sendable), ("ffn_dim", -1), ("max_position_embeddings", 1 << 40), ("word_embed_proj_dim", 0),
      ("activation_function", "quantum"), ("do_layer_norm_before", "no"), ("quantization_config", ["bits": 8]),
    ] as [(String, any Sendable)]) func configurationsThatCannotBe(key: String, value: any Sendable) throws
  {
    let source = try copy("opt-published")
    let file = source.appending(path: "config.json")
    var object = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    object[key] = value
    try JSONSerialization.data(withJSONObject: object).write(to: file)
    let text = message(source)
    #expect(text.contains("config.json"), "\(key): \(text)")
    #expect(text != "loaded")
  }

  @Test func tensorsThatDoNotFitAreToldByTheirStoredNames() throws {
    let source = try copy("opt-published")
    let file = source.appending(path: "config.json")
    var object = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    object["num_hidden_layers"] = 1
    try JSONSerialization.data(withJSONObject: object).write(to: file)
    #expect(message(source).contains("not part of this architecture: 'decoder.layers.1."))
  }
}
