import Foundation
import Ground

/// Where tokenizer files come from: a folder on disk, or files in memory.
enum TokenizerFolder {
  case disk(URL)
  case memory([String: Data])

  /// The folder's name, for messages.
  var name: String {
    switch self {
    case .disk(let url): url.path
    case .memory: "the folder"
    }
  }

  /// The bytes of a file, nil where it is not there.
  func read(_ name: String) throws(TokenizerError) -> Data? {
    switch self {
    case .memory(let files): return files[name]
    case .disk(let folder):
      let url = folder.appendingPathComponent(name)
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) else { return nil }
      guard !isDirectory.boolValue else { throw .unreadable(file: name, reason: "it is a folder") }
      do throws(FileError) {
        return try InputFile.contents(of: url, limit: TokenizerLimits.fileBytes)
      } catch {
        throw .unreadable(file: name, reason: "\(error.reason); \(error.remedy)")
      }
    }
  }
}
