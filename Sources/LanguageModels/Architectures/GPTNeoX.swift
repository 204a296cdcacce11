import Ground
import StrictJSON
import Torch

/// GPT-NeoX (Black et al. 2022), of which Pythia is made: attention and feed-forward part both read the stream that enters the layer, rotary
/// positions on a part of each head, one layer for queries, keys and values, which lie side by side head by head.
enum GPTNeoX {
  static let architecture = Architecture(names: ["GPTNeoXForCausalLM"], modelTypes: ["gpt_neox"], keys: keys) {
    configuration, weights, name in
    // Published files call the vocabulary projection embed_out; transformers has renamed it.
    let isPublished = weights.contains("embed_out.weight")
    let named = isPublished ? try weights.renamed(by: publishedNames) : weights
    return try GPTNeoXDecoder(GPTNeoXPlan(configuration), named, name: name)
  }

  /// The decoder's names and those of the published checkpoints.
  static let publishedNames = NameTable(["lm_head.": "embed_out."])

  private static let keys: [ConfigurationKey] = [
    .used("vocab_size", 50432), .used("hidden_size", 6144), .used("intermediate_size", 24576), .used("num_hidden_layers", 44),
    .used("num_attention_heads", 64), .used("hidden_act", "gelu"), .used("max_position_embeddings", 2048),
    .used("layer_norm_eps", 1e-5), .used("tie_word_embeddings", false), .used("use_parallel_residual", true), .used("attention_bias", true),
    .used("rope_parameters"), .used("rope_scaling"), .used("rotary_emb_base"), .used("rotary_pct"),
    .used("original_max_position_embeddings"), .used("eos_token_id", 2, orNull: true),
    .refused("head_dim", unless: [], "heads of another width than hidden_size / num_attention_heads (head_dim)"),
    .withoutEffect("rope_theta"), .withoutEffect("partial_rotary_factor"),
    .withoutEffect("bos_token_id", 0), .withoutEffect("pad_token_id"), .withoutEffect("initializer_range", 0.02),
    .withoutEffect("use_cache", true), .withoutEffect("attention_dropout", 0.0), .withoutEffect("hidden_dropout", 0.0),
    .withoutEffect("classifier_dropout", 0.1), .withoutEffect("is_decoder", false),
  ]
}

/// What a configuration says of a GPT-NeoX model.
private struct GPTNeoXPlan {
  let shape: DecoderShape
  let intermediateSize: Int
  let activation: Activation
  let epsilon: Double
  let tiedEmbeddings: Bool
  /// Whether the feed-forward part reads what attention reads, instead of its sum with what attention gives.
  let isParallel: Bool
  let attentionBias: Bool
  let rotary: RotaryEmbedding

  init(_ configuration: ModelConfiguration) throws {
    let hidden = try configuration.size("hidden_size")
    let heads = try configuration.size("num_attention_heads", limit: 4096)
    guard hidden.isMultiple(of: heads) else { throw configuration.wrong("hidden_size", "a multiple of num_attention_heads \(heads)") }
    let maximumPositions = try configuration.size("max_position_embeddings", limit: .max)
    rotary = try RotaryEmbedding(
      configuration, headDimension: hidden / heads, maximumPositions: maximumPositions,
      keys: RotaryEmbedding.Keys(theta: "rotary_emb_base", share: "rotary_pct", defaultShare: 0.25))
    shape = DecoderShape(
      layers: try configuration.size("num_hidden_layers", limit: 4096), attentionHeads: heads, keyValueHeads: heads,
      headDimension: hidden / heads, hiddenSize: hidden, vocabularySize: try configuration.size("vocab_size"),
      maximumPositions: maximumPositions, positionsEnd: false, positionsStretchBeyond: rotary.stretchesBeyond)
    intermediateSize = try configuration.size("intermediate_size")
    let function = try configuration.string("hidden_act")
    guard let activation = Activation(published: function) else { throw configuration.unsupported("the activation '\(function)'") }
    self.activation = activation
    epsilon = try configuration.double("layer_norm_eps")
    guard epsilon >= 0 else { throw configuration.wrong("layer_norm_eps", "at least 0") }
    tiedEmbeddings = try configuration.boolean("tie_word_embeddings")
    isParallel = try configuration.boolean("use_parallel_residual")
    attentionBias = try configuration.boolean("attention_bias")
    try AttentionWindows.requireNone(in: configuration, layers: shape.layers)
  }
}

/// Causal attention with rotary positions, gated by head.
private struct GPTNeoXAttention {
  private let index: Int
  private let shape: DecoderShape
  private let queryKeyValue: Linear
  let output: Linear

  init(_ plan: GPTNeoXPlan, index: Int, _ weights: WeightLoader) throws {
    self.index = index
    shape = plan.shape
    let hidden = shape.hiddenSize
    queryKeyValue = try Linear(weights["query_key_value"], hidden, 3 * hidden, bias: plan.attentionBias)
    output = try Linear(weights["dense"], hidden, hidden, bias: plan.attentionBias)
  }

  /// The heads' gated outputs `[T, H·D]`, before the output projection.
  func heads(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
    let width = shape.headDimension
    let all = try queryKeyValue(x).reshaped([-1, shape.attentionHeads, 3 * width])  // each head's query, key and value
    let (q, k) = (try all.narrowed(2, from: 0, length: width), try all.narrowed(2, from: width, length: width))
    return try gatedAttention(
      layer: index, queries: pass.rotated(q, layer: index), keys: pass.rotated(k, layer: index),
      values: all.narrowed(2, from: 2 * width, length: width), scale: 1 / Double(width).squareRoot(), window: nil, pass)
  }
}

/// One layer: x + attention(norm(x)) + feedForward(norm′(x)), or with the feed-forward part behind attention.
private struct GPTNeoXBlock {
  private let isLast: Bool
  private let isParallel: Bool
  private let attentionNorm: LayerNorm
  private let attention: GPTNeoXAttention
  private let feedForwardNorm: LayerNorm
  private let feedForward: FeedForward

  init(_ plan: GPTNeoXPlan, index: Int, _ weights: WeightLoader) throws {
    isLast = index == plan.shape.layers - 1
    isParallel = plan.isParallel
    let hidden = plan.shape.hiddenSize
    attentionNorm = try LayerNorm(weights["input_layernorm"], hidden, epsilon: plan.epsilon)
    attention = try GPTNeoXAttention(plan, index: index, weights["attention"])
    feedForwardNorm = try LayerNorm(weights["post_attention_layernorm"], hidden, epsilon: plan.epsilon)
    feedForward = try FeedForward(
      first: Linear(weights["mlp"]["dense_h_to_4h"], hidden, plan.intermediateSize, bias: true),
      second: Linear(weights["mlp"]["dense_4h_to_h"], plan.intermediateSize, hidden, bias: true), activation: plan.activation)
  }

  func callAsFunction(_ stream: ResidualStream, _ pass: ForwardPass) throws -> ResidualStream {
    var stream = stream
    var heads = try attention.heads(stream.normalized(attentionNorm), pass)
    // After the last attention nothing mixes tokens any more: only the rows that predict a label are needed.
    if isLast, let rows = pass.rows {
      heads = try heads.selecting(rows)
      try stream.select(rows)
    }
    guard isParallel else {
      stream.pending = try attention.output(heads)
      stream.pending = try feedForward(stream.normalized(feedForwardNorm))
      return stream
    }
    let sum = try stream.sum + attention.output(heads)
    return ResidualStream(sum, pending: try feedForward(feedForwardNorm(stream.sum)))
  }
}

/// The decoder of GPT-NeoX.
private final class GPTNeoXDecoder: CausalDecoder {
  let shape: DecoderShape
  let parameters: [Parameter]
  private let rotary: [RotaryEmbedding?]
  private let tables: VocabularyTables
  private let blocks: [GPTNeoXBlock]
  private let norm: LayerNorm

  init(_ plan: GPTNeoXPlan, _ weights: WeightLoader, name: String) throws {
    shape = plan.shape
    rotary = Array(repeating: plan.rotary, count: shape.layers)
    let model = weights["gpt_neox"]
    tables = try VocabularyTables(
      weights, model: model, embedding: "embed_in.weight", [shape.vocabularySize, shape.hiddenSize], tied: plan.tiedEmbeddings)
    blocks = try (0..<shape.layers).map { try GPTNeoXBlock(plan, index: $0, model["layers.\($0)"]) }
    norm = try LayerNorm(model["final_layer_norm"], shape.hiddenSize, epsilon: plan.epsilon)
    // Old checkpoints carry the causal mask, and the rotary frequencies, which follow from the configuration.
    weights.ignore { name in [".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"].contains(where: name.hasSuffix) }
    parameters = try weights.finish(model: name)
  }

  var outputProjection: (weight: Tensor, bias: Tensor?) { (tables.head.tensor, nil) }

  func begin(_ pass: inout ForwardPass) throws -> ResidualStream {
    try pass.prepareRotations(rotary)
    return ResidualStream(try tables.embed(pass.tokens))
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
