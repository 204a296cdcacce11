import Ground
public import Torch

/// What is measured of an attention head: how its weights Γ and their gradients are folded into one number a sample. Everything that makes a
/// score is in this file.
public enum Score: String, Sendable, Hashable, CaseIterable, Codable, CustomStringConvertible {
  /// |Σ_qk Γ ⊙ ∂L/∂Γ|, the released script's score; rankings use it.
  case magnitude
  /// Σ_qk Γ ⊙ ∂L/∂Γ, equation 2 read literally; predictions of ablation use it.
  case signed
  /// Σ_q |Σ_k Γ ⊙ ∂L/∂Γ|, the per-position form of Michel et al. (2019).
  case token
  /// Σ_qk |Γ ⊙ ∂L/∂Γ|, the form of Wang et al. (2023).
  case saliency
  /// The part of `token` at queries that predict no label: what a head does to read the prompt. 0 in the last layer, whose prompt reaches no label.
  case tokenPrompt = "token-prompt"
  /// The part of `token` at queries that predict a label: what a head does to write the response. The two parts add up to `token`.
  case tokenResponse = "token-response"

  /// Its name on the command line and in files.
  public var description: String { rawValue }

  /// What a measuring pass over packed samples leaves of one layer.
  public struct Evidence {
    /// The gradients by the gates, ∂L/∂ξ = Σ_k Γ ⊙ ∂L/∂Γ of each query and head, [T, H].
    public let gates: Tensor
    /// Σ_k |Γ ⊙ ∂L/∂Γ| of each query and head, [T, H]; nil where no score `readsWeights`.
    public let weights: Tensor?
    /// 1 for each query that predicts a label, else 0, [T, 1]; nil where no score `readsLabels`.
    public let labels: Tensor?
    /// Where each sample's tokens begin, and where the last one's end, [B + 1].
    public let bounds: [Int]

    /// Evidence of one layer.
    public init(gates: Tensor, weights: Tensor?, labels: Tensor?, bounds: [Int]) {
      self.gates = gates
      self.weights = weights
      self.labels = labels
      self.bounds = bounds
    }
  }

  /// Whether the gates do not tell it, so that the pass must look at every attention weight.
  public var readsWeights: Bool {
    switch self {
    case .magnitude, .signed, .token, .tokenPrompt, .tokenResponse: false
    case .saliency: true
    }
  }

  /// Whether it tells queries that predict a label from those that do not.
  public var readsLabels: Bool {
    switch self {
    case .magnitude, .signed, .token, .saliency: false
    case .tokenPrompt, .tokenResponse: true
    }
  }

  /// What each token has of the levels of one layer's heads, [T, H]: over a sample's tokens it sums up to the sample's level, of which `magnitude`
  /// is the absolute value.
  /// - Throws: `PatternError` where the evidence lacks what the score reads.
  public func tokenLevels(from evidence: Evidence) throws -> Tensor {
    switch self {
    case .magnitude, .signed: return evidence.gates
    case .token: return try evidence.gates.absolute()
    case .saliency:
      guard let weights = evidence.weights else {
        throw PatternError(
          problem: "the score \(self) reads attention weights, which the pass did not keep",
          remedy: "measure with a probe of this \(setting: .score)")
      }
      return weights
    case .tokenPrompt, .tokenResponse:
      guard let labels = evidence.labels else {
        throw PatternError(
          problem: "the score \(self) asks which queries predict a label, which the pass did not keep",
          remedy: "measure with a probe of this \(setting: .score)")
      }
      return try evidence.gates.absolute() * (self == .tokenResponse ? labels : labels * -1 + 1)
    }
  }

  /// Each sample's levels of one layer's heads, [B · H].
  /// - Throws: `PatternError` where the evidence lacks what the score reads.
  public func levels(from evidence: Evidence) throws -> [Float] {
    let sums = try tokenLevels(from: evidence).segmentSums(bounds: evidence.bounds).floats()
    return self == .magnitude ? sums.map(abs) : sums
  }
}
