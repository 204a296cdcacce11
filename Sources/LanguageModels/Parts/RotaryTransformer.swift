import Ground
import CheckpointFiles
import Foundation
public import Torch

/// The decoder that Llama, Gemma, Mistral, Qwen, SmolLM and Phi share: normalisation before each part, rotary positions, grouped key/value heads, gated
/// feed-forward layers. What differs between them is in `Plan`, which each architecture's file fills in from its configuration.
public final class RotaryTransformer: CausalDecoder {
  /// What differs between the architectures.
  struct Plan {
    var shape: DecoderShape
    var intermediateSize: Int
    var activation: Activation
    var epsilon: Double
    /// Added to every normalisation's weight: 1 for Gemma.
    var normOffset: Double = 0
    /// The factor on the embeddings: √hidden for Gemma.
    var embeddingScale: Double?
    var queryKeyValueBias = false
    var outputBias = false
    var feedForwardBias = false
    /// Qwen 3 and Gemma 3 normalise each head's queries and keys.
    var normalizesHeads = false
    /// Gemma 2 and 3 normalise what each part gives, besides what it takes.
    var normalizesOutputs = false
    /// Phi-3 has one layer for queries, keys and values, and one for gates and what they gate.
    var isFused = false
    /// The factor on the products of queries and keys; 1/√D where nil.
    var attentionScale: Double?
    /// c where these products x become c · tanh(x / c): Gemma 2.
    var attentionSoftcap: Double?
    /// The same of the logits of the vocabulary.
    var logitSoftcap: Double?
    var tiedEmbeddings: Bool
    /// For each layer how it tells positions; nil for a layer that does not.
    var rotary: [RotaryEmbedding?]
    /// For each layer the keys that a query sees at most; nil for all.
    var windows: [Int?]
  }

  /// Its dimensions.
  public let shape: DecoderShape
  /// Its parameters under their published names, tied ones once.
  public let parameters: [Parameter]
  private let plan: Plan
  private let tables: VocabularyTables
  private let blocks: [Block]
  private let norm: RMSNorm

  init(_ plan: Plan, _ weights: WeightLoader, name: String) throws {
    self.plan = plan
    shape = plan.shape
    let model = weights["model"]
    tables = try VocabularyTables(weights, model: model, [shape.vocabularySize, shape.hiddenSize], tied: plan.tiedEmbeddings)
    blocks = try (0..<shape.layers).map { try Block(plan, index: $0, model["layers.\($0)"]) }
    norm = try RMSNorm(model["norm"], shape.hiddenSize, epsilon: plan.epsilon, offset: plan.normOffset)
    // Old checkpoints carry the rotary frequencies, which follow from the configuration.
    weights.ignore { $0.hasSuffix(".rotary_emb.inv_freq") }
    parameters = try weights.finish(model: name)
  }

  /// The vocabulary projection `[V, hidden]`, without a bias.
  public var outputProjection: (weight: Tensor, bias: Tensor?) { (tables.head.tensor, nil) }

  /// The cap on logits.
  public var logitSoftcap: Double? { plan.logitSoftcap }

  /// Makes the pass's rotary tables and embeds its tokens: `[T, hidden]`.
  public func begin(_ pass: inout ForwardPass) throws -> ResidualStream {
    try pass.prepareRotations(plan.rotary)
    var embedded = try tables.embed(pass.tokens)
    if let scale = plan.embeddingScale {
      // The factor is rounded to the weights' type first, as the published model does.
      embedded = try embedded * Tensor.full(scale, shape: [1], elementType: embedded.elementType, on: embedded.device)
    }
    return ResidualStream(embedded)
  }

  /// One layer, counted from 0; throws `TorchError` beyond the last.
  public func layer(_ index: Int, _ stream: ResidualStream, _ pass: ForwardPass) throws -> ResidualStream {
    guard blocks.indices.contains(index) else {
      throw ModelError("there is no layer \(index); the model's layers go from 0 to \(blocks.count - 1)")
    }
    return try blocks[index](stream, pass)
  }

  /// The last normalisation.
  public func finish(_ stream: ResidualStream) throws -> Tensor {
    var stream = stream
    return try stream.normalized(norm)
  }

  /// One layer: attention, then the feed-forward part, each on the normalised stream and added to it.
  private struct Block {
    let isLast: Bool
    let inputNorm: RMSNorm
    let attention: RotaryAttention
    /// Of what attention gives, where that is normalised.
    let attentionOutputNorm: RMSNorm?
    let feedForwardNorm: RMSNorm
    let feedForward: GatedFeedForward
    let feedForwardOutputNorm: RMSNorm?

    init(_ plan: Plan, index: Int, _ weights: WeightLoader) throws {
      isLast = index == plan.shape.layers - 1
      let hidden = plan.shape.hiddenSize
      func norm(_ name: String) throws -> RMSNorm {
        try RMSNorm(weights[name], hidden, epsilon: plan.epsilon, offset: plan.normOffset)
      }
      inputNorm = try norm("input_layernorm")
      attention = try RotaryAttention(plan, index: index, weights["self_attn"])
      // One name for two places: before the feed-forward part, or behind attention where both ends are normalised.
      attentionOutputNorm = plan.normalizesOutputs ? try norm("post_attention_layernorm") : nil
      feedForwardNorm = try norm(plan.normalizesOutputs ? "pre_feedforward_layernorm" : "post_attention_layernorm")
      feedForward = try GatedFeedForward(
        weights["mlp"], hidden: hidden, intermediate: plan.intermediateSize, activation: plan.activation, bias: plan.feedForwardBias,
        isFused: plan.isFused)
      feedForwardOutputNorm = plan.normalizesOutputs ? try norm("post_feedforward_layernorm") : nil
    }

    func callAsFunction(_ stream: ResidualStream, _ pass: ForwardPass) throws -> ResidualStream {
      var stream = stream
      var heads = try attention.heads(stream.normalized(inputNorm), pass)
      // After the last attention nothing mixes tokens any more: only the rows that predict a label are needed.
      if isLast, let rows = pass.rows {
        heads = try heads.selecting(rows)
        try stream.select(rows)
      }
      let attended = try attention.output(heads)
      stream.pending = try attentionOutputNorm?(attended) ?? attended
      let fed = try feedForward(stream.normalized(feedForwardNorm))
      stream.pending = try feedForwardOutputNorm?(fed) ?? fed
      return stream
    }
  }
}

/// Grouped-query attention with rotary positions, gated by head.
struct RotaryAttention {
  private let index: Int
  private let shape: DecoderShape
  private let window: Int?
  private let scale: Double
  private let softcap: Double?
  private let projections: Projections
  let output: Linear
  private let queryNorm: RMSNorm?
  private let keyNorm: RMSNorm?

  /// The layers that queries, keys and values come from: one each, or one for all, which gives them side by side.
  private enum Projections {
    case separate(query: Linear, key: Linear, value: Linear)
    case fused(Linear)
  }

  init(_ plan: RotaryTransformer.Plan, index: Int, _ weights: WeightLoader) throws {
    self.index = index
    shape = plan.shape
    window = plan.windows.indices.contains(index) ? plan.windows[index] : nil
    scale = plan.attentionScale ?? 1 / Double(shape.headDimension).squareRoot()
    softcap = plan.attentionSoftcap
    let queryWidth = shape.attentionHeads * shape.headDimension
    let keyValueWidth = shape.keyValueHeads * shape.headDimension
    if plan.isFused {
      projections = .fused(
        try Linear(weights["qkv_proj"], shape.hiddenSize, queryWidth + 2 * keyValueWidth, bias: plan.queryKeyValueBias))
    } else {
      projections = .separate(
        query: try Linear(weights["q_proj"], shape.hiddenSize, queryWidth, bias: plan.queryKeyValueBias),
        key: try Linear(weights["k_proj"], shape.hiddenSize, keyValueWidth, bias: plan.queryKeyValueBias),
        value: try Linear(weights["v_proj"], shape.hiddenSize, keyValueWidth, bias: plan.queryKeyValueBias))
    }
    output = try Linear(weights["o_proj"], queryWidth, shape.hiddenSize, bias: plan.outputBias)
    let headDimension = plan.shape.headDimension
    func norm(_ name: String) throws -> RMSNorm? {
      plan.normalizesHeads ? try RMSNorm(weights[name], headDimension, epsilon: plan.epsilon, offset: plan.normOffset) : nil
    }
    queryNorm = try norm("q_norm")
    keyNorm = try norm("k_norm")
  }

  /// Queries `[T, H, D]`, keys and values `[T, K, D]`.
  private func projected(_ x: Tensor) throws -> (queries: Tensor, keys: Tensor, values: Tensor) {
    func heads(_ tensor: Tensor, _ count: Int) throws -> Tensor { try tensor.reshaped([-1, count, shape.headDimension]) }
    switch projections {
    case .separate(let query, let key, let value):
      let all = try Linear.outputs(query, key, value, of: x)
      return (try heads(all[0], shape.attentionHeads), try heads(all[1], shape.keyValueHeads), try heads(all[2], shape.keyValueHeads))
    case .fused(let all):
      let all = try heads(all(x), shape.attentionHeads + 2 * shape.keyValueHeads)
      return (
        try all.narrowed(1, from: 0, length: shape.attentionHeads),
        try all.narrowed(1, from: shape.attentionHeads, length: shape.keyValueHeads),
        try all.narrowed(1, from: shape.attentionHeads + shape.keyValueHeads, length: shape.keyValueHeads)
      )
    }
  }

  /// The heads' gated outputs `[T, H·D]`, before the output projection.
  func heads(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
    var (q, k, v) = try projected(x)
    if let queryNorm, let keyNorm {
      q = try queryNorm(q)
      k = try keyNorm(k)
    }
    return try gatedAttention(
      layer: index, queries: pass.rotated(q, layer: index), keys: pass.rotated(k, layer: index), values: v, scale: scale, window: window,
      softcap: softcap, pass)
  }
}

/// Attention over this pass's and the cached keys and values; gates and saliency by layer. Gives `[T, H·D]`.
func gatedAttention(
  layer: Int, queries: Tensor, keys: Tensor, values: Tensor, scale: Double, window: Int?, softcap: Double? = nil, _ pass: ForwardPass
) throws -> Tensor {
  let (keys, values) = try pass.cached?.write(layer: layer, keys, values, bounds: pass.bounds.queries) ?? (keys, values)
  return try queries.packedAttention(
    keys: keys, values: values, gates: pass.gates.flatMap { $0.layers.indices.contains(layer) ? $0.layers[layer] : nil },
    bounds: pass.bounds, scale: scale, window: window, softcap: softcap,
    saliency: pass.saliency.flatMap { $0.indices.contains(layer) ? $0[layer] : nil })
}
