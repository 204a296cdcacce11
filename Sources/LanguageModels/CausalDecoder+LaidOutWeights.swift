import CheckpointFiles
import Ground
import Torch

extension CausalDecoder {
  /// Lays the weights of all products out once for the way back, where the processor's products read such weights; otherwise every batch does so for itself.
  ///
  /// This takes as much memory as the weights, until the decoder is gone, and is done only where it fits into a quarter of what is free.
  /// What is computed is the same bit for bit.
  ///
  /// - Parameter tokens: how many gradients will be walked back through the weights.
  public func layOutWeights(tokens: Int) throws {
    guard device == .cpu, tokens >= fewestTokensForLaidOutWeights, try Engine.laysOut(elementType) else { return }
    var weights = parameters.filter { $0.isLinear && !$0.isTransposed && $0.tensor.elementType == elementType }.map(\.tensor)
    weights.append(outputProjection.weight)
    let bytes = weights.reduce(0) { $0 + $1.count * $1.elementType.byteWidth }
    guard let available = MachineMemory.available, bytes <= available / 4 else { return }
    for weight in weights { try weight.layOutForGradients() }
  }
}

/// With fewer there are too few batches to make up for the time that it takes, in which some thousands of tokens are computed whatever the model's size.
private let fewestTokensForLaidOutWeights = 8192
