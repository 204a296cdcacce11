public import Foundation

/// Writes folders whole or not at all: under a temporary name beside the destination, then renamed to it.
public enum AtomicFolder {
  /// Makes a folder and fills it; one that is there already is left as it is.
  /// - Throws: `FileError`, or what the closure throws; there is then no folder of that name.
  public static func create(_ destination: URL, _ fill: (URL) throws -> Void) throws {
    let path = bare(destination)
    guard FileKind(of: path) == nil else { return }
    let parent = (path as NSString).deletingLastPathComponent
    let temporary = (parent as NSString).appendingPathComponent(PartialName.make(for: (path as NSString).lastPathComponent))
    // The folder around it is not made anew: where it is gone, somebody took it away.
    guard FileKind(of: parent) != nil else { throw FileError.vanished(parent) }
    guard mkdir(temporary, 0o777) == 0 else { throw FileError(path: path, operation: "write", code: errno) }
    let descriptor = open(temporary, O_RDONLY | O_CLOEXEC)
    defer { if descriptor >= 0 { close(descriptor) } }
    if descriptor >= 0 { _ = flock(descriptor, LOCK_EX | LOCK_NB) }
    do {
      try fill(URL(filePath: temporary, directoryHint: .isDirectory))
    } catch {
      try? FileManager.default.removeItem(atPath: temporary)
      throw error
    }
    guard rename(temporary, path) == 0 else {
      let code = errno
      try? FileManager.default.removeItem(atPath: temporary)
      throw FileError(path: path, operation: "write", code: code)
    }
    AtomicFile.flush(folder: parent.isEmpty ? "." : parent)
  }

  /// Deletes a folder and all that it holds so that no half-deleted one keeps its name.
  public static func remove(_ folder: URL) {
    let path = bare(folder)
    guard FileKind(of: path) == .folder else { return }
    let parent = (path as NSString).deletingLastPathComponent
    let doomed = (parent as NSString).appendingPathComponent(PartialName.make(for: (path as NSString).lastPathComponent))
    try? FileManager.default.removeItem(atPath: rename(path, doomed) == 0 ? doomed : path)
  }

  /// The path without the slash at its end, with which a link to a folder would pass for the folder.
  private static func bare(_ folder: URL) -> String {
    let path = folder.path(percentEncoded: false)
    return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }
}
