public import Foundation
import Synchronization

/// Standard input and named pipes as files: what comes through a pipe can be read once only, and Headway reads data more than once.
///
/// The bytes go to a temporary file that has no name any more, so that nothing is left behind however the program ends. A pipe is copied
/// once a process; who names it again gets the same bytes.
public enum PipeCopy {
  /// What standard input is called in messages.
  public static let standardInput = "standard input"

  private enum Origin: Hashable {
    case standardInput
    case pipe(String, FileIdentity)
  }

  private static let copies = Mutex<[Origin: Int32]>([:])

  /// Whether a path means the program's standard input.
  public static func isStandardInput(_ path: String) -> Bool {
    ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].contains(path)
  }

  /// Copies what a path leads to where that is standard input (`-`) or a pipe, waiting until its writer has ended.
  /// - Returns: a path of the copy that stays valid while the process lives; nil where the path leads to something else, or nowhere.
  /// - Throws: `FileError` where it cannot be read, where standard input is a terminal, or where the copy has no room.
  public static func file(of path: String) throws(FileError) -> URL? {
    guard let origin = try origin(of: path) else { return nil }
    let result: Result<Int32, FileError> = copies.withLock { copies in
      do throws(FileError) {
        if let copy = copies[origin] { return .success(copy) }
        let copy = try PipeCopy.copy(origin, path)
        copies[origin] = copy
        return .success(copy)
      } catch { return .failure(error) }
    }
    return URL(filePath: "/dev/fd/\(try result.get())")
  }

  private static func origin(of path: String) throws(FileError) -> Origin? {
    var status = stat()
    if isStandardInput(path) {
      guard fstat(0, &status) == 0 else { throw FileError(path: standardInput, operation: "read", code: errno) }
      guard isatty(0) == 0 else {
        throw FileError(
          path: standardInput, operation: "read", reason: "it is a terminal", remedy: "send the data through a pipe, or name a file")
      }
      // A file behind `/dev/stdin` is one like any other; `-` goes on where others have stopped reading it.
      return path != "-" && status.st_mode & S_IFMT == S_IFREG ? nil : .standardInput
    }
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO, let identity = FileIdentity(at: path) else { return nil }
    return .pipe(path, identity)
  }

  private static func copy(_ origin: Origin, _ path: String) throws(FileError) -> Int32 {
    let source = origin == .standardInput ? 0 : open(path, O_RDONLY | O_CLOEXEC)
    let name = origin == .standardInput ? standardInput : path
    guard source >= 0 else { throw FileError(path: name, operation: "open", code: errno) }
    defer { if source > 0 { close(source) } }
    let folder = FileManager.default.temporaryDirectory.path(percentEncoded: false)
    let copy = try unnamedFile(in: folder)
    do throws(FileError) {
      var buffer = [UInt8](repeating: 0, count: 1 << 18)
      while true {
        let count = buffer.withUnsafeMutableBytes { read(source, $0.baseAddress, $0.count) }
        if count == 0 { return copy }
        if count < 0 {
          guard errno == EINTR else { throw FileError(path: name, operation: "read", code: errno) }
          continue
        }
        var done = 0
        while done < count {
          let written = buffer.withUnsafeBytes { write(copy, $0.baseAddress.map { $0 + done }, count - done) }
          guard written >= 0 || errno == EINTR else { throw noRoom(for: name, in: folder, errno) }
          done += max(0, written)
        }
      }
    } catch {
      close(copy)
      throw error
    }
  }

  /// A new file whose name is gone already.
  private static func unnamedFile(in folder: String) throws(FileError) -> Int32 {
    var template = Array(((folder as NSString).appendingPathComponent("headway-XXXXXX")).utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else {
      throw FileError(
        path: folder, operation: "write", reason: String(cString: strerror(errno)).lowercased(), remedy: "name another folder by TMPDIR")
    }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    unlink(template)
    return descriptor
  }

  private static func noRoom(for name: String, in folder: String, _ code: Int32) -> FileError {
    FileError(
      path: folder, operation: "write",
      reason: "what comes from \(name) is kept there, and \(String(cString: strerror(code)).lowercased())",
      remedy: "name another folder by TMPDIR, or give a file")
  }
}
