import Ground
import CheckpointFiles
import Foundation
import Goldens
import LanguageModels
import Testing
import Torch

/// What a folder may have wrong with it, and the sentence that tells.
@Suite struct ModelFolderTests {
  /// A copy of a good folder that a test may spoil.
  private func copy(_ name: String = "llama-sharded") throws -> URL {
    let target = FileManager.default.temporaryDirectory.appending(path: "model-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: Golden.directory.appending(path: name), to: target)
    return target
  }

  private func message(_ folder: URL) -> String {
    do {
      _ = try LanguageModel(ModelFolder(named: folder.path(percentEncoded: false)))
      return "loaded"
    } catch { return "\(error)" }
  }

  private func edit(_ file: URL, _ change: (inout [String: Any]) -> Void) throws {
    var object = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    change(&object)
    try JSONSerialization.data(withJSONObject: object).write(to: file)
  }

  @Test func theCopyLoads() throws { #expect(message(try copy()) == "loaded") }

  @Test func missingFolder() {
    #expect(message(URL(filePath: "/nowhere/at/all")).contains("there is no folder"))
    #expect(throws: ModelError.self) { try ModelFolder(named: "owner/name", environment: ["HF_HUB_CACHE": "/nowhere"]) }
    let error = #expect(throws: ModelError.self) { try ModelFolder(named: "owner/name", environment: ["HF_HUB_CACHE": "/nowhere"]) }
    #expect(error?.description.contains("hf download owner/name") == true)
  }

  @Test func hubNamesAreFoundInTheCache() throws {
    let hub = FileManager.default.temporaryDirectory.appending(path: "hub-\(UUID().uuidString)")
    let repository = hub.appending(path: "models--owner--name")
    try FileManager.default.createDirectory(at: repository.appending(path: "refs"), withIntermediateDirectories: true)
    try FileManager.default.createDirectory(at: repository.appending(path: "snapshots"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(at: Golden.directory.appending(path: "llama-plain"), to: repository.appending(path: "snapshots/abc"))
    try Data("abc\n".utf8).write(to: repository.appending(path: "refs/main"))
    let folder = try ModelFolder(named: "owner/name", environment: ["HF_HUB_CACHE": hub.path(percentEncoded: false)])
    #expect(folder.contains("config.json"))
  }

  @Test func missingShard() throws {
    let folder = try copy()
    let shard = try #require(
      FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false)).first { $0.hasPrefix("model-") })
    try FileManager.default.removeItem(at: folder.appending(path: shard))
    #expect(message(folder).contains("names the weight file '\(shard)', which is not there"))
  }

  @Test(arguments: ["../model.safetensors", "/etc/passwd", "a/b.safetensors", "..", ""]) func pathsInAnIndexStayInTheFolder(name: String)
    throws
  {
    let folder = try copy()
    try edit(folder.appending(path: "model.safetensors.index.json")) { index in
      var map = index["weight_map"] as? [String: String] ?? [:]
      if let key = map.keys.sorted().first { map[key] = name }
      index["weight_map"] = map
    }
    #expect(message(folder).contains("lies outside the model's folder"))
  }

  @Test func truncatedWeights() throws {
    let folder = try copy("llama-plain")
    let file = folder.appending(path: "model.safetensors")
    let data = try Data(contentsOf: file)
    for length in [0, 4, 8, 100, data.count - 1] {
      try data.prefix(length).write(to: file)
      let text = message(folder)
      #expect(text.contains("model.safetensors") && !text.contains("\n"), "\(length): \(text)")
    }
    var absurd = data
    absurd.replaceSubrange(0..<8, with: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])
    try absurd.write(to: file)
    #expect(message(folder).contains("model.safetensors"))
  }

  @Test func unknownArchitecture() throws {
    let folder = try copy()
    try edit(folder.appending(path: "config.json")) { $0["architectures"] = ["BertModel"] }
    let text = message(folder)
    #expect(text.contains("'BertModel'") && text.contains("LlamaForCausalLM"))
  }

  @Test func tensorsThatDoNotFit() throws {
    let folder = try copy("llama-plain")
    let config = folder.appending(path: "config.json")
    try edit(config) { $0["num_hidden_layers"] = 1 }
    #expect(message(folder).contains("not part of this architecture: 'model.layers.1."))
    try edit(config) { $0["num_hidden_layers"] = 4 }
    #expect(message(folder).contains("missing: 'model.layers.3."))
    try edit(config) {
      $0["num_hidden_layers"] = 3
      $0["vocab_size"] = 7
    }
    #expect(message(folder).contains("instead of [7, "))
  }

  @Test(
    arguments: [
      ("hidden_size", "x" as any Sendable), ("hidden_size", -1), ("hidden_size", 1e30), ("hidden_size", true), ("num_attention_heads", 0),
      ("num_key_value_heads", 3), ("head_dim", 5), ("rms_norm_eps", "small"), ("vocab_size", 1 << 40), ("num_hidden_layers", 1 << 40),
      ("hidden_act", "quantum"), ("rope_parameters", ["rope_type": "yarn", "factor": 2.0] as [String: any Sendable]),
      ("rope_parameters", ["rope_type": "linear", "factor": 0] as [String: any Sendable]), ("quantization_config", ["bits": 4]),
    ] as [(String, any Sendable)]) func configurationsThatCannotBe(key: String, value: any Sendable) throws
  {
    let folder = try copy("llama-plain")
    try edit(folder.appending(path: "config.json")) { $0[key] = value }
    let text = message(folder)
    #expect(text.contains("config.json"), "\(key): \(text)")
    #expect(text != "loaded")
  }

  @Test func noJSON() throws {
    let folder = try copy("llama-plain")
    try Data("{".utf8).write(to: folder.appending(path: "config.json"))
    #expect(message(folder).contains("is not a JSON object"))
  }

  /// Configurations cut and changed at random end in a sentence or in a model, never in a crash.
  @Test func fuzzedConfigurations() throws {
    let folder = try copy("llama-rope-llama3")
    let file = folder.appending(path: "config.json")
    let data = try Data(contentsOf: file)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var changed = data.prefix(Bool.random(using: &generator) ? data.count : Int.random(in: 0..<data.count, using: &generator))
      for _ in 0..<Int.random(in: 0...4, using: &generator) where !changed.isEmpty {
        changed[changed.startIndex + Int.random(in: 0..<changed.count, using: &generator)] = UInt8.random(in: 32...126, using: &generator)
      }
      try changed.write(to: file)
      #expect(!message(folder).isEmpty)
    }
  }

  @Test func fingerprintsChangeWithWeightsAndConfiguration() throws {
    let folder = try copy("llama-plain")
    func fingerprint() throws -> String { try LanguageModel.fingerprint(of: ModelFolder(named: folder.path(percentEncoded: false))) }
    let before = try fingerprint()
    #expect(try fingerprint() == before)
    let file = folder.appending(path: "model.safetensors")
    var data = try Data(contentsOf: file)
    data[data.endIndex - 1] ^= 1
    try data.write(to: file)
    let after = try fingerprint()
    #expect(after != before)
    try edit(folder.appending(path: "config.json")) { $0["rms_norm_eps"] = 1e-3 }
    #expect(try fingerprint() != after)
  }

  @Test func weightsStayInTheMappedFile() throws {
    let golden = try Golden("llama-bfloat16")
    let model = try golden.model(.bfloat16)
    #expect(model.decoder.parameters.allSatisfy { $0.tensor.isMapped })
    let half = try LanguageModel(ModelFolder(named: Golden.directory.appending(path: "llama-float16").path(percentEncoded: false)))
    #expect(half.decoder.elementType == .bfloat16)
    #expect(half.notes.count == 1)
  }

  /// Beyond the limit of memory matrices stay in the mapped file in their own type, and the same numbers come out.
  @Test(arguments: ["llama-float16", "llama-bfloat16", "opt-published", "opt-sharded", "gemma-published"])
  func weightsAreConvertedAtUse(name: String) throws {
    let golden = try Golden(name)
    let folder = try ModelFolder(named: golden.folder.path(percentEncoded: false))
    let model = try LanguageModel(folder, elementType: .float32, conversionLimit: 0)
    #expect(model.decoder.elementType == .float32)
    #expect(model.decoder.outputProjection.weight.isMapped)
    for parameter in model.decoder.parameters {
      let isMatrix = parameter.tensor.shape.count == 2 && !parameter.name.contains("embed_positions")
      #expect(parameter.tensor.isMapped == isMatrix && parameter.elementType == .float32, "\(parameter.name)")
    }
    #expect(model.notes.contains { $0.contains("converted to float32 a part at a time") })
    let batch = PackedBatch(golden.samples)
    func logits(_ decoder: any CausalDecoder) throws -> [Float] {
      try withoutGradients { try decoder.logits(of: decoder.hiddenStates(of: ForwardPass(batch, on: .cpu))).floats() }
    }
    let found = try logits(model.decoder)
    #expect(relativeDistance(found, try golden.file.floats("logits")) < 1e-4)
    #expect(try found == logits(golden.model(.float32).decoder))
    let half = try LanguageModel(folder, elementType: .bfloat16, conversionLimit: 0)
    #expect(try logits(half.decoder) == logits(golden.model(.bfloat16).decoder))
  }

  /// Sums, keys and values computed in two passes equal those of one pass.
  @Test(arguments: [
    "llama-grouped-tied", "llama-rope-llama3", "mistral-sliding", "opt-published", "opt-post-norm", "olmo2-grouped", "gpt2-scaled",
  ])
  func cachedPassesContinue(name: String) throws {
    let golden = try Golden(name)
    let decoder = try golden.model(.float32).decoder
    let sample = try #require(golden.samples.max { $0.tokens.count < $1.tokens.count })
    try withoutGradients {
      let whole = try decoder.hiddenStates(of: ForwardPass(PackedBatch([sample]), on: .cpu)).floats()
      let count = sample.tokens.count
      let cache = try KeyValueCache(decoder, slots: 1, capacity: count)
      var last: [Float] = []
      for range in [0..<count / 2, count / 2..<count - 1, count - 1..<count] {
        last = try decoder.extend(cache, by: [.init(slot: 0, tokens: Array(sample.tokens[range]))], rows: Array(0..<range.count)).floats()
      }
      #expect(relativeDistance(last, Array(whole.suffix(last.count))) < 1e-5)
    }
  }
}
