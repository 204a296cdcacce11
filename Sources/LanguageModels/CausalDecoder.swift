public import CheckpointFiles
public import Torch

/// What every decoder has, whatever its architecture.
public struct DecoderShape: Sendable, Hashable, CustomStringConvertible {
  /// The number of layers, L.
  public var layers: Int
  /// Query heads of a layer, H; each has its own gate.
  public var attentionHeads: Int
  /// Key/value heads of a layer, K; divides H.
  public var keyValueHeads: Int
  /// Values of a head, D.
  public var headDimension: Int
  /// The width of the residual stream.
  public var hiddenSize: Int
  /// The number of rows of the embedding, V.
  public var vocabularySize: Int
  /// The most tokens the model was made for.
  public var maximumPositions: Int
  /// Whether positions beyond that do not exist (learned positions) or only grow unfamiliar (rotary ones).
  public var positionsEnd: Bool
  /// The length beyond which a token's keys depend on how long its sample is (dynamic rotary scaling); nil where they never do.
  public var positionsStretchBeyond: Int? = nil
  /// Whether a text that grows beyond that length is computed anew, as Phi-3's is, instead of going on behind the keys that it has.
  public var stretchingBeginsAnew = false

  /// The sizes in words, equal for models of one architecture and size.
  public var description: String {
    "\(layers) layers, \(attentionHeads) heads, \(keyValueHeads) key/value heads of \(headDimension), hidden \(hiddenSize), vocabulary \(vocabularySize)"
  }
}

/// The gates of a pass: for each layer `[T, H]`, a factor on each token's and head's output before the output projection.
///
/// Ones leave the model as it is; asking for their gradients makes a pass a measurement; zeros switch heads off.
public struct HeadGates {
  /// A layer's gates `[T, H]` in float32.
  public var layers: [Tensor]

  /// Gates by layer.
  public init(layers: [Tensor]) { self.layers = layers }

  /// The same factors for every token.
  /// - Parameter heads: for each layer a factor on every head's output `[H]`.
  init(heads: [[Float]], tokens: Int, on device: Device) throws {
    layers = try heads.map { layer in
      try Tensor([Float]((0..<tokens).lazy.map { _ in layer }.joined()), shape: [tokens, layer.count]).moved(to: device)
    }
  }

  /// Ones that ask for their gradients.
  public static func measuring(_ shape: DecoderShape, tokens: Int, on device: Device) throws -> HeadGates {
    HeadGates(
      layers: try (0..<shape.layers).map { _ in try Tensor.ones([tokens, shape.attentionHeads], on: device).requiringGradient() })
  }
}

/// What one pass over a packed batch shares between its layers.
public struct ForwardPass {
  /// Tokens `[T]`.
  public let tokens: Tensor
  /// Each token's place in its sample.
  public let positions: [Int]
  /// Which tokens belong together.
  public let bounds: PackedBounds
  /// Rows of the last layer that are needed, `[M]`; nil for all. Everything after its attention is computed for these only.
  public var rows: Tensor?
  /// The gates, or nil where no head is gated.
  public var gates: HeadGates?
  /// For each layer `[T, H]` float32, where the backward pass leaves Σ_k |Γ ⊙ ∂L/∂Γ|; nil where it is not asked for.
  public var saliency: [Tensor]?
  /// Keys and values of earlier tokens, and where this pass's own go; nil for a pass from the beginning.
  var cached: KeyValueCache.Extension?
  /// Cosines and sines of rotary positions by layer, nil for a layer without; set by the decoder.
  var rotations: [(cosine: Tensor, sine: Tensor)?] = []

  /// A pass over the whole of each sample.
  public init(_ batch: PackedBatch, on device: Device, labelRowsOnly: Bool = false, gates: HeadGates? = nil) throws {
    self.init(
      tokens: try Tensor(batch.tokens).moved(to: device), positions: batch.positions, bounds: PackedBounds(queries: batch.bounds))
    if labelRowsOnly { rows = try Tensor(batch.labelPositions).moved(to: device) }
    self.gates = gates
  }

  /// A pass over tokens `[T]`.
  init(tokens: Tensor, positions: [Int], bounds: PackedBounds) {
    self.tokens = tokens
    self.positions = positions
    self.bounds = bounds
  }
}

/// The residual stream between layers: what was summed up so far, and the last addend, which the next normalisation adds in the same pass
/// over memory.
public struct ResidualStream {
  /// The sum without the pending addend `[T, hidden]`.
  public var sum: Tensor
  /// What is still to be added.
  public var pending: Tensor?

  /// A stream that begins with the embeddings.
  public init(_ sum: Tensor, pending: Tensor? = nil) {
    self.sum = sum
    self.pending = pending
  }

  /// The stream as one tensor.
  public func resolved() throws -> Tensor {
    guard let pending else { return sum }
    return try sum + pending
  }

  /// Adds what is pending and normalises the sum.
  mutating func normalized(_ norm: RMSNorm) throws -> Tensor {
    guard let pending else { return try norm(sum) }
    let (total, normed) = try sum.addingRMSNorm(pending, norm.weight.tensor, epsilon: norm.epsilon, offset: norm.offset)
    sum = total
    self.pending = nil
    return normed
  }

  /// Adds what is pending and normalises the sum.
  mutating func normalized(_ norm: LayerNorm) throws -> Tensor {
    guard let pending else { return try norm(sum) }
    let (total, normed) = try sum.addingLayerNorm(pending, weight: norm.weight?.tensor, bias: norm.bias?.tensor, epsilon: norm.epsilon)
    sum = total
    self.pending = nil
    return normed
  }

  /// Only some rows from here on.
  mutating func select(_ rows: Tensor) throws {
    sum = try sum.selecting(rows)
    pending = try pending?.selecting(rows)
  }
}

/// A causal language model over packed batches.
public protocol CausalDecoder: AnyObject {
  /// Its dimensions.
  var shape: DecoderShape { get }
  /// Its parameters under their published names, tied ones once.
  var parameters: [Parameter] { get }
  /// The vocabulary projection `[V, hidden]`, and its bias `[V]` where there is one.
  var outputProjection: (weight: Tensor, bias: Tensor?) { get }
  /// c where logits x become c · tanh(x / c); nil, which is the default, where they stay as they are.
  var logitSoftcap: Double? { get }

  /// Fills in what the pass needs of this architecture (rotary tables) and embeds its tokens: `[T, hidden]`.
  func begin(_ pass: inout ForwardPass) throws -> ResidualStream
  /// One layer, counted from 0.
  func layer(_ index: Int, _ stream: ResidualStream, _ pass: ForwardPass) throws -> ResidualStream
  /// The last normalisation: what the vocabulary projection reads.
  func finish(_ stream: ResidualStream) throws -> Tensor
}

extension CausalDecoder {
  /// Most models' logits are not capped.
  public var logitSoftcap: Double? { nil }

  /// The hidden states after the last normalisation, `[T, hidden]`, or `[M, hidden]` where the pass names its rows.
  public func hiddenStates(of pass: ForwardPass) throws -> Tensor {
    var pass = pass
    var stream = try begin(&pass)
    for index in 0..<shape.layers { stream = try layer(index, stream, pass) }
    return try finish(stream)
  }

  /// The logits `[·, V]` of hidden states `[·, hidden]`.
  public func logits(of hiddenStates: Tensor) throws -> Tensor {
    let logits = try hiddenStates.linear(outputProjection.weight, bias: outputProjection.bias)
    return try logitSoftcap.map(logits.softCapped(at:)) ?? logits
  }

  /// The number of numbers in its parameters.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.tensor.count } }
  /// The element type in which it computes.
  public var elementType: ElementType { parameters.first?.elementType ?? .float32 }
  /// Where it lies.
  public var device: Device { parameters.first?.tensor.device ?? .cpu }
}
