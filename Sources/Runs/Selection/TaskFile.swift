import Foundation
import Ground

/// A file or folder of a task's data with the task's name; in records and on the command line `NAME=FILE`, or `FILE` where its own name is the task's.
public struct TaskFile: Codable, Sendable, Hashable {
  /// The file, the folder, or `owner/name` of a downloaded dataset.
  public var path: String
  private var givenName: String?

  /// A file, with a name where its own is not the task's.
  public init(_ path: String, name: String? = nil) {
    self.path = path
    givenName = name
  }

  /// Reads `NAME=FILE` or `FILE`. A file whose own name has an equals sign is taken as it is.
  public init(text: String) {
    if let mark = text.firstIndex(of: "="), mark > text.startIndex, !FileManager.default.fileExists(atPath: text) {
      self.init(String(text[text.index(after: mark)...]), name: String(text[..<mark]))
    } else {
      self.init(text)
    }
  }

  public init(from decoder: any Swift.Decoder) throws {
    self.init(text: try decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  /// As it is written in records.
  public var text: String { givenName.map { "\($0)=\(path)" } ?? path }

  /// The task's name: the one given, or the file's without extension.
  public var name: String { givenName ?? URL(filePath: path).deletingPathExtension().lastPathComponent }

  func mappingPaths(_ change: (String) -> String) -> TaskFile {
    var file = self
    file.path = changedPath(path, change)
    return file
  }
}
