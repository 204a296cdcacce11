import Foundation
public import Ground

/// Samples that cannot be drawn or chosen as asked.
public struct SelectionError: ExplainedError, Equatable {
  /// One sentence: what, where, remedy.
  public let message: Message
  /// An error with its sentence.
  public init(_ message: Message) { self.message = message }
}

/// The settings that this room's messages name.
extension Setting {
  /// How many samples are drawn in all.
  static let total = Setting("total")
  /// Whether a task with too few samples gives them more than once.
  static let repeats = Setting("repeat")
  /// The target's file.
  static let target = Setting("target")
  /// What stands for a sample.
  static let representation = Setting("representation")
}
