import CTorch

/// Updates weights from the sums of their gradients, in place, and remembers something of each weight from update to update.
///
/// Trainers and checkpoints know an optimiser by this alone: what it remembers has names, under which a checkpoint holds it.
public protocol Optimizer: AnyObject {
  /// The weights, float32, written in place.
  var weights: [Tensor] { get }
  /// The sum of each weight's gradients since the last update, float32, of the weights' shapes.
  var gradients: [Tensor] { get }
  /// What it remembers, by name: for each weight a float32 tensor of its shape.
  var memory: KeyValuePairs<String, [Tensor]> { get }
  /// Updates done so far.
  var updates: Int { get }

  /// One update, which leaves all sums of gradients at zero.
  /// - Parameters:
  ///   - learningRate: the step's length.
  ///   - gradientDivisor: what the gradients are divided by first; their norm over its limit where that is exceeded.
  ///   - copies: of the weights, in other types, that get their new values; nil for none.
  func update(learningRate: Double, gradientDivisor: Double, copies: [Tensor]?) throws

  /// Goes on where another run stood.
  /// - Parameters:
  ///   - memory: what that run's optimiser remembered, by the names of `memory`.
  ///   - updates: how many updates it had made.
  /// - Throws: `TorchError` where it is not the weights' in number and shapes.
  func restore(_ memory: [String: [Tensor]], updates: Int) throws
}

extension Optimizer {
  /// √Σ g² over all gradients.
  public func gradientNorm() throws -> Double { try Tensor.norm(of: gradients) }
}
