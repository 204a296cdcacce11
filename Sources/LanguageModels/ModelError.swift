public import Foundation

/// A model folder that cannot be used, and what to do about it.
public struct ModelError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// One sentence: what, where, remedy.
  public let description: String
  /// The same text, for Foundation.
  public var errorDescription: String? { description }

  /// An error with its sentence.
  public init(_ description: String) { self.description = description }
}
