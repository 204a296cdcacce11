public import Foundation

/// A checkpoint or pattern file whose contents are not what they should be.
public struct CheckpointError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The file as the caller named it.
  public let path: String
  /// The tensor that is wrong, where it is one tensor.
  public let tensor: String?
  /// What is wrong.
  public let problem: String
  /// What to do about it.
  public let remedy: String

  /// Makes the error from its parts.
  public init(path: String, tensor: String? = nil, problem: String, remedy: String) {
    self.path = path
    self.tensor = tensor
    self.problem = problem
    self.remedy = remedy
  }

  /// One sentence: what, where, remedy.
  public var description: String {
    if let tensor { "\(path): tensor \(tensor.debugDescription) \(problem); \(remedy)" } else { "\(path): \(problem); \(remedy)" }
  }
  /// The same text, for Foundation.
  public var errorDescription: String? { description }
}
