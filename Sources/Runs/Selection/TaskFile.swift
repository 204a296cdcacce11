/// A file or folder of a task's data with the task's name.
public struct TaskFile: NamedFile {
  /// The file, the folder, or `owner/name` of a downloaded dataset.
  public var path: String
  public let givenName: String?

  public init(_ path: String, name: String? = nil) {
    self.path = path
    givenName = name
  }

  func mappingPaths(_ change: (String) -> String) -> TaskFile {
    var file = self
    file.path = changedPath(path, change)
    return file
  }
}
