/// What is measured of an attention head: how its weights Γ and their gradients are folded into one number a sample.
public enum Score: String, Sendable, Hashable, CaseIterable, Codable, CustomStringConvertible {
  /// |Σ_qk Γ ⊙ ∂L/∂Γ|, the released script's score; rankings use it.
  case magnitude
  /// Σ_qk Γ ⊙ ∂L/∂Γ, equation 2 read literally; predictions of ablation use it.
  case signed
  /// Σ_q |Σ_k Γ ⊙ ∂L/∂Γ|, the per-position form of Michel et al. (2019).
  case token
  /// Σ_qk |Γ ⊙ ∂L/∂Γ|, the form of Wang et al. (2023).
  case saliency

  /// Its name on the command line and in files.
  public var description: String { rawValue }
}
