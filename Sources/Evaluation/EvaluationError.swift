import Foundation
public import Ground

/// A question that cannot be asked or scored, and what to do about it.
public struct EvaluationError: ExplainedError, Hashable {
  /// One sentence: what, where, remedy.
  public let message: Message

  /// An error with its sentence.
  public init(_ message: Message) { self.message = message }
}
