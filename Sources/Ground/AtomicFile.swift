public import Foundation

/// Writes files whole or not at all: to a temporary name beside the destination, flushed to the disk, then renamed over it.
///
/// Whoever reads the destination sees the old contents or the new, never part of them, also after a kill or a power cut. A
/// link is followed and stays a link. A pipe or a device (such as `/dev/stdout`) is written to directly: there is nothing
/// to rename over.
public enum AtomicFile {
  /// Replaces the file by these bytes.
  /// - Throws: `FileError`; the old file is then as it was.
  public static func write(_ data: Data, to url: URL) throws {
    try write(to: url) { sink in try sink.write(data) }
  }

  /// Replaces the file by this text in UTF-8.
  /// - Throws: `FileError`; the old file is then as it was.
  public static func write(_ text: String, to url: URL) throws {
    try write(Data(text.utf8), to: url)
  }

  /// Replaces the file by what the closure writes to the sink it is given, for contents too large to hold at once.
  /// - Throws: `FileError`, or what the closure throws; the old file is then as it was.
  public static func write(to url: URL, _ body: (FileSink) throws -> Void) throws {
    let path = url.path(percentEncoded: false)
    let destination = try resolve(path)
    guard destination.isRegular else {
      let descriptor = open(destination.path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw FileError(path: path, operation: "write", code: errno) }
      defer { close(descriptor) }
      return try body(FileSink(descriptor: descriptor, path: path))
    }
    let folder = (destination.path as NSString).deletingLastPathComponent
    let name = (destination.path as NSString).lastPathComponent
    // A name can be at most 255 bytes long; the unique part needs some of them.
    let stem = String(decoding: name.utf8.prefix(200), as: UTF8.self)
    let temporary = (folder as NSString).appendingPathComponent(".\(stem).\(getpid())-\(UUID().uuidString.prefix(8)).part")
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path: path, operation: "write", code: errno) }
    do {
      defer { close(descriptor) }
      try body(FileSink(descriptor: descriptor, path: path))
      if let mode = destination.mode { fchmod(descriptor, mode) }
      guard fsync(descriptor) == 0 else { throw FileError(path: path, operation: "write", code: errno) }
    } catch {
      unlink(temporary)
      throw error
    }
    guard rename(temporary, destination.path) == 0 else {
      let code = errno
      unlink(temporary)
      throw FileError(path: path, operation: "write", code: code)
    }
    flush(folder: folder.isEmpty ? "." : folder)
  }

  /// Where a path really leads, and whether a rename may replace what is there.
  private static func resolve(_ path: String) throws -> (path: String, isRegular: Bool, mode: mode_t?) {
    guard !path.isEmpty else { throw FileError(path: "\"\"", operation: "write", reason: "the name is empty", remedy: "name a file") }
    var status = stat()
    guard stat(path, &status) == 0 else {
      guard errno == ENOENT else { throw FileError(path: path, operation: "write", code: errno) }
      return (path, true, nil)
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: throw FileError(path: path, operation: "write", code: EISDIR)
    case S_IFREG:
      guard let real = realpath(path, nil) else { throw FileError(path: path, operation: "write", code: errno) }
      defer { free(real) }
      return (String(cString: real), true, status.st_mode & 0o777)
    default: return (path, false, nil)
    }
  }

  /// Makes a rename inside a folder last. Some file systems cannot flush folders: the contents are safe there all the same.
  public static func flush(folder: String) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}

/// Takes the bytes of a file that `AtomicFile` is writing, in order.
public struct FileSink {
  let descriptor: Int32
  let path: String
  private var counter: Counter?

  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Counts the bytes that went through a sink.
  package final class Counter {
    package var count = 0
    package init() {}
  }

  /// The same sink, which also adds what it writes to a counter.
  package func counted(by counter: Counter) -> FileSink {
    var sink = self
    sink.counter = counter
    return sink
  }

  /// Appends bytes to the file.
  /// - Throws: `FileError`, for instance where the disk is full.
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
      #if canImport(Darwin)
        let written = Darwin.write(descriptor, start, min(rest.count, 1 << 30))
      #else
        let written = Glibc.write(descriptor, start, min(rest.count, 1 << 30))
      #endif
      if written < 0 {
        if errno == EINTR { continue }
        throw FileError(path: path, operation: "write", code: errno)
      }
      rest = rest.dropFirst(written)
    }
    counter?.count += bytes.count
  }

  /// Appends bytes to the file.
  /// - Throws: `FileError`, for instance where the disk is full.
  public func write(_ data: Data) throws {
    try data.withUnsafeBytes { try write($0) }
  }

  /// Appends text in UTF-8.
  /// - Throws: `FileError`, for instance where the disk is full.
  public func write(_ text: String) throws {
    try write(Data(text.utf8))
  }
}
