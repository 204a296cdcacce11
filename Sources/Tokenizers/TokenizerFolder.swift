import Foundation

/// Where tokenizer files come from: a folder on disk, or files in memory.
enum TokenizerFolder {
  case disk(URL)
  case memory([String: Data])

  /// No tokenizer file is larger; a file beyond this is refused unread.
  private static let greatestFileSize = 1 << 30

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
      do {
        let attributes = try FileManager.default.attributesOfItem(atPath: url.resolvingSymlinksInPath().path)
        guard attributes[.size] as? Int ?? 0 <= Self.greatestFileSize else {
          throw TokenizerError.unreadable(file: name, reason: "it is larger than 1 GiB")
        }
        return try Data(contentsOf: url)
      } catch let error as TokenizerError {
        throw error
      } catch {
        throw .unreadable(file: name, reason: error.localizedDescription)
      }
    }
  }
}
