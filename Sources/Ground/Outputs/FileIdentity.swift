public import Foundation

/// Which file or folder lies at a path, whatever it is called there: its device and the number of its inode. Links are followed, so two names of
/// one file are equal.
public struct FileIdentity: Sendable, Hashable {
  private let device: UInt64
  private let inode: UInt64

  /// What a path leads to; nil where nothing is there.
  public init?(at url: URL) { self.init(at: url.path(percentEncoded: false)) }

  init?(at path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  /// What an open file is, whatever has become of its name.
  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(truncatingIfNeeded: status.st_ino)
  }

  /// Whether what a path leads to is this folder or lies in it, however deep.
  public func contains(_ url: URL) -> Bool {
    guard let real = realpath(url.path(percentEncoded: false), nil) else { return false }
    defer { free(real) }
    var path = String(cString: real)
    while FileIdentity(at: path) != self {
      guard path != "/" else { return false }
      path = (path as NSString).deletingLastPathComponent
    }
    return true
  }
}

/// What a name stands for by itself: unlike most questions about files this one does not follow a link.
public enum FileKind: Sendable {
  case file, folder, link, other

  /// What a name stands for; nil where it does not exist.
  public init?(of url: URL) {
    let path = url.path(percentEncoded: false)
    // With a slash at its end a link to a folder would pass for the folder.
    self.init(of: path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
  }

  init?(of path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    self =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .folder
      case S_IFLNK: .link
      default: .other
      }
  }
}
