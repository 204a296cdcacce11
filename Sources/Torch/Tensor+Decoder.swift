import CTorch

/// The activation functions of feed-forward layers.
public enum Activation: Int32, Sendable {
  /// x · logistic(x).
  case silu = 0
  /// x · Φ(x), by the error function.
  case gelu = 1
  /// GELU's approximation by tanh.
  case geluTanh = 2
  /// max(x, 0).
  case relu = 3
}

/// Which samples lie end to end in a packed tensor of queries, and where each one's keys lie.
///
/// A query attends to its own sample's keys, up to its own position; a sample's queries are the last ones of its keys, so that the
/// two are equal without cached keys and differ with them.
public struct PackedBounds: Sendable, Hashable {
  /// Where each sample's queries begin, and one past the last: B + 1 numbers from 0 to T.
  public let queries: [Int]
  /// Where each sample's keys begin, B numbers.
  public let keyStarts: [Int]
  /// How many keys each sample has, B numbers.
  public let keyCounts: [Int]
  /// For each sample the earlier one that it continues, nil for none: it then sees the keys of that one, and of all that this one continues, in
  /// front of its own. Nil where no sample continues another. There is no way back through such attention.
  public let parents: [Int?]?

  /// Bounds of queries and of keys that lie end to end, too; keys are the queries' own where they are left out.
  public init(queries: [Int], keys: [Int]? = nil, parents: [Int?]? = nil) {
    let keys = keys ?? queries
    self.init(queries: queries, keyStarts: keys.dropLast(), keyCounts: zip(keys, keys.dropFirst()).map { $1 - $0 }, parents: parents)
  }

  /// Bounds of queries, with keys that lie anywhere: in a cache, with room between them. Such keys have no gradients.
  public init(queries: [Int], keyStarts: [Int], keyCounts: [Int], parents: [Int?]? = nil) {
    self.queries = queries
    self.keyStarts = keyStarts
    self.keyCounts = keyCounts
    self.parents = parents
  }
}

/// Which elements of an adapter's input are left out in training: each with probability `rate`, and the others grow by 1 / (1 − rate).
///
/// Key and position are those of a counter-based generator (Philox): the same two leave out the same elements again, at any number of threads.
public struct Dropout: Sendable, Hashable {
  /// The probability, from 0 to below 1.
  public var rate: Double
  /// What tells streams apart.
  public var key: UInt64
  /// What tells passes of one stream apart.
  public var position: UInt64

  /// A dropout of this pass.
  public init(rate: Double, key: UInt64, position: UInt64) {
    self.rate = rate
    self.key = key
    self.position = position
  }
}

/// The parts of a decoder. T tokens, H query heads, K key/value heads, D values per head.
extension Tensor {
  /// `[…, in]` by weight `[out, in]` and bias `[out]` gives `[…, out]` in this tensor's type. A weight of another type is converted a part at a
  /// time, without a converted copy of the whole.
  public func linear(_ weight: Tensor, bias: Tensor? = nil) throws -> Tensor {
    try made { ct_linear(handle, [weight.handle], [bias?.handle], 1, $0) }
  }

  /// The same for several layers `[out, in]` that read the same numbers. Of a few tokens, whose products only read the weights, threads meet once and not
  /// after each.
  public func linear(_ layers: [(weight: Tensor, bias: Tensor?)]) throws -> [Tensor] {
    var results = [ct_tensor?](repeating: nil, count: layers.count)
    try check(ct_linear(handle, layers.map(\.weight.handle), layers.map { $0.bias?.handle }, Int32(layers.count), &results))
    return try results.map {
      guard let result = $0 else { throw TorchError("linear: an operation left no tensor behind") }
      return Tensor(result)
    }
  }

  /// Lays this weight `[out, in]` out for the products of gradients with it that follow, which do so themselves each time where nobody did. Those of the
  /// way forward gain nothing by it.
  ///
  /// What is laid out takes as many bytes as the weight and goes with it. Products have the same bits with it and without. A weight that is changed later is
  /// read itself again; on a processor, or of a type, whose products are libtorch's nothing is done.
  public func layOutForGradients() throws { try check(ct_lay_out(handle)) }

  /// This `[T, out]` and what a low-rank adapter adds to it: y + scale · B A dropout(x), in this tensor's type.
  ///
  /// Products and sum are computed in float32 (float64 where an operand is) and rounded once, as PEFT's layer does it. Nothing as wide as x is kept
  /// for the way back beside x itself.
  ///
  /// - Parameters:
  ///   - x: the layer's input `[T, in]`.
  ///   - down: A `[r, in]`.
  ///   - up: B `[out, r]`.
  ///   - scale: the factor, α / r.
  ///   - dropout: what is left out of x; nil for nothing.
  public func addingLowRank(of x: Tensor, down: Tensor, up: Tensor, scale: Double, dropout: Dropout? = nil) throws -> Tensor {
    let dropout = ct_dropout(rate: dropout?.rate ?? 0, key: dropout?.key ?? 0, position: dropout?.position ?? 0)
    return try made { ct_add_low_rank(handle, x.handle, down.handle, up.handle, scale, dropout, $0) }
  }

  /// Rows of this table `[V, n]` by token: `[T]` gives `[T, n]`.
  public func embedding(_ tokens: Tensor) throws -> Tensor { try made { ct_embedding(handle, tokens.handle, $0) } }

  /// x / √(mean(x²) + ε) · (weight + offset) over the last dimension, computed in float32.
  public func rmsNorm(_ weight: Tensor, epsilon: Double, offset: Double = 0) throws -> Tensor {
    try made { ct_rms_norm(handle, weight.handle, epsilon, offset, $0) }
  }

  /// The sum with `addend`, and its RMS normalisation, in one pass over memory.
  public func addingRMSNorm(_ addend: Tensor, _ weight: Tensor, epsilon: Double, offset: Double = 0) throws -> (sum: Tensor, normed: Tensor)
  {
    var sum: ct_tensor?
    var normed: ct_tensor?
    try check(ct_add_rms_norm(handle, addend.handle, weight.handle, epsilon, offset, &sum, &normed))
    guard let sum, let normed else { throw TorchError("add and RMS norm: an operation left no tensor behind") }
    return (Tensor(sum), Tensor(normed))
  }

  /// (x − mean) / √(variance + ε) · weight + bias over the last dimension.
  public func layerNorm(weight: Tensor?, bias: Tensor?, epsilon: Double) throws -> Tensor {
    try made { ct_layer_norm(handle, weight?.handle, bias?.handle, epsilon, $0) }
  }

  /// The sum with `addend`, and its layer normalisation, in one pass over memory.
  public func addingLayerNorm(_ addend: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Double) throws -> (sum: Tensor, normed: Tensor) {
    var sum: ct_tensor?
    var normed: ct_tensor?
    try check(ct_add_layer_norm(handle, addend.handle, weight?.handle, bias?.handle, epsilon, &sum, &normed))
    guard let sum, let normed else { throw TorchError("add and layer norm: an operation left no tensor behind") }
    return (Tensor(sum), Tensor(normed))
  }

  /// The activation function of every element.
  public func activated(_ activation: Activation) throws -> Tensor { try made { ct_activate(handle, activation.rawValue, $0) } }

  /// activation(self) · up: the gated feed-forward layer.
  public func gatedActivation(_ activation: Activation, up: Tensor) throws -> Tensor {
    try made { ct_gated_activation(handle, up.handle, activation.rawValue, $0) }
  }

  /// Rotary positions: the halves of the first R values of each head of `[T, heads, D]` rotated by cosines and sines `[T, R/2]` in float32; the
  /// other D − R values stay as they are.
  public func rotated(cosine: Tensor, sine: Tensor) throws -> Tensor {
    try made { ct_rotary(handle, cosine.handle, sine.handle, $0) }
  }

  /// The unscaled rotation per place of each pair of a head's values, 1 / base^(2i / dimension): `[dimension / 2]` float32.
  public static func rotaryFrequencies(base: Double, dimension: Int) throws -> Tensor {
    try made { ct_rotary_frequencies(base, Int64(dimension), $0) }
  }

  /// Cosines and sines `[T, D/2]` in float32 of these places `[T]` times frequencies, `[D/2]` or for each token `[T, D/2]`.
  public func rotaryTables(frequencies: Tensor) throws -> (cosine: Tensor, sine: Tensor) {
    var cosine: ct_tensor?
    var sine: ct_tensor?
    try check(ct_rotary_tables(handle, frequencies.handle, &cosine, &sine))
    guard let cosine, let sine else { throw TorchError("rotary tables: an operation left no tensor behind") }
    return (Tensor(cosine), Tensor(sine))
  }

  /// Causal attention of packed samples, with a gate on every head's output.
  ///
  /// The gradient by a gate is Σ_d ∂L/∂O ⊙ O over that token's and head's values, which equals Σ_k Γ ⊙ ∂L/∂Γ over the row of the
  /// attention matrix, without the matrix (METHOD §1).
  ///
  /// - Parameters:
  ///   - keys: `[S, K, D]`; K divides H.
  ///   - values: `[S, K, D]`.
  ///   - gates: `[T, H]` in float32, or nil for none.
  ///   - bounds: which rows belong together.
  ///   - scale: the factor on the products of queries and keys.
  ///   - window: how many keys a query sees at most, itself included; nil for all.
  ///   - softcap: c where scaled products x become c · tanh(x / c) before the softmax; nil where they stay as they are.
  ///   - saliency: `[T, H]` float32; the backward pass writes Σ_k |Γ ⊙ ∂L/∂Γ| into it.
  /// - Returns: `[T, H·D]`.
  public func packedAttention(
    keys: Tensor, values: Tensor, gates: Tensor?, bounds: PackedBounds, scale: Double, window: Int? = nil, softcap: Double? = nil,
    saliency: Tensor? = nil
  ) throws -> Tensor {
    let samples = bounds.queries.count - 1
    guard samples >= 0, bounds.keyStarts.count == samples, bounds.keyCounts.count == samples else {
      throw TorchError("packed attention: \(samples) samples need as many places of keys, not \(bounds.keyStarts.count)")
    }
    if let parents = bounds.parents, parents.count != samples {
      throw TorchError("packed attention: \(samples) samples need as many parents, not \(parents.count)")
    }
    let queryBounds = bounds.queries.map(Int64.init)
    let starts = bounds.keyStarts.map(Int64.init)
    let counts = bounds.keyCounts.map(Int64.init)
    let parents = (bounds.parents ?? []).map { Int64($0 ?? -1) }
    return try queryBounds.withUnsafeBufferPointer { queryBounds in
      try starts.withUnsafeBufferPointer { starts in
        try counts.withUnsafeBufferPointer { counts in
          try parents.withUnsafeBufferPointer { parents in
            let options = ct_attention_options(
              query_bounds: queryBounds.baseAddress, key_starts: starts.baseAddress, key_counts: counts.baseAddress,
              samples: Int32(samples), scale: scale, window: Int64(window ?? 0), saliency: saliency?.handle,
              parents: bounds.parents == nil ? nil : parents.baseAddress, softcap: softcap ?? 0)
            return try made { ct_packed_attention(handle, keys.handle, values.handle, gates?.handle, options, $0) }
          }
        }
      }
    }
  }

  /// Cross-entropy of the vocabulary projection of these hidden states, without ever holding all logits.
  ///
  /// - Parameters:
  ///   - weight: `[V, n]`, of any floating-point type.
  ///   - bias: `[V]`.
  ///   - targets: `[M]` int64, one for each row of this `[M, n]`.
  ///   - labelWeights: `[M]` float32.
  ///   - chunk: how many rows' logits exist at a time.
  ///   - softcap: c where logits x become c · tanh(x / c); nil where they stay as they are.
  /// - Returns: Σ weightᵢ · cross-entropyᵢ, a scalar in float32, and the rows' own cross-entropies `[M]`.
  public func linearCrossEntropy(
    weight: Tensor, bias: Tensor? = nil, targets: Tensor, labelWeights: Tensor, chunk: Int, softcap: Double? = nil
  ) throws -> (loss: Tensor, each: Tensor) {
    var loss: ct_tensor?
    var each: ct_tensor?
    try check(
      ct_linear_cross_entropy(
        handle, weight.handle, bias?.handle, targets.handle, labelWeights.handle, Int64(chunk), softcap ?? 0, &loss, &each))
    guard let loss, let each else { throw TorchError("linear cross-entropy: an operation left no tensor behind") }
    return (Tensor(loss), Tensor(each))
  }
}
