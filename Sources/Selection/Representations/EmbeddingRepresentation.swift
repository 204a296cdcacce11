public import Foundation

/// Position-weighted means of the last hidden states (RDS+, Ivison et al. 2025). Likeness is the cosine.
public struct EmbeddingRepresentation: FileRepresentation {
  /// `embedding` in settings.
  public let name = "embedding"
  /// Samples are near to the target or far from it.
  public let hasTarget = true
  /// A few entries of hidden states are far larger than the rest: taken against the pool's mean and spread they count as much as any other.
  public let canBeStandardised = true

  /// The representation.
  public init() {}

  /// Opens files of embeddings of one model.
  /// - Throws: `SelectionError` where models or dimensions differ.
  public func open(target: URL?, pool: [URL], _ options: RepresentationOptions) throws -> any OpenRepresentation {
    try OpenRows(.embedding, target: target, pool: pool, by: .cosine, standardises: options.standardises)
  }
}
