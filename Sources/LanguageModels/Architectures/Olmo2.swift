import Ground
import StrictJSON
import Torch

/// OLMo 2 (OLMo et al. 2025): Llama's parts, but each part's output is normalised instead of its input, and queries and keys are normalised over
/// all heads at once.
enum Olmo2 {
  static let architecture = Architecture(names: ["Olmo2ForCausalLM"], modelTypes: ["olmo2"], keys: keys) { configuration, weights, name in
    var plan = try RotaryTransformer.Plan(published: configuration)
    let attentionBias = try configuration.boolean("attention_bias")
    plan.queryKeyValueBias = attentionBias
    plan.outputBias = attentionBias
    return try Olmo2Decoder(plan, weights, name: name)
  }

  // The class does not declare head_dim, but the model's code reads it where it is there.
  private static let keys: [ConfigurationKey] =
    [
      .used("vocab_size", 50304), .used("hidden_size", 4096), .used("intermediate_size", 11008), .used("num_hidden_layers", 32),
      .used("num_attention_heads", 32), .used("num_key_value_heads"), .used("head_dim"), .used("hidden_act", "silu"),
      .used("max_position_embeddings", 2048), .used("rms_norm_eps", 1e-5), .used("tie_word_embeddings", false),
      .used("attention_bias", false), .used("eos_token_id", 50279, orNull: true),
      .withoutEffect("bos_token_id"), .withoutEffect("pad_token_id", 1), .withoutEffect("initializer_range", 0.02),
      .withoutEffect("use_cache", true), .withoutEffect("attention_dropout", 0.0),
    ] + ConfigurationKey.rotary
}

/// Grouped-query attention with rotary positions, gated by head.
private struct Olmo2Attention {
  private let index: Int
  private let shape: DecoderShape
  private let query: Linear
  private let key: Linear
  private let value: Linear
  private let queryNorm: RMSNorm
  private let keyNorm: RMSNorm
  let output: Linear

  init(_ plan: RotaryTransformer.Plan, index: Int, _ weights: WeightLoader) throws {
    self.index = index
    shape = plan.shape
    let queryWidth = shape.attentionHeads * shape.headDimension
    let keyValueWidth = shape.keyValueHeads * shape.headDimension
    query = try Linear(weights["q_proj"], shape.hiddenSize, queryWidth, bias: plan.queryKeyValueBias)
    key = try Linear(weights["k_proj"], shape.hiddenSize, keyValueWidth, bias: plan.queryKeyValueBias)
    value = try Linear(weights["v_proj"], shape.hiddenSize, keyValueWidth, bias: plan.queryKeyValueBias)
    queryNorm = try RMSNorm(weights["q_norm"], queryWidth, epsilon: plan.epsilon)
    keyNorm = try RMSNorm(weights["k_norm"], keyValueWidth, epsilon: plan.epsilon)
    output = try Linear(weights["o_proj"], queryWidth, shape.hiddenSize, bias: plan.outputBias)
  }

  /// The heads' gated outputs `[T, H·D]`, before the output projection.
  func heads(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
    let projected = try Linear.outputs(query, key, value, of: x)
    let q = try queryNorm(projected[0]).reshaped([-1, shape.attentionHeads, shape.headDimension])  // [T, H, D]
    let k = try keyNorm(projected[1]).reshaped([-1, shape.keyValueHeads, shape.headDimension])  // [T, K, D]
    let v = try projected[2].reshaped([-1, shape.keyValueHeads, shape.headDimension])
    return try gatedAttention(
      layer: index, queries: pass.rotated(q, layer: index), keys: pass.rotated(k, layer: index), values: v,
      scale: 1 / Double(shape.headDimension).squareRoot(), window: nil, pass)
  }
}

/// One layer: x + norm(attention(x)), then x + norm(feedForward(x)).
private struct Olmo2Block {
  private let isLast: Bool
  private let attention: Olmo2Attention
  private let attentionNorm: RMSNorm
  private let feedForward: GatedFeedForward
  private let feedForwardNorm: RMSNorm

  init(_ plan: RotaryTransformer.Plan, index: Int, _ weights: WeightLoader) throws {
    isLast = index == plan.shape.layers - 1
    let hidden = plan.shape.hiddenSize
    attention = try Olmo2Attention(plan, index: index, weights["self_attn"])
    attentionNorm = try RMSNorm(weights["post_attention_layernorm"], hidden, epsilon: plan.epsilon)
    feedForward = try GatedFeedForward(
      weights["mlp"], hidden: hidden, intermediate: plan.intermediateSize, activation: plan.activation, bias: false)
    feedForwardNorm = try RMSNorm(weights["post_feedforward_layernorm"], hidden, epsilon: plan.epsilon)
  }

  func callAsFunction(_ stream: ResidualStream, _ pass: ForwardPass) throws -> ResidualStream {
    var stream = ResidualStream(try stream.resolved())
    var heads = try attention.heads(stream.sum, pass)
    // After the last attention nothing mixes tokens any more: only the rows that predict a label are needed.
    if isLast, let rows = pass.rows {
      heads = try heads.selecting(rows)
      try stream.select(rows)
    }
    let attended = try stream.sum + attentionNorm(attention.output(heads))
    return ResidualStream(attended, pending: try feedForwardNorm(feedForward(attended)))
  }
}

/// The decoder of OLMo 2.
private final class Olmo2Decoder: CausalDecoder {
  let shape: DecoderShape
  let parameters: [Parameter]
  private let rotary: [RotaryEmbedding?]
  private let tables: VocabularyTables
  private let blocks: [Olmo2Block]
  private let norm: RMSNorm

  init(_ plan: RotaryTransformer.Plan, _ weights: WeightLoader, name: String) throws {
    shape = plan.shape
    rotary = plan.rotary
    let model = weights["model"]
    tables = try VocabularyTables(weights, model: model, [shape.vocabularySize, shape.hiddenSize], tied: plan.tiedEmbeddings)
    blocks = try (0..<shape.layers).map { try Olmo2Block(plan, index: $0, model["layers.\($0)"]) }
    norm = try RMSNorm(model["norm"], shape.hiddenSize, epsilon: plan.epsilon)
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
