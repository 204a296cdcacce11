import Ground
import CheckpointFiles
import Foundation
public import Torch

/// The decoder that Llama, Gemma, Mistral and Qwen share: normalisation before each part, rotary positions, grouped key/value heads, gated
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
    /// Qwen 3 normalises each head's queries and keys.
    var normalizesHeads = false
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
    let index: Int
    let isLast: Bool
    let inputNorm: RMSNorm
    let attention: RotaryAttention
    let postAttentionNorm: RMSNorm
    let feedForward: GatedFeedForward

    init(_ plan: Plan, index: Int, _ weights: WeightLoader) throws {
      self.index = index
      isLast = index == plan.shape.layers - 1
      let hidden = plan.shape.hiddenSize
      inputNorm = try RMSNorm(weights["input_layernorm"], hidden, epsilon: plan.epsilon, offset: plan.normOffset)
      attention = try RotaryAttention(plan, index: index, weights["self_attn"])
      postAttentionNorm = try RMSNorm(weights["post_attention_layernorm"], hidden, epsilon: plan.epsilon, offset: plan.normOffset)
      feedForward = try GatedFeedForward(
        weights["mlp"], hidden: hidden, intermediate: plan.intermediateSize, activation: plan.activation, bias: plan.feedForwardBias)
    }

    func callAsFunction(_ stream: ResidualStream, _ pass: ForwardPass) throws -> ResidualStream {
      var stream = stream
      var heads = try attention.heads(stream.normalized(inputNorm), pass)
      // After the last attention nothing mixes tokens any more: only the rows that predict a label are needed.
      if isLast, let rows = pass.rows {
        heads = try heads.selecting(rows)
        try stream.select(rows)
      }
      stream.pending = try attention.output(heads)
      stream.pending = try feedForward(stream.normalized(postAttentionNorm))
      return stream
    }
  }
}

/// Grouped-query attention with rotary positions, gated by head.
struct RotaryAttention {
  private let index: Int
  private let shape: DecoderShape
  private let window: Int?
  private let query: Linear
  private let key: Linear
  private let value: Linear
  let output: Linear
  private let queryNorm: RMSNorm?
  private let keyNorm: RMSNorm?

  init(_ plan: RotaryTransformer.Plan, index: Int, _ weights: WeightLoader) throws {
    self.index = index
    shape = plan.shape
    window = plan.windows.indices.contains(index) ? plan.windows[index] : nil
    let queryWidth = shape.attentionHeads * shape.headDimension
    let keyValueWidth = shape.keyValueHeads * shape.headDimension
    query = try Linear(weights["q_proj"], shape.hiddenSize, queryWidth, bias: plan.queryKeyValueBias)
    key = try Linear(weights["k_proj"], shape.hiddenSize, keyValueWidth, bias: plan.queryKeyValueBias)
    value = try Linear(weights["v_proj"], shape.hiddenSize, keyValueWidth, bias: plan.queryKeyValueBias)
    output = try Linear(weights["o_proj"], queryWidth, shape.hiddenSize, bias: plan.outputBias)
    queryNorm = plan.normalizesHeads ? try RMSNorm(weights["q_norm"], shape.headDimension, epsilon: plan.epsilon) : nil
    keyNorm = plan.normalizesHeads ? try RMSNorm(weights["k_norm"], shape.headDimension, epsilon: plan.epsilon) : nil
  }

  /// The heads' gated outputs `[T, H·D]`, before the output projection.
  func heads(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
    var q = try query(x).reshaped([-1, shape.attentionHeads, shape.headDimension])  // [T, H, D]
    var k = try key(x).reshaped([-1, shape.keyValueHeads, shape.headDimension])  // [T, K, D]
    let v = try value(x).reshaped([-1, shape.keyValueHeads, shape.headDimension])
    if let queryNorm, let keyNorm {
      q = try queryNorm(q)
      k = try keyNorm(k)
    }
    return try gatedAttention(
      layer: index, queries: pass.rotated(q, layer: index), keys: pass.rotated(k, layer: index), values: v,
      scale: 1 / Double(shape.headDimension).squareRoot(), window: window, pass)
  }
}

/// Attention over this pass's and the cached keys and values; gates and saliency by layer. Gives `[T, H·D]`.
func gatedAttention(
  layer: Int, queries: Tensor, keys: Tensor, values: Tensor, scale: Double, window: Int?, _ pass: ForwardPass
) throws -> Tensor {
  let (keys, values) = try pass.cached?.write(layer: layer, keys, values, bounds: pass.bounds.queries) ?? (keys, values)
  return try queries.packedAttention(
    keys: keys, values: values, gates: pass.gates.flatMap { $0.layers.indices.contains(layer) ? $0.layers[layer] : nil },
    bounds: pass.bounds, scale: scale, window: window,
    saliency: pass.saliency.flatMap { $0.indices.contains(layer) ? $0[layer] : nil })
}
