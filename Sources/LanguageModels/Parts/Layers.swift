import Ground
import CheckpointFiles
import Torch

/// x Wᵀ + b, and what the weight's adapter adds where it has one.
struct Linear {
  let weight: Parameter
  let bias: Parameter?

  /// Reads `weight` `[outputs, inputs]`, or `[inputs, outputs]` where it is stored transposed, and, where asked for, `bias` `[outputs]`.
  init(_ weights: WeightLoader, _ inputs: Int, _ outputs: Int, bias: Bool, transposed: Bool = false) throws {
    weight = try weights.parameter("weight", transposed ? [inputs, outputs] : [outputs, inputs], isMatrix: true)
    weight.isLinear = true
    weight.isTransposed = transposed
    self.bias = try weights.parameter("bias", [outputs], if: bias)
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    let (weight, bias) = try operands
    return try adapted(x.linear(weight, bias: bias), of: x)
  }

  /// What several layers give that read the same numbers, together: for text that is being written (`Tensor.linear`).
  static func outputs(_ layers: Linear..., of x: Tensor) throws -> [Tensor] {
    try zip(layers, x.linear(layers.map { try $0.operands })).map { try $0.adapted($1, of: x) }
  }

  private var operands: (weight: Tensor, bias: Tensor?) {
    get throws { (weight.isTransposed ? try weight.tensor.transposed(0, 1) : weight.tensor, bias?.tensor) }
  }

  private func adapted(_ y: Tensor, of x: Tensor) throws -> Tensor { try weight.adapter?.added(to: y, of: x) ?? y }
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

  /// Reads the embedding of `model` and, unless tied, `lm_head.weight` of the root. A tied table is stored once, under either name; where
  /// both are there and hold other numbers, the checkpoint is right and not its configuration, as in transformers: both are used.
  init(
    _ weights: WeightLoader, model: WeightLoader, embedding name: String = "embed_tokens.weight", _ shape: [Int], tied: Bool
  ) throws {
    let hasEmbedding = model.contains(name)
    let isUnderHead = tied && !hasEmbedding && weights.contains("lm_head.weight")
    var tied = tied
    if tied, hasEmbedding, try weights.holdsOther("lm_head.weight", than: name, of: model) {
      tied = false
      weights.note(
        "'lm_head.weight' differs from the embedding although config.json ties the two (tie_word_embeddings); each is used as it is")
    }
    embedding = try model.parameter(name, shape, foundUnder: isUnderHead ? "lm_head.weight" : nil, isMatrix: true)
    head = try tied ? embedding : weights.parameter("lm_head.weight", shape, isMatrix: true)
    if tied { weights.ignore { $0 == "lm_head.weight" } }
  }

  /// The embeddings `[T, width]` of tokens `[T]`.
  func embed(_ tokens: Tensor) throws -> Tensor {
    let embedded = try embedding.tensor.embedding(tokens)
    return embedded.elementType == embedding.elementType ? embedded : try embedded.converted(to: embedding.elementType)
  }
}

/// A table of learned positions, one row each.
struct LearnedPositions {
  private let table: Parameter
  private let count: Int
  private let offset: Int

  /// Reads a table `[offset + count, width]`, whose first `offset` rows belong to no position.
  init(_ weights: WeightLoader, _ name: String, count: Int, width: Int, offset: Int = 0) throws {
    table = try weights.parameter(name, [offset + count, width])
    self.count = count
    self.offset = offset
  }

  /// The rows `[T, width]` of a pass's places.
  /// - Throws: `ModelError` where a sample is longer than the table.
  func callAsFunction(_ pass: ForwardPass) throws -> Tensor {
    let length = (pass.positions.max() ?? -1) + 1
    guard length <= count else {
      throw ModelError("a sample has \(length) tokens, but the model has positions for \(count); shorten it")
    }
    return try table.tensor.embedding(try Tensor(pass.positions.map { $0 + offset }).moved(to: pass.tokens.device))
  }
}

/// second(activation(first(x))), the feed-forward layer of OPT and the GPTs.
struct FeedForward {
  let first: Linear
  let second: Linear
  let activation: Activation

  func callAsFunction(_ x: Tensor) throws -> Tensor { try second(first(x).activated(activation)) }
}

/// down(activation(gate(x)) · up(x)), the feed-forward layer of Llama and its relatives.
struct GatedFeedForward {
  private let inner: Inner
  private let down: Linear
  private let activation: Activation

  /// The layers that gates and what they gate come from: one each, or one for both, which gives them side by side.
  private enum Inner {
    case separate(gate: Linear, up: Linear)
    case fused(Linear, width: Int)
  }

  init(_ weights: WeightLoader, hidden: Int, intermediate: Int, activation: Activation, bias: Bool, isFused: Bool = false) throws {
    inner =
      isFused
      ? .fused(try Linear(weights["gate_up_proj"], hidden, 2 * intermediate, bias: bias), width: intermediate)
      : .separate(
        gate: try Linear(weights["gate_proj"], hidden, intermediate, bias: bias),
        up: try Linear(weights["up_proj"], hidden, intermediate, bias: bias))
    down = try Linear(weights["down_proj"], intermediate, hidden, bias: bias)
    self.activation = activation
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    switch inner {
    case .separate(let gate, let up):
      let both = try Linear.outputs(gate, up, of: x)
      return try down(both[0].gatedActivation(activation, up: both[1]))
    case .fused(let both, let width):
      let both = try both(x)
      let up = try both.narrowed(1, from: width, length: width)
      return try down(both.narrowed(1, from: 0, length: width).gatedActivation(activation, up: up))
    }
  }
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
