public import Foundation

/// A training run that cannot start or go on, and what to do about it.
public struct TrainingError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// One sentence: what, where, remedy.
  public let description: String
  /// The same text, for Foundation.
  public var errorDescription: String? { description }

  /// An error with its sentence.
  public init(_ description: String) { self.description = description }
}
