import Foundation

/// Keeps other runs away from an output: a small hidden file beside it that names the process writing there, and that this process holds locked.
///
/// The system gives the lock up when its process ends in whatever way, so a killed run's lock keeps nobody out. It is `flock`'s, which reaches
/// across machines where the file system carries it (NFS with lockd, or version 4; Lustre mounted with `flock`). On a file system without locks
/// the name in the file decides: a process of this machine that has ended keeps nobody out, one of another machine cannot be asked and does.
final class OutputLock {
  /// Whose lock it is.
  struct Holder: Equatable {
    var process: Int32
    var host: String

    static var own: Holder { Holder(process: getpid(), host: ThisProcess.host) }

    init(process: Int32, host: String) {
      self.process = process
      self.host = host
    }

    init?(_ text: String) {
      guard let match = text.wholeMatch(of: /Headway, process ([0-9]{1,10}) on (.{1,256})\n/), let process = Int32(match.1) else {
        return nil
      }
      self.init(process: process, host: String(match.2))
    }

    var text: String { "Headway, process \(process) on \(host)\n" }
    /// Whether it runs, as far as can be known from here.
    var mayRun: Bool { host != ThisProcess.host || ThisProcess.isRunning(process) }
  }

  private let path: String
  private var descriptor: Int32

  /// The lock of an output file, `.NAME.lock` beside it.
  static func place(beside file: String) -> String {
    let name = (file as NSString).lastPathComponent
    let stem = String(decoding: name.utf8.prefix(240), as: UTF8.self)
    return ((file as NSString).deletingLastPathComponent as NSString).appendingPathComponent(".\(stem).lock")
  }

  /// The name of a folder's lock, inside it.
  static let nameInFolder = ".headway.lock"

  /// Takes the lock.
  /// - Parameters:
  ///   - path: the lock's own file.
  ///   - output: what messages call the output.
  /// - Throws: `OutputError` where another run has it, `FileError` where the file cannot be made.
  init(_ path: String, of output: String) throws {
    self.path = path
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw FileError(path: output, operation: "write", code: errno) }
      var isKept = false
      defer { if !isKept { close(descriptor) } }
      let text = OutputLock.text(descriptor)
      let holder = text.flatMap { Holder($0) }
      guard let text, text.isEmpty || holder != nil else { throw OutputError.inTheWay(path, .unmarked("the lock of \(output)")) }
      if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
        switch errno {
        case EINTR: continue
        case EWOULDBLOCK, EACCES: throw OutputError.locked(output, by: holder, lock: path)
        // A file system without locks.
        default: if let holder, holder.mayRun { throw OutputError.locked(output, by: holder, lock: path) }
        }
      }
      // The last holder may have deleted the file between our opening and locking it; somebody else may hold a new one then.
      guard FileIdentity(descriptor: descriptor) == FileIdentity(at: path) else { continue }
      ftruncate(descriptor, 0)
      // The name is for messages: a disk too full for it does not end the run here.
      _ = Array(Holder.own.text.utf8).withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
      isKept = true
      self.descriptor = descriptor
      return
    }
  }

  deinit { release() }

  /// Deletes the lock that a killed run left beside an output file, or in an output folder.
  /// - Throws: `OutputError` where another run has it, or where a file of its name is no lock.
  static func removeLeftover(of output: URL) throws {
    let path = output.path(percentEncoded: false)
    let lock = FileKind(of: output) == .folder ? (path as NSString).appendingPathComponent(nameInFolder) : place(beside: path)
    // To take a lock makes its file where there is none.
    if FileKind(of: lock) == .file { try OutputLock(lock, of: path).release() }
  }

  /// Gives the lock up and deletes its file.
  func release() {
    guard descriptor >= 0 else { return }
    if FileIdentity(descriptor: descriptor) == FileIdentity(at: path) { unlink(path) }
    close(descriptor)
    descriptor = -1
  }

  /// What is in the file; nil where it is longer than any lock, or no file.
  private static func text(_ descriptor: Int32) -> String? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= 512 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return count >= 0 ? String(validating: bytes.prefix(count), as: UTF8.self) : nil
  }
}
