import Foundation

/// A failure that a command tells in one sentence.
struct CommandError: Error, CustomStringConvertible, LocalizedError {
  let description: String
  var errorDescription: String? { description }
  init(_ description: String) { self.description = description }
}

/// Fails now, not after an hour's work, where the folder of an output does not exist or cannot be written.
func requireFolder(of output: URL) throws {
  let folder = output.deletingLastPathComponent().path(percentEncoded: false)
  var isDirectory: ObjCBool = false
  guard FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory), isDirectory.boolValue else {
    throw CommandError("the folder \(folder) of --out does not exist; make it first")
  }
  guard FileManager.default.isWritableFile(atPath: folder) else {
    throw CommandError("the folder \(folder) of --out cannot be written to; choose another, or change its permissions")
  }
}
