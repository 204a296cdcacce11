/// What Adam remembers at a checkpoint, and the direction in which it would step from there by a sample's gradient (LESS, Xia et al. 2024, §3.1):
///
///     m' = β₁ m + (1 − β₁) g      v' = β₂ v + (1 − β₂) g²      Γ = m' / √(v' + ε)
///
/// As the authors' program has it: without the correction for the first steps' bias, and with ε under the root.
public struct AdamMoments: Sendable {
  private let first: [Float]
  private let second: [Float]
  // β and 1 − β, each rounded once from double precision, as PyTorch's scalars are.
  private let old1, new1, old2, new2, epsilon: Float

  /// Moments of weights that lie end to end, each [P].
  init(first: [Float], second: [Float], _ settings: OptimizerSettings) {
    self.first = first
    self.second = second
    (old1, new1) = (Float(settings.beta1), Float(1 - settings.beta1))
    (old2, new2) = (Float(settings.beta2), Float(1 - settings.beta2))
    epsilon = Float(settings.epsilon)
  }

  /// Replaces a gradient [P] by the step's direction.
  public func direct(_ gradient: inout [Float]) {
    gradient.withUnsafeMutableBufferPointer { gradient in
      first.withUnsafeBufferPointer { first in
        second.withUnsafeBufferPointer { second in
          for place in 0..<min(gradient.count, first.count, second.count) {
            let g = gradient[place]
            let m = old1 * first[place] + new1 * g
            let v = old2 * second[place] + new2 * (g * g)
            gradient[place] = m / (v + epsilon).squareRoot()
          }
        }
      }
    }
  }
}
