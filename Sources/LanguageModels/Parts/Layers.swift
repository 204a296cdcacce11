import CheckpointFiles
import Torch

/// x Wᵀ + b, and what the weight's adapter adds where it has one.
struct Linear {
  let weight: Parameter
  let bias: Parameter?

  /// Reads `weight` `[outputs, inputs]` and, where asked for, `bias` `[outputs]`.
  init(_ weights: WeightLoader, _ inputs: Int, _ outputs: Int, bias: Bool) throws {
    weight = try weights.parameter("weight", [outputs, inputs], isMatrix: true)
    weight.isLinear = true
    self.bias = try weights.parameter("bias", [outputs], if: bias)
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    let y = try x.linear(weight.tensor, bias: bias?.tensor)
    guard let adapter = weight.adapter else { return y }
    return try adapter.added(to: y, of: x)
  }
}

/// x / √(mean(x²) + ε) · (weight + offset).
struct RMSNorm {
  let weight: Parameter
  let epsilon: Double
  /// 1 for Gemma, whose checkpoints hold weight − 1.
  let offset: Double

  init(_ weights: WeightLoader, _ width: Int, epsilon: Double, offset: Double = 0) throws {
    weight = try weights.parameter("weight", [width])
    self.epsilon = epsilon
    self.offset = offset
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor { try x.rmsNorm(weight.tensor, epsilon: epsilon, offset: offset) }
}

/// (x − mean) / √(variance + ε) · weight + bias.
struct LayerNorm {
  let weight: Parameter?
  let bias: Parameter?
  let epsilon: Double

  /// Reads `weight` and `bias` `[width]` where the normalisation has parameters.
  init(_ weights: WeightLoader, _ width: Int, epsilon: Double, parameters: Bool = true) throws {
    weight = try weights.parameter("weight", [width], if: parameters)
    bias = try weights.parameter("bias", [width], if: parameters)
    self.epsilon = epsilon
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor { try x.layerNorm(weight: weight?.tensor, bias: bias?.tensor, epsilon: epsilon) }
}

/// The table that tokens are embedded by and the one that projects onto the vocabulary, `[V, width]` each, which many models tie.
struct VocabularyTables {
  let embedding: Parameter
  /// `embedding` itself where the two are tied.
  let head: Parameter

  /// Reads `embed_tokens.weight` of `model` and, unless tied, `lm_head.weight` of the root. A tied table is stored once, under either name; where
  /// both are there and hold other numbers, the checkpoint is right and not its configuration, as in transformers: both are used.
  init(_ weights: WeightLoader, model: WeightLoader, _ shape: [Int], tied: Bool) throws {
    let hasEmbedding = model.contains("embed_tokens.weight")
    let isUnderHead = tied && !hasEmbedding && weights.contains("lm_head.weight")
    var tied = tied
    if tied, hasEmbedding, try weights.holdsOther("lm_head.weight", than: "embed_tokens.weight", of: model) {
      tied = false
      weights.note(
        "'lm_head.weight' differs from the embedding although config.json ties the two (tie_word_embeddings); each is used as it is")
    }
    embedding = try model.parameter("embed_tokens.weight", shape, foundUnder: isUnderHead ? "lm_head.weight" : nil, isMatrix: true)
    head = try tied ? embedding : weights.parameter("lm_head.weight", shape, isMatrix: true)
    if tied { weights.ignore { $0 == "lm_head.weight" } }
  }

  /// The embeddings `[T, width]` of tokens `[T]`.
  func embed(_ tokens: Tensor) throws -> Tensor {
    let embedded = try embedding.tensor.embedding(tokens)
    return embedded.elementType == embedding.elementType ? embedded : try embedded.converted(to: embedding.elementType)
  }
}

/// down(activation(gate(x)) · up(x)), the feed-forward layer of Llama and its relatives.
struct GatedFeedForward {
  let gate: Linear
  let up: Linear
  let down: Linear
  let activation: Activation

  init(_ weights: WeightLoader, hidden: Int, intermediate: Int, activation: Activation, bias: Bool) throws {
    gate = try Linear(weights["gate_proj"], hidden, intermediate, bias: bias)
    up = try Linear(weights["up_proj"], hidden, intermediate, bias: bias)
    down = try Linear(weights["down_proj"], intermediate, hidden, bias: bias)
    self.activation = activation
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor { try down(gate(x).gatedActivation(activation, up: up(x))) }
}

extension Activation {
  /// The function that a configuration's name means; nil for one that Headway does not compute.
  init?(published name: String) {
    switch name {
    case "silu", "swish": self = .silu
    case "gelu": self = .gelu
    case "gelu_pytorch_tanh", "gelu_new", "gelu_fast": self = .geluTanh
    case "relu": self = .relu
    default: return nil
    }
  }
}
