import CTorch

/// Adaptive moments with decoupled weight decay (Loshchilov and Hutter 2019), in one pass over memory: float32 weights that are updated in
/// place, and for each its gradient's sum and two moments.
///
///     m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²
///     w ← w − η λ w − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
public final class AdamW: Optimizer {
  /// The numbers that stay the same over a run.
  public struct Options: Sendable, Hashable {
    /// How slowly the mean of the gradients forgets, β₁.
    public var beta1: Double
    /// How slowly the mean of their squares forgets, β₂.
    public var beta2: Double
    /// Keeps the divisor from zero, ε.
    public var epsilon: Double
    /// The share of a weight that an update at learning rate 1 takes away, λ; only of weights of two or more dimensions.
    public var weightDecay: Double

    /// Options; PyTorch's defaults but for the weight decay, which is off.
    public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0) {
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  /// The options.
  public let options: Options
  /// The weights, float32, written in place.
  public let weights: [Tensor]
  /// The sum of each weight's gradients since the last update.
  public let gradients: [Tensor]
  /// The running means of the gradients, m.
  public let firstMoments: [Tensor]
  /// The running means of their squares, v.
  public let secondMoments: [Tensor]
  /// Updates done so far, t.
  public private(set) var updates: Int
  /// Whether each weight decays.
  private let decays: [Bool]

  /// An optimiser without history.
  /// - Parameter decays: whether each weight decays; nil for those of two or more dimensions.
  public init(_ weights: [Tensor], decays: [Bool]? = nil, options: Options) throws {
    self.options = options
    self.weights = weights
    self.decays = decays ?? weights.map { $0.shape.count >= 2 }
    guard self.decays.count == weights.count else {
      throw TorchError("AdamW: \(weights.count) weights need as many decays, not \(self.decays.count)")
    }
    func zeros() throws -> [Tensor] { try weights.map { try Tensor.zeros($0.shape, on: $0.device) } }
    gradients = try zeros()
    firstMoments = try zeros()
    secondMoments = try zeros()
    updates = 0
  }

  /// `first` and `second`, the two moments.
  public var memory: KeyValuePairs<String, [Tensor]> { ["first": firstMoments, "second": secondMoments] }

  /// Goes on where another run stood.
  public func restore(_ memory: [String: [Tensor]], updates: Int) throws {
    for (name, tensors) in self.memory { try Tensor.overwrite(tensors, with: memory[name] ?? []) }
    self.updates = updates
  }

  /// One update.
  /// - Parameters:
  ///   - learningRate: η.
  ///   - gradientDivisor: what the gradients are divided by first; their norm over its limit where that is exceeded.
  ///   - copies: of the weights, in other types, that get their new values; nil for none.
  public func update(learningRate: Double, gradientDivisor: Double, copies: [Tensor]?) throws {
    if let copies, copies.count != weights.count {
      throw TorchError("AdamW: \(weights.count) weights need as many copies, not \(copies.count)")
    }
    updates += 1
    let decaying = weights.indices.filter { decays[$0] }
    let plain = weights.indices.filter { !decays[$0] }
    for (members, decay) in [(decaying, options.weightDecay), (plain, 0)] {
      func handles(_ tensors: [Tensor]) -> [ct_tensor?] { members.map { tensors[$0].handle } }
      let numbers = ct_adamw_options(
        step: Int64(updates), learning_rate: learningRate, beta1: options.beta1, beta2: options.beta2, epsilon: options.epsilon,
        weight_decay: decay, gradient_divisor: gradientDivisor)
      let to = copies.map(handles)
      func step(_ to: UnsafePointer<ct_tensor?>?) -> Int32 {
        ct_adamw_step(
          handles(weights), handles(gradients), handles(firstMoments), handles(secondMoments), to, Int32(members.count), numbers)
      }
      try check(to?.withUnsafeBufferPointer { step($0.baseAddress) } ?? step(nil))
    }
  }
}
