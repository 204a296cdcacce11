import Ground
import CheckpointFiles
public import Torch

/// A low-rank change of a linear layer (LoRA, Hu et al. 2021): y = W x + (α / r) · B A dropout(x), with W frozen.
public final class LowRankAdapter {
  /// A `[r, inputs]`.
  public let down: Parameter
  /// B `[outputs, r]`.
  public let up: Parameter
  /// The factor α / r.
  public let scale: Double
  /// The probability with which an element of x is left out while `dropoutSeed` is set.
  public let dropout: Double
  /// Set for a training pass and nil for all others. A pass that is computed again with the same seed drops the same elements.
  public var dropoutSeed: UInt64?

  /// An adapter of a linear layer's weight.
  /// - Parameters:
  ///   - name: the layer's name in checkpoints, without `.weight`.
  ///   - down: A.
  ///   - up: B.
  ///   - scale: α / r.
  ///   - dropout: the probability with which an element of x is left out in training.
  public init(layer name: String, down: Tensor, up: Tensor, scale: Double, dropout: Double = 0) {
    self.down = Parameter(name: "\(name).lora_A.weight", storedName: "\(name).lora_A.weight", tensor: down)
    self.up = Parameter(name: "\(name).lora_B.weight", storedName: "\(name).lora_B.weight", tensor: up)
    self.scale = scale
    self.dropout = dropout
  }

  /// The name of the layer that a weight belongs to.
  public static func layerName(of weight: Parameter) -> String {
    weight.name.hasSuffix(".weight") ? String(weight.name.dropLast(7)) : weight.name
  }

  /// What the adapter adds to the layer's output of `x` `[T, inputs]`: `[T, outputs]`.
  func change(of x: Tensor) throws -> Tensor {
    var input = x
    if let dropoutSeed, dropout > 0 {
      // A stream of its own for each layer.
      let stream = Fingerprint(of: down.name).value
      let mask = try RandomTensors(seed: dropoutSeed ^ stream).dropoutMask(x.shape, rate: dropout, elementType: x.elementType)
      input = try input * mask.moved(to: x.device)
    }
    let type = input.elementType
    func fitted(_ weight: Tensor) throws -> Tensor { weight.elementType == type ? weight : try weight.converted(to: type) }
    return try input.linear(fitted(down.tensor)).linear(fitted(up.tensor)) * scale
  }

  /// (α / r) · B A `[outputs, inputs]` in float32: what merging adds to the layer's weight.
  public func weightChange() throws -> Tensor {
    try up.tensor.converted(to: .float32).matrixProduct(down.tensor.converted(to: .float32)) * scale
  }
}
