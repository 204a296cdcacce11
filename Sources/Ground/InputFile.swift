public import Foundation

/// A regular file that is read from its start on.
///
/// Pipes and devices are refused rather than waited for: what Headway reads it reads more than once, and a folder from elsewhere may
/// hold anything under a file's name. So is the pointer that a clone without Git LFS leaves in a file's place.
public final class InputFile {
  /// The file.
  public let url: URL
  /// Its length in bytes when it was opened.
  public let size: Int
  private let descriptor: Int32
  private var position = 0

  /// Opens a file.
  /// - Throws: `FileError` where it cannot be opened or is no regular file.
  public init(at url: URL) throws(FileError) {
    self.url = url
    (descriptor, size) = try InputFile.open(url.path(percentEncoded: false))
  }

  deinit { close(descriptor) }

  /// The next bytes, at most `count`; empty at the end, and only there.
  public func read(upTo count: Int) throws(FileError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      let got = InputFile.read(descriptor, UnsafeMutableRawBufferPointer(buffer), at: position)
      filled = max(0, got)
      position += filled
      if got < 0 { code = errno }
    }
    guard code == 0 else { throw FileError(path: url.path(percentEncoded: false), operation: "read", code: code) }
    return bytes
  }

  /// The whole file.
  /// - Parameters:
  ///   - url: where it lies.
  ///   - limit: the most bytes that such a file has; a larger one is refused unread.
  /// - Throws: `FileError`.
  public static func contents(of url: URL, limit: Int) throws(FileError) -> Data {
    let file = try InputFile(at: url)
    func tooLarge() -> FileError {
      FileError(
        path: url.path(percentEncoded: false), operation: "read", reason: "it is larger than \(limit >> 20) MiB, which no such file is",
        remedy: "name the right file")
    }
    guard file.size <= limit else { throw tooLarge() }
    var contents = Data(capacity: file.size)
    while case let bytes = try file.read(upTo: 1 << 20), !bytes.isEmpty {
      contents.append(contentsOf: bytes)
      guard contents.count <= limit else { throw tooLarge() }
    }
    return contents
  }

  /// Opens a regular file for reading.
  static func open(_ path: String) throws(FileError) -> (descriptor: Int32, size: Int) {
    // Without O_NONBLOCK opening a pipe waits until somebody writes to it. For regular files it has no effect.
    #if canImport(Darwin)
      let descriptor = Darwin.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    #else
      let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    #endif
    guard descriptor >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw FileError(path: path, operation: "read", code: code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      let reason = status.st_mode & S_IFMT == S_IFDIR ? "it is a folder" : "it is a pipe or a device, not a file"
      throw FileError(path: path, operation: "read", reason: reason, remedy: "name a file")
    }
    guard !isPointerOfGitLFS(descriptor, size: Int(status.st_size)) else {
      close(descriptor)
      throw FileError(
        path: path, operation: "read", reason: "it is a Git LFS pointer and not the file itself", remedy: "run git lfs pull in its folder")
    }
    return (descriptor, Int(status.st_size))
  }

  /// Whether a file is the text that a clone without Git LFS leaves in place of a large file. Such a text has less than 1,024 bytes.
  private static func isPointerOfGitLFS(_ descriptor: Int32, size: Int) -> Bool {
    let opening = "version https://git-lfs.github.com/"
    guard (opening.utf8.count..<1024).contains(size) else { return false }
    var bytes = [UInt8](repeating: 0, count: opening.utf8.count)
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    return count == bytes.count && bytes.elementsEqual(opening.utf8)
  }

  /// Reads at a place of its own: a path under `/dev/fd` can lead to a descriptor that others move.
  private static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at position: Int) -> Int {
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(position))
      if count >= 0 || errno != EINTR { return count }
    }
  }
}
