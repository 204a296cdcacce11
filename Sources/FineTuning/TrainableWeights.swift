import CheckpointFiles
import LanguageModels
import Torch

/// The weights that training changes: float32 masters, which the optimiser owns, and copies in the compute type, which the decoder reads.
///
/// At a learning rate of 1e-6 an update is far below bfloat16's 8 bits of mantissa; only the masters accumulate it. Where the compute type is
/// float32 the masters are the copies.
final class TrainableWeights {
  /// The decoder's parameters that are trained, in its order.
  let parameters: [Parameter]
  /// Their float32 values.
  let masters: [Tensor]
  /// What the decoder computes with: leaves that ask for their gradients.
  private let computed: [Tensor]
  let elementType: ElementType

  /// Takes over parameters, whose tensors hold their exact values: each becomes a leaf in `elementType`. What is float32 in memory of its own
  /// becomes the master itself.
  init(_ parameters: [Parameter], elementType: ElementType) throws {
    self.parameters = parameters
    self.elementType = elementType
    masters = try parameters.map { parameter in
      let tensor = parameter.tensor
      return tensor.elementType == .float32 && !tensor.isMapped ? tensor : try tensor.copied(as: .float32)
    }
    computed = try masters.map { try (elementType == .float32 ? $0 : $0.copied(as: elementType)).requiringGradient() }
    use(computed)
  }

  /// Sends the gradients of the compute copies to these sums.
  func collectGradients(into sums: [Tensor]) throws {
    for (leaf, sum) in zip(computed, sums) { try leaf.collectGradient(into: sum) }
  }

  /// The compute copies, which an update brings to the masters' new values; nil where the masters are the copies.
  var copies: [Tensor]? { elementType == .float32 ? nil : computed }

  /// Brings the compute copies to the masters' present values.
  func refresh() throws {
    guard elementType != .float32 else { return }
    try Tensor.overwrite(computed, with: masters)
  }

  /// Runs `body` with the decoder reading the masters, frozen: what was trained, not its rounding.
  func withMasters<Result>(_ body: () throws -> Result) throws -> Result {
    use(try masters.map { try $0.detached() })
    defer { use(computed) }
    return try body()
  }

  /// Runs `body` with the decoder reading the compute copies, frozen.
  func frozen<Result>(_ body: () throws -> Result) throws -> Result {
    use(try computed.map { try $0.detached() })
    defer { use(computed) }
    return try body()
  }

  private func use(_ tensors: [Tensor]) {
    for (parameter, tensor) in zip(parameters, tensors) { parameter.tensor = tensor }
  }
}
