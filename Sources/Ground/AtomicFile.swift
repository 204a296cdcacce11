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
    let replacement = try FileReplacement(of: url)
    try body(replacement.sink)
    try replacement.commit()
  }

  /// Makes a rename inside a folder last. Some file systems cannot flush folders: the contents are safe there anyway.
  public static func flush(folder: String) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}

/// A file that `AtomicFile` is writing, for those who write it piece by piece: nothing takes the destination's place before `commit`.
public final class FileReplacement {
  /// Takes the bytes.
  public let sink: FileSink
  private let path: String
  private let descriptor: Int32
  private let destination: String
  /// Nil for a pipe or a device.
  private let temporary: String?
  private let mode: mode_t?
  private var isDone = false

  /// Begins a file under a temporary name beside its destination.
  /// - Throws: `FileError`.
  public init(of url: URL) throws {
    path = url.path(percentEncoded: false)
    let target = try FileReplacement.resolve(path)
    destination = target.path
    mode = target.mode
    if target.isRegular {
      let folder = (destination as NSString).deletingLastPathComponent
      let name = PartialName.make(for: (destination as NSString).lastPathComponent)
      let temporary = (folder as NSString).appendingPathComponent(name)
      self.temporary = temporary
      descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      // Tells `Leftovers` that the writer lives.
      if descriptor >= 0 { _ = flock(descriptor, LOCK_EX | LOCK_NB) }
    } else {
      temporary = nil
      descriptor = open(destination, O_WRONLY | O_CLOEXEC)
    }
    guard descriptor >= 0 else { throw FileError(path: path, operation: "write", code: errno) }
    sink = FileSink(descriptor: descriptor, path: path)
  }

  deinit { discard() }

  /// Puts the file in its place.
  /// - Throws: `FileError`; the old file is then as it was.
  public func commit() throws {
    guard !isDone else { return }
    guard let temporary else { return end() }
    do {
      if let mode { fchmod(descriptor, mode) }
      guard fsync(descriptor) == 0 else { throw FileError(path: path, operation: "write", code: errno) }
      guard rename(temporary, destination) == 0 else { throw FileError(path: path, operation: "write", code: errno) }
    } catch {
      discard()
      throw error
    }
    end()
    let folder = (destination as NSString).deletingLastPathComponent
    AtomicFile.flush(folder: folder.isEmpty ? "." : folder)
  }

  /// Leaves the old file as it is.
  public func discard() {
    guard !isDone else { return }
    if let temporary { unlink(temporary) }
    end()
  }

  private func end() {
    isDone = true
    close(descriptor)
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
