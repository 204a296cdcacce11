import Foundation
public import Ground

/// Patterns that are unsound, or that cannot be put together as asked.
public struct PatternError: ExplainedError, Equatable {
  /// The file or pattern it is about, where it is one.
  public let subject: String?
  /// What is wrong.
  public let problem: Message
  /// What to do about it.
  public let remedy: Message

  /// Makes the error from its parts.
  public init(_ subject: String? = nil, problem: Message, remedy: Message) {
    self.subject = subject
    self.problem = problem
    self.remedy = remedy
  }

  /// One sentence: what, where, remedy.
  public var message: Message { "\(subject.map { "\($0): " } ?? "")\(problem); \(remedy)" }
}

/// The settings that this room's messages name.
extension Setting {
  /// Going on with patterns that were measured differently.
  static let mixed = Setting("mixed")
  /// Which score is looked at or measured.
  static let score = Setting("score")
  /// Keeping every sample's levels.
  static let perSample = Setting("per_sample")
  /// The patterns that a fit explains its target by.
  static let basics = Setting("basic")
  /// The probe set that a training run measures on its way.
  static let track = Setting("track")
}
