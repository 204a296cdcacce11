public import Foundation

/// A file that could not be opened, read or written.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The file as the caller named it.
  public let path: String
  /// What was being done, as in "cannot *open* …".
  public let operation: String
  /// Why it failed.
  public let reason: String
  /// What to do about it.
  public let remedy: String

  /// Makes the error from its four parts.
  public init(path: String, operation: String, reason: String, remedy: String) {
    self.path = path
    self.operation = operation
    self.reason = reason
    self.remedy = remedy
  }

  /// Makes the error from an `errno` value and adds the remedy that fits it.
  public init(path: String, operation: String, code: Int32) {
    let remedy =
      switch code {
      case ENOENT: "check the path"
      case EACCES, EPERM, EROFS: "check who may read and write there, or choose another place"
      case ENOSPC, EDQUOT: "free some space there or choose another place"
      case EISDIR: "name a file"
      case ENOTDIR: "a part of the path that should be a folder is a file; check the path"
      case EMFILE, ENFILE: "raise the limit on open files (ulimit -n)"
      default: "check the disk and the path"
      }
    self.init(path: path, operation: operation, reason: String(cString: strerror(code)).lowercased(), remedy: remedy)
  }

  /// A file or folder that is no longer where a run was writing to it.
  static func vanished(_ path: String) -> FileError {
    FileError(
      path: path, operation: "write", reason: "it was moved or deleted while a run was writing to it",
      remedy: "continue the run where its files are now, or start it again")
  }

  /// One sentence: what, where, remedy.
  public var description: String { "cannot \(operation) \(path): \(reason); \(remedy)" }
  /// The same text, for Foundation.
  public var errorDescription: String? { description }
}
