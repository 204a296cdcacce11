public import CheckpointFiles
import Torch

extension CausalDecoder {
  /// What a pass with frozen weights that is walked back keeps of one token, in bytes, all layers together: the outputs of the linear layers, which
  /// are the inputs of what follows them, and the heads' outputs. An estimate; what does not grow with the layers is left out.
  public var activationBytesPerToken: Int { activationBytesPerToken(in: elementType) }

  /// The same where it computes in another element type.
  public func activationBytesPerToken(in elementType: ElementType) -> Int {
    let outputs = parameters.reduce(0) { $1.isLinear ? $0 + $1.linearShape.outputs : $0 }
    return (outputs + shape.layers * shape.attentionHeads * shape.headDimension) * elementType.byteWidth
  }

  /// What a pass over so many tokens takes of the memory, in bytes.
  /// - Parameter keepsActivations: whether all layers' activations are kept; where not, what goes into each layer is, and one layer's activations at a time.
  public func activationBytes(tokens: Int, keepsActivations: Bool) -> Int {
    guard !keepsActivations else { return tokens * activationBytesPerToken }
    let layers = max(1, shape.layers)
    return tokens * (activationBytesPerToken / layers + (layers + 1) * shape.hiddenSize * elementType.byteWidth)
  }
}
