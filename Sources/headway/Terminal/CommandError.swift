import Foundation

/// A failure that a command tells in one sentence.
struct CommandError: Error, CustomStringConvertible, LocalizedError {
  let description: String
  var errorDescription: String? { description }
  init(_ description: String) { self.description = description }
}
