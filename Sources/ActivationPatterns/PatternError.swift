public import Foundation

/// Patterns that are unsound, or that cannot be put together as asked.
public struct PatternError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The file or pattern it is about, where it is one.
  public let subject: String?
  /// What is wrong.
  public let problem: String
  /// What to do about it.
  public let remedy: String

  /// Makes the error from its parts.
  public init(_ subject: String? = nil, problem: String, remedy: String) {
    self.subject = subject
    self.problem = problem
    self.remedy = remedy
  }

  /// One sentence: what, where, remedy.
  public var description: String { "\(subject.map { "\($0): " } ?? "")\(problem); \(remedy)" }
  /// The same text, for Foundation.
  public var errorDescription: String? { description }
}
