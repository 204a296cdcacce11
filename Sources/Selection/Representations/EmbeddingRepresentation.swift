public import Foundation

/// Position-weighted means of the last hidden states (RDS+, Ivison et al. 2025). Likeness is the cosine.
public struct EmbeddingRepresentation: FileRepresentation {
  public let name = "embedding"
  public let hasTarget = true

  /// The representation.
  public init() {}

  public func open(target: URL?, pool: [URL], _ options: RepresentationOptions) throws -> any OpenRepresentation {
    try OpenRows(.embedding, target: target, pool: pool, by: .cosine)
  }
}
