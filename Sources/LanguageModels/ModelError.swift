import Foundation
public import Ground

/// A model folder that cannot be used, and what to do about it.
public struct ModelError: ExplainedError, Equatable {
  /// One sentence: what, where, remedy.
  public let message: Message

  /// An error with its sentence.
  public init(_ message: Message) { self.message = message }
}
