import Ground
import StrictJSON
import Torch

/// GPT-2 (Radford et al. 2019): learned positions, layer normalisation before each part, one layer for queries, keys and values, biases, a
/// feed-forward layer without gates; the weights of linear layers are stored `[inputs, outputs]`.
enum GPT2 {
  static let architecture = Architecture(names: ["GPT2LMHeadModel"], modelTypes: ["gpt2"], keys: keys) { configuration, weights, name in
    // The first releases leave out `transformer.`; transformers writes it.
    let isPublished = weights.contains("wte.weight")
    let named = isPublished ? try weights.renamed(by: publishedNames) : weights
    return try GPT2Decoder(GPT2Plan(configuration), named, name: name)
  }

  /// The decoder's names and those of the published checkpoints.
  static let publishedNames = NameTable(
    ["transformer.wte.": "wte.", "transformer.wpe.": "wpe.", "transformer.h.": "h.", "transformer.ln_f.": "ln_f."])

  // transformers also takes its common names for the first four sizes; they count more where both are there.
  private static let keys: [ConfigurationKey] =
    [
      .used("n_embd", 768), .used("n_layer", 12), .used("n_head", 12), .used("n_positions", 1024),
      .used("hidden_size"), .used("num_hidden_layers"), .used("num_attention_heads"), .used("max_position_embeddings"),
      .used("vocab_size", 50257), .used("n_inner"), .used("activation_function", "gelu_new"), .used("layer_norm_epsilon", 1e-5),
      .used("scale_attn_weights", true), .used("scale_attn_by_inverse_layer_idx", false), .used("tie_word_embeddings", true),
      .used("eos_token_id", 50256, orNull: true),
      .refused("add_cross_attention", false, unless: [false], "attention to an encoder (add_cross_attention)"),
    ]
    + [
      .withoutEffect("bos_token_id", 50256), .withoutEffect("pad_token_id"), .withoutEffect("initializer_range", 0.02),
      .withoutEffect("use_cache", true), .withoutEffect("resid_pdrop", 0.1), .withoutEffect("embd_pdrop", 0.1),
      .withoutEffect("attn_pdrop", 0.1), .withoutEffect("reorder_and_upcast_attn", false), .withoutEffect("n_ctx"),
      .withoutEffect("summary_type", "cls_index"), .withoutEffect("summary_use_proj", true), .withoutEffect("summary_activation"),
      .withoutEffect("summary_proj_to_labels", true), .withoutEffect("summary_first_dropout", 0.1),
    ]
}

/// What a configuration says of a GPT-2 model.
private struct GPT2Plan {
  let shape: DecoderShape
  let intermediateSize: Int
  let activation: Activation
  let epsilon: Double
  let tiedEmbeddings: Bool
  /// For each layer the factor on the products of queries and keys.
  let scales: [Double]

  init(_ configuration: ModelConfiguration) throws {
    func size(_ own: String, _ common: String, limit: Int = 1 << 24) throws -> Int {
      try configuration.size(configuration.optionalInteger(common) == nil ? own : common, limit: limit)
    }
    let hidden = try size("n_embd", "hidden_size")
    let heads = try size("n_head", "num_attention_heads", limit: 4096)
    guard hidden.isMultiple(of: heads) else { throw configuration.wrong("n_embd", "a multiple of n_head \(heads)") }
    shape = DecoderShape(
      layers: try size("n_layer", "num_hidden_layers", limit: 4096), attentionHeads: heads, keyValueHeads: heads,
      headDimension: hidden / heads, hiddenSize: hidden, vocabularySize: try configuration.size("vocab_size"),
      maximumPositions: try size("n_positions", "max_position_embeddings"), positionsEnd: true)
    intermediateSize = try configuration.optionalInteger("n_inner") == nil ? 4 * hidden : configuration.size("n_inner")
    let function = try configuration.string("activation_function")
    guard let activation = Activation(published: function) else { throw configuration.unsupported("the activation '\(function)'") }
    self.activation = activation
    epsilon = try configuration.double("layer_norm_epsilon")
    guard epsilon >= 0 else { throw configuration.wrong("layer_norm_epsilon", "at least 0") }
    tiedEmbeddings = try configuration.boolean("tie_word_embeddings")
    let scale = try configuration.boolean("scale_attn_weights") ? 1 / Double(shape.headDimension).squareRoot() : 1
    let isFallingByLayer = try configuration.boolean("scale_attn_by_inverse_layer_idx")
    scales = (0..<shape.layers).map { isFallingByLayer ? scale / Double($0 + 1) : scale }
    try AttentionWindows.requireNone(in: configuration, layers: shape.layers)
  }
}

/// Causal attention, gated by head; queries, keys and values lie side by side in the output of one layer.
private struct GPT2Attention {
  private let index: Int
  private let shape: DecoderShape
  private let scale: Double
  private let queryKeyValue: Linear
  let output: Linear

  init(_ plan: GPT2Plan, index: Int, _ weights: WeightLoader) throws {
    self.index = index
    shape = plan.shape
    scale = plan.scales[index]
    let hidden = shape.hiddenSize
    queryKeyValue = try Linear(weights["c_attn"], hidden, 3 * hidden, bias: true, transposed: true)
    output = try Linear(weights["c_proj"], hidden, hidden, bias: true, transposed: true)
  }

  /// The heads' gated outputs `[T, H·D]`, before the output projection.
  func heads(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
    let all = try queryKeyValue(x)  // [T, 3·H·D]
    func part(_ number: Int) throws -> Tensor {
      try all.narrowed(1, from: number * shape.hiddenSize, length: shape.hiddenSize)
        .reshaped([-1, shape.attentionHeads, shape.headDimension])
    }
    return try gatedAttention(layer: index, queries: part(0), keys: part(1), values: part(2), scale: scale, window: nil, pass)
  }
}

/// One layer, with its normalisations before its parts.
private struct GPT2Block {
  private let isLast: Bool
  private let attentionNorm: LayerNorm
  private let attention: GPT2Attention
  private let feedForwardNorm: LayerNorm
  private let feedForward: FeedForward

  init(_ plan: GPT2Plan, index: Int, _ weights: WeightLoader) throws {
    isLast = index == plan.shape.layers - 1
    let hidden = plan.shape.hiddenSize
    attentionNorm = try LayerNorm(weights["ln_1"], hidden, epsilon: plan.epsilon)
    attention = try GPT2Attention(plan, index: index, weights["attn"])
    feedForwardNorm = try LayerNorm(weights["ln_2"], hidden, epsilon: plan.epsilon)
    feedForward = try FeedForward(
      first: Linear(weights["mlp"]["c_fc"], hidden, plan.intermediateSize, bias: true, transposed: true),
      second: Linear(weights["mlp"]["c_proj"], plan.intermediateSize, hidden, bias: true, transposed: true), activation: plan.activation)
  }

  func callAsFunction(_ stream: ResidualStream, _ pass: ForwardPass) throws -> ResidualStream {
    var stream = stream
    var heads = try attention.heads(stream.normalized(attentionNorm), pass)
    // After the last attention nothing mixes tokens any more: only the rows that predict a label are needed.
    if isLast, let rows = pass.rows {
      heads = try heads.selecting(rows)
      try stream.select(rows)
    }
    stream.pending = try attention.output(heads)
    stream.pending = try feedForward(stream.normalized(feedForwardNorm))
    return stream
  }
}

/// The decoder of GPT-2.
private final class GPT2Decoder: CausalDecoder {
  let shape: DecoderShape
  let parameters: [Parameter]
  private let tables: VocabularyTables
  private let positions: LearnedPositions
  private let blocks: [GPT2Block]
  private let norm: LayerNorm

  init(_ plan: GPT2Plan, _ weights: WeightLoader, name: String) throws {
    shape = plan.shape
    let hidden = shape.hiddenSize
    let model = weights["transformer"]
    tables = try VocabularyTables(
      weights, model: model, embedding: "wte.weight", [shape.vocabularySize, hidden], tied: plan.tiedEmbeddings)
    positions = try LearnedPositions(model, "wpe.weight", count: shape.maximumPositions, width: hidden)
    blocks = try (0..<shape.layers).map { try GPT2Block(plan, index: $0, model["h.\($0)"]) }
    norm = try LayerNorm(model["ln_f"], hidden, epsilon: plan.epsilon)
    // Old checkpoints carry the causal mask.
    weights.ignore { $0.hasSuffix(".attn.bias") || $0.hasSuffix(".attn.masked_bias") }
    parameters = try weights.finish(model: name)
  }

  var outputProjection: (weight: Tensor, bias: Tensor?) { (tables.head.tensor, nil) }

  func begin(_ pass: inout ForwardPass) throws -> ResidualStream {
    let places = try positions(pass)
    return ResidualStream(try tables.embed(pass.tokens), pending: places)
  }

  func layer(_ index: Int, _ stream: ResidualStream, _ pass: ForwardPass) throws -> ResidualStream {
    guard blocks.indices.contains(index) else {
      throw ModelError("there is no layer \(index); the model's layers go from 0 to \(blocks.count - 1)")
    }
    return try blocks[index](stream, pass)
  }

  func finish(_ stream: ResidualStream) throws -> Tensor {
    var stream = stream
    return try stream.normalized(norm)
  }
}
