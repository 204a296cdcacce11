import Foundation
public import Instructions

/// A file or folder of a task's data with the task's name.
public struct TaskFile: NamedFile {
  /// The file, the folder, or `owner/name` of a downloaded dataset.
  public var path: String
  /// The task's name in place of the file's own; nil for that.
  public let givenName: String?

  /// A file; its task goes by the file's name where none is given.
  public init(_ path: String, name: String? = nil) {
    self.path = path
    givenName = name
  }

  /// Where the data lies, for the library.
  public var source: DataSource { DataSource(URL(filePath: path), task: givenName) }

  func mappingPaths(_ change: (String) -> String) -> TaskFile {
    var file = self
    file.path = changedPath(path, change)
    return file
  }
}
