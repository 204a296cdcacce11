import Ground
import Torch

/// One architecture: the names by which a `config.json` asks for it, the keys that it knows, and how its decoder is built.
public struct Architecture: Sendable {
  /// Entries of `architectures`.
  let names: [String]
  /// Values of `model_type`.
  let modelTypes: [String]
  /// The keys of its configuration class; those of `ConfigurationKey.shared` come besides.
  let keys: [ConfigurationKey]
  /// Builds the decoder from the configuration and the weights; the text names the model in errors.
  let build: @Sendable (ModelConfiguration, WeightLoader, String) throws -> any CausalDecoder

  init(
    names: [String], modelTypes: [String], keys: [ConfigurationKey],
    build: @escaping @Sendable (ModelConfiguration, WeightLoader, String) throws -> any CausalDecoder
  ) {
    self.names = names
    self.modelTypes = modelTypes
    self.keys = keys
    self.build = build
  }

  /// All that Headway knows: a new architecture is one line here and one file beside this one.
  static let registry: [Architecture] = [
    Llama.architecture,
    Gemma.architecture,
    Mistral.architecture,
    Qwen2.architecture,
    Qwen3.architecture,
    OPT.architecture,
    Olmo2.architecture,
    GPT2.architecture,
    GPTNeoX.architecture,
    SmolLM3.architecture,
    Phi3.architecture,
    Gemma2.architecture,
    Gemma3.architecture,
  ]

  /// The names of all architectures that a configuration may ask for.
  public static var knownNames: [String] { registry.flatMap(\.names) }

  /// The architecture that a configuration asks for.
  static func named(in configuration: ModelConfiguration, model: String) throws -> Architecture {
    let names = try configuration.optionalStrings("architectures") ?? []
    let type = try configuration.optionalString("model_type")
    if let found = registry.first(where: { !Set($0.names).isDisjoint(with: names) }) { return found }
    if names.isEmpty, let type, let found = registry.first(where: { $0.modelTypes.contains(type) }) { return found }
    let asked = names.isEmpty ? type.map { "model_type '\($0)'" } ?? "no architecture" : names.map { "'\($0)'" }.joined(separator: ", ")
    throw ModelError(
      "\(model)/config.json asks for \(asked), which Headway does not know; it knows \(knownNames.joined(separator: ", "))")
  }

  /// The configuration as this architecture understands it, and what is to be told about it.
  func understand(_ file: ModelConfiguration) throws -> (configuration: ModelConfiguration, notes: [String]) {
    let (configuration, passedOver) = try file.understood(by: keys + ConfigurationKey.shared)
    var notes: [String] = []
    func list(_ keys: [String]) -> String { keys.map { "'\($0)'" }.joined(separator: ", ") }
    if !passedOver.isEmpty { notes.append("\(names.first ?? "the model") knows no \(list(passedOver)) in a config.json; passed over") }
    let idle = try RotaryEmbedding.keysWithoutEffect(in: configuration)
    if !idle.isEmpty { notes.append("\(list(idle)) in config.json has no effect on rotary positions of this type; passed over") }
    return (configuration, notes)
  }
}

extension RotaryTransformer.Plan {
  /// What the configurations of Llama's relatives have in common.
  /// - Parameters:
  ///   - configuration: of the model.
  ///   - activation: the feed-forward layers' function, where it is not `hidden_act`.
  ///   - sliding: which layers have a sliding window where `layer_types` does not say it, for architectures that choose by layer.
  ///   - positions: gives each layer's rotary positions by the width of a head, the most positions and each layer's window, where they are not
  ///     the same in all layers or are spelt otherwise than Llama's.
  init(
    published configuration: ModelConfiguration, activation: String? = nil, sliding: ((Int) -> Bool)? = nil,
    positions: ((_ headDimension: Int, _ maximumPositions: Int, _ windows: [Int?]) throws -> [RotaryEmbedding?])? = nil
  ) throws {
    let hidden = try configuration.size("hidden_size")
    let heads = try configuration.size("num_attention_heads", limit: 4096)
    let keyValueHeads = try configuration.optionalInteger("num_key_value_heads") ?? heads
    guard keyValueHeads > 0, heads.isMultiple(of: keyValueHeads) else {
      throw configuration.wrong("num_key_value_heads", "a divisor of num_attention_heads \(heads)")
    }
    let headDimension: Int
    if try configuration.optionalInteger("head_dim") != nil {
      headDimension = try configuration.size("head_dim", limit: 1 << 16)
    } else {
      guard hidden.isMultiple(of: heads) else { throw configuration.wrong("hidden_size", "a multiple of num_attention_heads \(heads)") }
      headDimension = hidden / heads
    }
    let layers = try configuration.size("num_hidden_layers", limit: 4096)
    let maximumPositions = try configuration.integer("max_position_embeddings")
    guard maximumPositions > 0 else { throw configuration.wrong("max_position_embeddings", "positive") }
    let name = try activation ?? configuration.string("hidden_act")
    guard let function = Activation(published: name) else { throw configuration.unsupported("the activation '\(name)'") }
    let epsilon = try configuration.double("rms_norm_eps")
    guard epsilon >= 0 else { throw configuration.wrong("rms_norm_eps", "at least 0") }
    let windows: [Int?] = try AttentionWindows.published(in: configuration, layers: layers, sliding: sliding)
    let rotary =
      try positions?(headDimension, maximumPositions, windows)
      ?? Array(
        repeating: try RotaryEmbedding(configuration, headDimension: headDimension, maximumPositions: maximumPositions), count: layers)
    self.init(
      shape: DecoderShape(
        layers: layers, attentionHeads: heads, keyValueHeads: keyValueHeads, headDimension: headDimension, hiddenSize: hidden,
        vocabularySize: try configuration.size("vocab_size"), maximumPositions: maximumPositions, positionsEnd: false,
        positionsStretchBeyond: rotary.compactMap { $0?.stretchesBeyond }.min()),
      intermediateSize: try configuration.size("intermediate_size"), activation: function, epsilon: epsilon,
      tiedEmbeddings: try configuration.boolean("tie_word_embeddings"),
      rotary: rotary,
      windows: windows)
  }
}
