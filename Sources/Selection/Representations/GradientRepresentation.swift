import ActivationPatterns
public import Foundation
import Ground

/// Gradients of low-rank adapters (LESS, Xia et al. 2024): how much a step on a sample of the pool lowers the target's loss, at first order. Likeness is
/// Σ_i η_i cos(∇̄ℓ(target; θ_i), Γ(sample; θ_i)) / Σ_i η_i over the checkpoints i of a warm-up, with the direction Γ in which Adam steps.
public struct GradientRepresentation: FileRepresentation {
  /// `gradient` in settings.
  public let name = "gradient"
  /// A step is judged by the target's loss.
  public let hasTarget = true

  /// The representation.
  public init() {}

  /// Opens files of projected gradients of one training, the target's of the role `target` and the pool's of the role `pool`.
  /// - Throws: `SelectionError` where they are of different trainings, checkpoints, projections or roles.
  public func open(target: URL?, pool: [URL], _ options: RepresentationOptions) throws -> any OpenRepresentation {
    let open = try OpenRows(.gradient, target: target, pool: pool, by: .cosine)
    for file in open.files where file.role != (file.url == target ? .target : .pool) {
      let wanted: RepresentationFile.Role = file.url == target ? .target : .pool
      throw SelectionError(
        "\(file.url.path(percentEncoded: false)) holds gradients as a \(file.role?.rawValue ?? "nothing") has them, where those of a \(wanted.rawValue) belong; make them again with \(setting: Setting("role", value: wanted.rawValue))"
      )
    }
    return open
  }
}
