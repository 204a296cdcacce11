import CheckpointFiles
import LanguageModels
import Ranks
import Torch

/// The weights that training changes: float32 masters, which the optimiser owns, and copies in the compute type, which the decoder reads.
///
/// At a learning rate of 1e-6 an update is far below bfloat16's 8 bits of mantissa; only the masters accumulate it. Where the compute type is
/// float32 the masters are the copies. Where several ranks train each owns a share of the masters (``WeightShares``), and what needs whole ones is done by
/// all of them together.
final class TrainableWeights {
  /// The decoder's parameters that are trained, in its order.
  let parameters: [Parameter]
  /// What this process's optimiser updates, float32: the parameters' values, or where ranks share them what this one owns.
  let masters: [Tensor]
  /// Whether each of `masters` decays.
  let decays: [Bool]
  /// What the decoder computes with: leaves that ask for their gradients.
  private let computed: [Tensor]
  /// How ranks share the weights; nil for one process.
  private let shares: WeightShares?
  private let ranks: RankGroup?
  let elementType: ElementType

  /// Takes over parameters, whose tensors hold their exact values: each becomes a leaf in `elementType`. What is float32 in memory of its own
  /// becomes the master itself.
  init(_ parameters: [Parameter], elementType: ElementType, ranks: RankGroup? = nil) throws {
    self.parameters = parameters
    self.elementType = elementType
    self.ranks = ranks
    if let ranks {
      let shares = try WeightShares(parameters.map(\.tensor), elementType: elementType, ranks: ranks)
      self.shares = shares
      (masters, decays) = (shares.masters, shares.layout.decays)
      computed = try shares.views.map { try $0.requiringGradient() }
    } else {
      shares = nil
      masters = try parameters.map { parameter in
        let tensor = parameter.tensor
        return tensor.elementType == .float32 && !tensor.isMapped ? tensor : try tensor.copied(as: .float32)
      }
      decays = masters.map { $0.shape.count >= 2 }
      computed = try masters.map { try (elementType == .float32 ? $0 : $0.copied(as: elementType)).requiringGradient() }
    }
    use(computed)
  }

  /// Sends the gradients of the compute copies to these sums, one for each of `masters`.
  func collectGradients(into sums: [Tensor]) throws {
    for (leaf, sum) in zip(computed, try shares?.sums(into: sums) ?? sums) { try leaf.collectGradient(into: sum) }
  }

  /// Says which batch of a window is the last of this rank, before any has begun; −1 for none.
  func begin(_ turns: GradientTurns, lastBatch: Int) throws { try shares?.begin(turns, lastBatch: lastBatch) }

  /// Waits until the sums hold the whole window's gradients.
  func finishGradients() throws { try shares?.finish() }

  /// The norm of all gradients together.
  func gradientNorm(_ optimizer: any Optimizer) throws -> Double {
    try shares?.norm(of: optimizer.gradients) ?? optimizer.gradientNorm()
  }

  /// Copies of the masters in the compute type, which an update brings to their new values; nil where the masters are the copies.
  var copies: [Tensor]? { shares.map(\.ownCopies) ?? (elementType == .float32 ? nil : computed) }

  /// Gives all ranks what an update changed.
  func publish() throws { try shares?.publish() }

  /// Brings masters and copies to other values.
  /// - Parameter values: whole weights in the order of the parameters.
  func overwrite(with values: [Tensor]) throws {
    if let shares {
      try shares.keep(values, in: masters)
      try Tensor.overwrite(shares.views, with: values)
    } else {
      try Tensor.overwrite(masters, with: values)
      if elementType != .float32 { try Tensor.overwrite(computed, with: masters) }
    }
  }

  /// What an optimiser remembers of this process's masters.
  /// - Parameter values: of whole weights, in the order of the parameters.
  func own(_ values: [Tensor]) throws -> [Tensor] {
    guard let shares else { return values }
    let kept = try masters.map { try Tensor.zeros($0.shape) }
    try shares.keep(values, in: kept)
    return kept
  }

  /// A parameter's float32 value, frozen. All ranks ask for the same ones in the same order; the first alone gets them.
  func master(_ index: Int) throws -> Tensor {
    guard let shares else { return try masters[index].detached() }
    return elementType == .float32 ? try computed[index].detached() : try shares.whole(index, of: masters, "masters", for: 0)
  }

  /// What an optimiser remembers of a parameter, likewise.
  /// - Parameters:
  ///   - name: what it calls that.
  ///   - memory: what it remembers of `masters`.
  func memory(_ name: String, _ memory: [Tensor], _ index: Int) throws -> Tensor {
    try shares?.whole(index, of: memory, name, for: 0) ?? memory[index]
  }

  /// Runs `body`, in which whole weights are asked for, on all ranks; what the first writes the others need not.
  /// - Parameter others: what they do instead: ask for the same weights.
  func gathering<Result>(_ body: () throws -> Result, others: () throws -> Result) rethrows -> Result {
    shares?.forget()
    defer { shares?.forget() }
    return try ranks.writes ? body() : others()
  }

  /// Runs `body` with the decoder reading the masters, frozen: what was trained, not its rounding.
  func withMasters<Result>(_ body: () throws -> Result) throws -> Result {
    shares?.forget()
    defer { shares?.forget() }
    use(
      try parameters.indices.map { index in
        guard let shares, elementType != .float32 else { return try master(index) }
        return try shares.whole(index, of: masters, "masters", for: nil)
      })
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
