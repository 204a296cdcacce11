/// How a head's level is read off one sample (METHOD §2): Γ is the attention matrix, ∂L/∂Γ the gradient of the sample's loss by it.
public enum Score: String, Sendable, Hashable, CaseIterable, Codable {
  /// |Σ_qk Γ ⊙ ∂L/∂Γ|, what the paper's authors released.
  case magnitude
  /// Σ_qk Γ ⊙ ∂L/∂Γ, equation 2 read literally; −signed predicts what switching the head off does to the loss.
  case signed
  /// Σ_q |Σ_k Γ ⊙ ∂L/∂Γ| (Michel et al. 2019).
  case token
  /// Σ_qk |Γ ⊙ ∂L/∂Γ| (Wang et al. 2023).
  case saliency
}
