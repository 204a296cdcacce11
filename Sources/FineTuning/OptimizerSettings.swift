import Ground
import Torch

/// Which optimiser trains, and its numbers.
public struct OptimizerSettings: Sendable, Hashable {
  /// Its name in ``names``.
  public var name = "adamw"
  /// How slowly the mean of the gradients forgets, β₁.
  public var beta1 = 0.9
  /// How slowly the mean of their squares forgets, β₂.
  public var beta2 = 0.999
  /// Keeps the divisor from zero, ε.
  public var epsilon = 1e-8
  /// The share of a weight that an update at learning rate 1 takes away, λ; only of weights of two or more dimensions.
  public var weightDecay = 0.0

  /// AdamW with PyTorch's defaults but for the weight decay, which is off.
  public init() {}

  /// The names of all optimisers.
  public static var names: [String] { OptimizerKind.all.map(\.name) }

  /// Its kind.
  /// - Throws: `TrainingError` where there is none of the name.
  var kind: OptimizerKind {
    get throws {
      guard let kind = OptimizerKind.all.first(where: { $0.name == name }) else {
        throw TrainingError("there is no optimiser '\(name)'; choose one of \(OptimizerSettings.names.joined(separator: ", "))")
      }
      return kind
    }
  }
}

/// An optimiser that a run can ask for.
struct OptimizerKind: Sendable {
  /// Its name in settings.
  let name: String
  /// What it remembers of a weight, in bytes, and what that is called.
  let memory: (name: String, bytesPerWeight: Int)
  /// Makes one without history.
  let make: @Sendable (_ weights: [Tensor], _ decays: [Bool], OptimizerSettings) throws -> any Optimizer

  /// All of them; a new one is a line here and a file of its own in `Torch`.
  static let all = [
    OptimizerKind(name: "adamw", memory: ("moments", 8)) { weights, decays, settings in
      try AdamW(
        weights, decays: decays,
        options: .init(beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon, weightDecay: settings.weightDecay))
    }
  ]
}
