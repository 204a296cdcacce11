import Foundation
public import Ground

/// A measurement that cannot be made, and what to do about it.
public struct ProbingError: ExplainedError, Equatable {
  /// One sentence: what, where, remedy.
  public let message: Message

  /// An error with its sentence.
  public init(_ message: Message) { self.message = message }
}
