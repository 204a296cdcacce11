import Foundation
public import Ground

/// A training run that cannot start or go on, and what to do about it.
public struct TrainingError: ExplainedError, Equatable {
  /// One sentence: what, where, remedy.
  public let message: Message

  /// An error with its sentence.
  public init(_ message: Message) { self.message = message }
}
