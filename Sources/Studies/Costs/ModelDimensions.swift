import FineTuning
import Ground
public import LanguageModels

/// The sizes of a model that operations, bytes and memory are counted from: known from its configuration alone.
public struct ModelDimensions: Sendable, Hashable, Codable {
  /// Layers L.
  public var layers: Int
  /// Query heads H of a layer.
  public var heads: Int
  /// Key and value heads of a layer.
  public var keyValueHeads: Int
  /// Values of a head, D.
  public var headDimension: Int
  /// The width of the residual stream.
  public var hiddenSize: Int
  /// The width inside the feed-forward part.
  public var intermediateSize: Int
  /// Rows of the embedding, V.
  public var vocabularySize: Int
  /// Learned positions; 0 for rotary ones.
  public var learnedPositions = 0
  /// Whether the vocabulary projection is the embedding.
  public var isTied = false
  /// Whether the feed-forward part has three matrices (gated) or two.
  public var isGated = true
  /// Whether linear layers and normalisations have biases.
  public var hasBiases = false
  /// Bytes of a weight as the model is stored.
  public var storedWidth = 2

  /// The sizes in a model folder's `config.json`. Weights need not be there.
  public init(of folder: ModelFolder) throws {
    let file = try ModelConfiguration(of: folder)
    let type = try file.optionalString("model_type") ?? ""
    // GPT-2 has names of its own.
    func size(_ key: String, or other: String, limit: Int = 1 << 24) throws -> Int {
      try file.size(file.optionalInteger(key) == nil && file.optionalInteger(other) != nil ? other : key, limit: limit)
    }
    hiddenSize = try size("hidden_size", or: "n_embd")
    layers = try size("num_hidden_layers", or: "n_layer", limit: 4096)
    heads = try size("num_attention_heads", or: "n_head", limit: 4096)
    keyValueHeads = try file.optionalInteger("num_key_value_heads") ?? heads
    headDimension = try file.optionalInteger("head_dim") ?? (type == "gemma" ? 256 : max(1, hiddenSize / max(1, heads)))
    vocabularySize = try file.size("vocab_size")
    switch type {
    case "opt":
      intermediateSize = try file.size("ffn_dim")
      learnedPositions = try file.integer("max_position_embeddings") + 2
    case "gpt2":
      intermediateSize = try file.optionalInteger("n_inner") == nil ? 4 * hiddenSize : file.size("n_inner")
      learnedPositions = try size("max_position_embeddings", or: "n_positions")
    default: intermediateSize = try file.size("intermediate_size")
    }
    hasBiases = ["opt", "gpt2", "gpt_neox"].contains(type)
    isGated = !hasBiases
    isTied = try file.boolean("tie_word_embeddings", default: ["opt", "gpt2", "gemma"].contains(type))
    let stored = try file.optionalString("dtype") ?? file.optionalString("torch_dtype")
    storedWidth = stored == "float32" ? 4 : 2
  }

  init(
    layers: Int, heads: Int, keyValueHeads: Int, headDimension: Int, hiddenSize: Int, intermediateSize: Int, vocabularySize: Int,
    learnedPositions: Int = 0, isTied: Bool = false, isGated: Bool = true, hasBiases: Bool = false
  ) {
    (self.layers, self.heads, self.keyValueHeads, self.headDimension) = (layers, heads, keyValueHeads, headDimension)
    (self.hiddenSize, self.intermediateSize, self.vocabularySize) = (hiddenSize, intermediateSize, vocabularySize)
    (self.learnedPositions, self.isTied, self.isGated, self.hasBiases) = (learnedPositions, isTied, isGated, hasBiases)
  }

  /// Weights of a layer's matrices, by which a token is multiplied.
  var matrixWeights: Int {
    let attention = hiddenSize * headDimension * (2 * heads + 2 * keyValueHeads)
    return layers * (attention + (isGated ? 3 : 2) * hiddenSize * intermediateSize)
  }

  /// Weights of the adapters of a training; layers that the model does not have give none.
  func adapterWeights(_ lowRank: LowRankSettings) -> Int {
    let (attention, keyValue) = (heads * headDimension, keyValueHeads * headDimension)
    let feedForward = hiddenSize + intermediateSize
    var sizes = ["q_proj": hiddenSize + attention, "k_proj": hiddenSize + keyValue, "v_proj": hiddenSize + keyValue]
    sizes[isGated ? "o_proj" : "out_proj"] = hiddenSize + attention
    for name in isGated ? ["gate_proj", "up_proj", "down_proj"] : ["fc1", "fc2"] { sizes[name] = feedForward }
    let targets = lowRank.targets.contains("all-linear") ? Array(sizes.keys) : lowRank.targets
    return layers * lowRank.rank * targets.reduce(0) { $0 + (sizes[$1] ?? 0) }
  }

  /// All weights, exact for Llama, Gemma, Mistral, OPT, GPT-2 and GPT-NeoX.
  public var parameters: Int {
    let embedding = vocabularySize * hiddenSize
    let norms = (2 * layers + 1) * hiddenSize * (hasBiases ? 2 : 1)
    let biases = hasBiases ? layers * (headDimension * (heads + 2 * keyValueHeads) + 2 * hiddenSize + intermediateSize) : 0
    return matrixWeights + norms + biases + embedding * (isTied ? 1 : 2) + learnedPositions * hiddenSize
  }
}

/// A model as it is published, for plans made where it is not at hand.
public enum PublishedShape {
  /// The names.
  public static var names: [String] { all.map(\.name) }

  /// The shape of this name, whatever its case.
  public static func named(_ name: String) -> ModelDimensions? { all.first { $0.name == name.lowercased() }?.shape }

  private static let all: [(name: String, shape: ModelDimensions)] = [
    (
      "llama-7b",
      ModelDimensions(
        layers: 32, heads: 32, keyValueHeads: 32, headDimension: 128, hiddenSize: 4096, intermediateSize: 11008, vocabularySize: 32000)
    ),
    (
      "llama2-7b",
      ModelDimensions(
        layers: 32, heads: 32, keyValueHeads: 32, headDimension: 128, hiddenSize: 4096, intermediateSize: 11008, vocabularySize: 32000)
    ),
    (
      "llama3-8b",
      ModelDimensions(
        layers: 32, heads: 32, keyValueHeads: 8, headDimension: 128, hiddenSize: 4096, intermediateSize: 14336, vocabularySize: 128_256)
    ),
    (
      "gemma-7b",
      ModelDimensions(
        layers: 28, heads: 16, keyValueHeads: 16, headDimension: 256, hiddenSize: 3072, intermediateSize: 24576, vocabularySize: 256_000,
        isTied: true)
    ),
    (
      "opt-6.7b",
      ModelDimensions(
        layers: 32, heads: 32, keyValueHeads: 32, headDimension: 128, hiddenSize: 4096, intermediateSize: 16384, vocabularySize: 50272,
        learnedPositions: 2050, isTied: true, isGated: false, hasBiases: true)
    ),
  ]
}
