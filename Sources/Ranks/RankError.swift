import Foundation
public import Ground

/// Processes that cannot work together, or no longer do: one sentence that names the rank.
public struct RankError: ExplainedError, Equatable {
  /// What, which rank, and the remedy.
  public let message: Message
  /// An error with its sentence.
  public init(_ message: Message) { self.message = message }
}
