import CheckpointFiles
import Ground
import Torch

extension CausalDecoder {
  /// Lays out the weights of all products, once, where that is worth it: every batch would do so for itself, which takes a tenth of its time where it is small.
  ///
  /// They take as much memory as the weights in each direction, which they get where a quarter of what is free has room, and go with the decoder. What is
  /// computed is the same bit for bit.
  ///
  /// - Parameters:
  ///   - tokens: how many will go through the weights.
  ///   - backward: whether gradients are walked back through them.
  public func layOutWeights(tokens: Int, backward: Bool) throws {
    guard device == .cpu, tokens >= fewestTokensForLaidOutWeights, try Engine.laysOut(elementType) else { return }
    var weights = parameters.filter { $0.isLinear && !$0.isTransposed && $0.tensor.elementType == elementType }.map(\.tensor)
    weights.append(outputProjection.weight)
    let bytes = weights.reduce(0) { $0 + $1.count * $1.elementType.byteWidth } * (backward ? 2 : 1)
    guard let available = MachineMemory.available, bytes <= available / 4 else { return }
    for weight in weights { try weight.layOutForProducts(backward: backward) }
  }
}

/// With fewer there are too few batches to make up for the time that it takes.
private let fewestTokensForLaidOutWeights = 2048
