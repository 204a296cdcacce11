import Ground
public import Torch

extension CausalDecoder {
  /// How many labels' logits exist at a time. 2²⁴ logits are 32 MiB in bfloat16; with fewer than 256 labels of a large vocabulary, laying out its weight,
  /// which is done once a chunk, would take too large a share.
  public var labelChunk: Int { min(1024, max(256, (1 << 24) / max(1, shape.vocabularySize))) }

  /// The loss of hidden states `[M, hidden]` at the labels of a batch, weighted by its label weights, and each label's own cross-entropy `[M]`.
  public func labelLoss(of hidden: Tensor, _ batch: PackedBatch) throws -> (loss: Tensor, each: Tensor) {
    let projection = outputProjection
    return try hidden.linearCrossEntropy(
      weight: projection.weight, bias: projection.bias, targets: try Tensor(batch.targets).moved(to: device),
      labelWeights: try Tensor(batch.labelWeights, shape: [batch.labelWeights.count]).moved(to: device), chunk: labelChunk,
      softcap: logitSoftcap)
  }

  /// Computes the loss of a batch and walks back from it to every leaf that asks for its gradient: weights under training, gates.
  ///
  /// - Parameters:
  ///   - pass: over the batch, cut to the rows of its labels.
  ///   - batch: the samples and the weights of their labels.
  ///   - keepsActivations: whether all layers' activations are kept for the way back. Where not, only what goes into each layer is, and the layer is
  ///     computed again: a third more work, memory of the residual stream only.
  /// - Returns: the loss, a scalar, and each label's own cross-entropy `[M]`.
  public func backpropagateLoss(
    _ pass: ForwardPass, _ batch: PackedBatch, keepsActivations: Bool
  ) throws -> (loss: Tensor, each: Tensor) {
    var pass = pass
    guard !keepsActivations else {
      let found = try labelLoss(of: hiddenStates(of: pass), batch)
      try backpropagate(from: [found.loss])
      return found
    }
    let beginning = try begin(&pass).resolved()
    var inputs: [Tensor] = []
    let last: Tensor = try withoutGradients {
      var stream = ResidualStream(try beginning.detached())
      for index in 0..<shape.layers {
        let input = try stream.resolved()
        inputs.append(input)
        stream = try layer(index, ResidualStream(input), pass)
      }
      return try stream.resolved()
    }
    let top = try last.requiringGradient()
    let found = try labelLoss(of: finish(ResidualStream(top)), batch)
    try backpropagate(from: [found.loss])
    var gradient = try top.takenGradient("hidden states")
    for index in (0..<shape.layers).reversed() {
      // Frozen embeddings ask for nothing below the lowest layer.
      let isAsked = index > 0 || beginning.requiresGradient
      let input = isAsked ? try inputs[index].requiringGradient() : inputs[index]
      inputs.removeLast()
      let output = try layer(index, ResidualStream(input), pass).resolved()
      if output.requiresGradient { try backpropagate(from: [output], seeds: [gradient]) }
      if isAsked { gradient = try input.takenGradient("input of layer \(index)") }
    }
    if beginning.requiresGradient { try backpropagate(from: [beginning], seeds: [gradient]) }
    return found
  }
}

extension HeadGates {
  /// What walking back left with the gates, `[T, H]` a layer, taken away from them.
  public func takeGradients() throws -> [Tensor] {
    try layers.enumerated().map { index, gate in try gate.takenGradient("gates of layer \(index)") }
  }
}

extension PackedBatch {
  /// Each sample's mean, in double precision, of a figure of its labels `[M]`.
  public func sampleMeans(of each: Tensor) throws -> [Double] {
    let values = try each.doubles()
    return (0..<sampleCount).map { number in
      let labels = labelBounds[number]..<labelBounds[number + 1]
      return labels.reduce(0) { $0 + values[$1] } / Double(max(1, labels.count))
    }
  }
}

extension Tensor {
  /// The leaf's gradient, taken away from it; what has none is a mistake of a decoder.
  fileprivate func takenGradient(_ what: String) throws -> Tensor {
    guard let gradient = try takeGradient() else {
      throw ModelError("the loss does not depend on the \(what): the decoder leaves them out")
    }
    return gradient
  }
}
