import CheckpointFiles
import Foundation
import Goldens
import Ground
import StrictJSON
import Testing
import Torch

@testable import LanguageModels

/// What becomes of every key of a `config.json`, held against transformers' configuration classes and against what its models do with each key
/// (scripts/goldens/configurations.py).
@Suite struct ConfigurationTests {
  /// One family as transformers has it.
  struct Family {
    var type: String
    var architecture: Architecture
    var defaults: [String: JSONValue]
    var notNull: Set<String>
    /// What other values than the base model's do: none, numbers, shapes or error.
    var effects: [String: String]
    /// What every class takes besides its own keys.
    var shared: Set<String>
  }

  static let types = [
    "llama", "gemma", "mistral", "qwen2", "qwen3", "olmo2", "opt", "gpt2", "gpt_neox", "smollm3", "phi3", "gemma2", "gemma3_text",
  ]

  private static func family(_ type: String) throws -> Family {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/configurations", withExtension: "json"))
    let golden = try JSONParser().parse(Data(contentsOf: url))
    func field(_ value: JSONValue?, _ name: String) throws -> JSONValue { try #require(value?.object?[name]) }
    func fields(_ value: JSONValue?) throws -> [String: JSONValue] {
      Dictionary(try #require(value?.object).fields.map { ($0.name, $0.value) }) { first, _ in first }
    }
    func texts(_ value: JSONValue?) throws -> Set<String> { Set(try #require(value?.list).compactMap(\.string)) }
    let described = try field(field(golden, "families"), type)
    let shared = try fields(field(golden, "shared"))
    let name = try #require(field(described, "architecture").string)
    return Family(
      type: type, architecture: try #require(Architecture.registry.first { $0.names.contains(name) }),
      defaults: try fields(field(described, "defaults")), notNull: try texts(field(described, "not_null")),
      effects: try fields(field(described, "effects")).compactMapValues(\.string),
      shared: try shared.values.reduce(into: []) { try $0.formUnion(texts($1)) })
  }

  /// Read although transformers' model does not compute with them: they end samples, choose the decoder or are checked against other keys.
  static let notComputedWith: Set<String> = ["eos_token_id", "architectures", "model_type", "layer_types", "hidden_activation"]

  @Test func everyFamilyIsHeldAgainstTransformers() throws {
    #expect(Set(Architecture.registry.flatMap(\.modelTypes)) == Set(Self.types))
    #expect(try Set(Self.types.map { try Self.family($0).architecture.names }) == Set(Architecture.registry.map(\.names)))
  }

  @Test(arguments: types) func keysAndDefaultsAreThoseOfTransformers(type: String) throws {
    let family = try Self.family(type)
    let own = Dictionary(grouping: family.architecture.keys, by: \.name)
    #expect(own.values.allSatisfy { $0.count == 1 }, "a key is listed twice")
    for (key, value) in family.defaults {
      let known = try #require(own[key]?.first ?? ConfigurationKey.shared.first { $0.name == key }, "\(key)")
      let same = known.fallback == value || (known.fallback.double != nil && known.fallback.double == value.double)
      #expect(same, "\(key): \(known.fallback) in place of \(value)")
    }
    // The class has no key of which the list knows nothing, and the list none but the class's, those that its code reads besides, and those without
    // effect that published files hold.
    for (key, listed) in own where family.defaults[key] == nil && !family.shared.contains(key) {
      let hasReason = family.effects[key] != "none" || Self.notComputedWith.contains(key) || listed.allSatisfy { $0.use == .withoutEffect }
      #expect(hasReason, "\(key) is listed for no reason")
    }
    let known = Set(own.keys).union(ConfigurationKey.shared.map(\.name))
    let rotary = Set(ConfigurationKey.rotary.map(\.name))
    for key in family.shared where !known.contains(key) {
      #expect(own["rope_parameters"] == nil && rotary.contains(key), "\(key) is listed nowhere")
    }
  }

  @Test(arguments: types) func whatHasAnEffectIsUsedOrRefused(type: String) throws {
    let family = try Self.family(type)
    let keys = Dictionary((family.architecture.keys + ConfigurationKey.shared).map { ($0.name, $0.use) }) { first, _ in first }
    for (key, effect) in family.effects {
      switch keys[key] {
      case .used: #expect(effect != "none" || Self.notComputedWith.contains(key), "\(key) is read, but has no effect")
      case .withoutEffect, nil: #expect(effect == "none", "\(key) has an effect (\(effect)), but is passed over")
      case .refused: break
      }
    }
  }

  // MARK: - Files

  /// A fixture whose configuration file has these keys besides and lacks another.
  private func folder(_ name: String, _ changes: [String: JSONValue], without removed: String? = nil) throws -> ModelFolder {
    let target = FileManager.default.temporaryDirectory.appending(path: "configuration-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: Golden.directory.appending(path: name), to: target)
    let file = target.appending(path: "config.json")
    var object = try #require(JSONParser().parse(Data(contentsOf: file)).object)
    for (key, value) in changes { object[key] = value }
    if let removed { object[removed] = nil }
    try Data(JSONValue.object(object).jsonText.utf8).write(to: file)
    return try ModelFolder(named: target.path(percentEncoded: false))
  }

  private func understood(_ name: String, _ changes: [String: JSONValue], without removed: String? = nil) throws -> ModelConfiguration {
    let file = try ModelConfiguration(of: folder(name, changes, without: removed))
    return try Architecture.named(in: file, model: name).understand(file).configuration
  }

  private static let fixtures = [
    "llama": "llama-plain", "gemma": "gemma-multi-query", "mistral": "mistral-sliding", "qwen2": "qwen2-sliding", "qwen3": "qwen3-tied",
    "olmo2": "olmo2-grouped", "opt": "opt-untied", "gpt2": "gpt2-untied", "gpt_neox": "gpt-neox-sequential",
    "smollm3": "smollm3-listed", "phi3": "phi3-window", "gemma2": "gemma2-published", "gemma3_text": "gemma3-published",
  ]

  /// A file that leaves a key out means what one means that spells the default out.
  @Test(arguments: types) func missingKeysMeanTheDefaults(type: String) throws {
    let family = try Self.family(type)
    let fixture = try #require(Self.fixtures[type])
    for (key, value) in family.defaults {
      let missing = try understood(fixture, [:], without: key)
      let known = try #require((family.architecture.keys + ConfigurationKey.shared).first { $0.name == key })
      guard known.use == .used else { continue }
      let spelled = try understood(fixture, [key: value])
      #expect(
        missing.value(key)?.double == spelled.value(key)?.double && missing.value(key)?.string == spelled.value(key)?.string, "\(key)")
      #expect(!missing.states(key) && spelled.states(key))
    }
  }

  @Test(arguments: types) func nullIsRefusedWhereTransformersRefusesIt(type: String) throws {
    let family = try Self.family(type)
    let fixture = try #require(Self.fixtures[type])
    for key in family.notNull where family.effects[key] != "none" {
      let model = try folder(fixture, [key: .null])
      let error = #expect(throws: ModelError.self, "\(key)") { try LanguageModel(model) }
      #expect(error?.description.contains("config.json: '\(key)' must be given, not null") == true, "\(String(describing: error))")
    }
  }

  @Test(
    arguments: [
      ("llama-plain", ["is_causal": false], "attention to later tokens (is_causal false)"),
      ("gemma-multi-query", ["use_bidirectional_attention": true], "attention to later tokens (use_bidirectional_attention)"),
      ("llama-plain", ["use_bidirectional_attention": true], "attention to later tokens"),
      ("opt-untied", ["is_causal": false], "attention to later tokens"),
      ("llama-rope-linear", ["rope_scaling": ["rope_type": "yarn", "factor": 4.0]], "rotary positions twice"),
      ("llama-rope-linear", ["rope_scaling": ["type": "linear", "factor": 4.0]], "rotary positions twice"),
      ("llama-plain", ["rope_parameters": ["full_attention": ["rope_type": "default"]]], "that differ between layers ('full_attention'"),
      ("llama-plain", ["rope_parameters": ["rope_type": "default", "partial_rotary_factor": 0.5]], "a part of each head"),
      ("llama-plain", ["partial_rotary_factor": 0.5], "a part of each head"),
      ("llama-plain", ["per_layer_config": ["1": ["intermediate_size": 8]]], "layers of different shapes"),
      ("llama-plain", ["layer_types": ["full_attention", "sliding_attention", "full_attention"]], "other attention in single layers"),
      ("mistral-sliding", ["layer_types": ["full_attention", "sliding_attention"]], "other attention in single layers"),
      ("opt-untied", ["layer_types": ["full_attention", "sliding_attention"]], "other attention in single layers"),
      ("qwen2-layer-types", ["use_sliding_window": false], "without 'sliding_attention'"),
      (
        "qwen2-layer-types", ["layer_types": ["linear_attention", "full_attention", "full_attention"]], "layers of type 'linear_attention'"
      ),
      ("mistral-sliding", ["sliding_window": 0], "'sliding_window' must be at least 1"),
      ("gemma-published", ["hidden_activation": "relu"], "'hidden_activation' must be 'gelu_pytorch_tanh'"),
      ("gpt2-untied", ["add_cross_attention": true], "attention to an encoder (add_cross_attention)"),
      ("gpt-neox-sequential", ["head_dim": 16], "heads of another width"),
      ("gpt-neox-published", ["rotary_pct": 0.4], "rotary positions on 3 of a head's 8 values"),
      ("gpt-neox-published", ["rotary_pct": 1.5], "'rotary_pct' must be above 0 and at most 1"),
      ("smollm3-listed", ["no_rope_layers": [1]], "'no_rope_layers' must be a list of at least 2 numbers"),
      (
        "phi3-longrope", ["rope_scaling": ["type": "longrope", "short_factor": [1], "long_factor": [1, 2]]],
        "'rope_scaling.short_factor' must be a list of 2"
      ),
      ("gemma2-published", ["attn_logit_softcapping": 0], "'attn_logit_softcapping' must be greater than 0, or null for none"),
      ("gemma3-defaults", ["rope_parameters": ["rope_type": "default"]], "rotary positions that do not say which layers they are for"),
      ("gemma3-defaults", ["sliding_window": .null], "'sliding_window' must be given, for the layers that have one"),
      ("llama-plain", ["quantization_config": ["bits": 4]], "quantised weights"),
      ("llama-plain", ["transformers_weights": "other.safetensors"], "a file of another name"),
      ("llama-plain", ["rms_norm_eps": "NaN"], "'rms_norm_eps' must be a number"),
    ] as [(String, [String: JSONValue], String)])
  func whatHeadwayDoesNotComputeIsRefused(name: String, changes: [String: JSONValue], sentence: String) throws {
    let model = try folder(name, changes)
    let error = #expect(throws: ModelError.self) { try LanguageModel(model) }
    #expect(
      error?.description.contains("config.json") == true && error?.description.contains(sentence) == true, "\(String(describing: error))")
  }

  @Test(
    arguments: [
      ("llama-plain", ["is_causal": true, "partial_rotary_factor": 1, "per_layer_config": [:], "rope_scaling": .null]),
      ("llama-plain", ["layer_types": ["full_attention", "attention", "full_attention"], "rope_scaling": [:]]),
      ("mistral-sliding", ["layer_types": ["sliding_attention", "sliding_attention"]]),
      ("gemma-published", ["hidden_activation": "gelu_pytorch_tanh", "use_bidirectional_attention": false]),
      ("llama-plain", ["_name_or_path": "somewhere", "temperature": 0.6, "torch_dtype": "float32", "pretraining_tp": 2]),
    ] as [(String, [String: JSONValue])]) func whatChangesNothingIsPassedInSilence(name: String, changes: [String: JSONValue]) throws
  {
    #expect(try LanguageModel(folder(name, changes)).notes.isEmpty)
  }

  @Test func whatNoListNamesIsPassedOverWithANote() throws {
    let model = try LanguageModel(folder("llama-plain", ["rope_interleaved": false, "is_llama_config": true, "unused": .null]))
    #expect(model.notes == ["LlamaForCausalLM knows no 'is_llama_config', 'rope_interleaved' in a config.json; passed over"])
    let scaled = try Golden("llama-rope-dynamic-original").model(.float32)
    #expect(
      scaled.notes.count == 1 && scaled.notes[0].hasPrefix("'original_max_position_embeddings' in config.json has no effect on rotary"))
    // Mistral reads no biases, whatever the file says.
    #expect(try LanguageModel(folder("mistral-full", ["attention_bias": true])).notes.count == 1)
  }

  @Test func tablesThatDifferAreBothUsed() throws {
    let model = try Golden("llama-tied-but-different").model(.float32)
    #expect(model.notes.contains { $0.contains("'lm_head.weight' differs from the embedding") })
    #expect(model.decoder.parameters.contains { $0.name == "lm_head.weight" })
    #expect(try Golden("llama-tied-as-lm-head").model(.float32).notes.isEmpty)
  }

  /// float16 is never computed in unless somebody asks for it on a device that can.
  @Test func halfPrecisionIsComputedInBfloat16() throws {
    let model = try LanguageModel(ModelFolder(named: Golden("llama-float16").folder.path(percentEncoded: false)))
    #expect(model.decoder.elementType == .bfloat16)
    #expect(model.notes.contains { $0.contains("float16 is computed in bfloat16") })
    for device in [Device.cpu, .cuda(0), .mps] {
      #expect(LanguageModel.computeType(asked: nil, stored: .float16, device: device).type == .bfloat16)
      #expect(LanguageModel.computeType(asked: .float32, stored: .float16, device: device).type == .float32)
      #expect(LanguageModel.computeType(asked: nil, stored: .float32, device: device).note == nil)
    }
    #expect(LanguageModel.computeType(asked: .float16, stored: .float16, device: .cpu).type == .bfloat16)
    #expect(LanguageModel.computeType(asked: .float16, stored: .bfloat16, device: .cuda(0)).type == .float16)
  }

  /// Python writes NaN where a number is none.
  @Test func numbersAreFinite() throws {
    let model = try folder("llama-plain", [:])
    for (text, isRead) in [("NaN", false), ("Infinity", false), ("1e-5", true)] {
      let file = try String(contentsOf: Golden.directory.appending(path: "llama-plain/config.json"), encoding: .utf8)
      try file.replacing(#/"rms_norm_eps": [^,]*/#, with: "\"rms_norm_eps\": \(text)").write(
        to: model.file("config.json"), atomically: true, encoding: .utf8)
      #expect(((try? LanguageModel(model)) != nil) == isRead, "\(text)")
    }
  }

  /// Nesting once cost time that doubled with every level.
  @Test func nestedFilesEndSoon() throws {
    let folder = try folder("llama-plain", [:])
    for text in [
      String(repeating: "[", count: 16_000), "{\"a\":" + String(repeating: "[", count: 8000) + String(repeating: "]", count: 8000) + "}",
    ] {
      try Data(text.utf8).write(to: folder.file("config.json"))
      let error = #expect(throws: ModelError.self) { try LanguageModel(folder) }
      #expect(error?.description.contains("is not a JSON object") == true)
    }
  }
}
