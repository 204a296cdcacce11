public import Foundation

/// A file that a run adds to as it goes, such as a journal. What is added is in the file whole when `append` returns, or not at all; a file that
/// was moved or deleted meanwhile is noticed, since what is added to it would be lost.
public final class GrowingFile {
  /// The file.
  public let url: URL
  private let path: String
  private let descriptor: Int32
  private let identity: FileIdentity?
  /// Where the next bytes go.
  private var end: off_t
  /// Where the next bytes are read.
  private var place: off_t = 0
  private var isClosed = false

  /// Opens a file that is there: it is read from its beginning, and added to at its end.
  /// - Throws: `FileError`.
  public convenience init(at url: URL) throws { try self.init(url, flags: O_RDWR) }

  /// Makes an empty file where there is none.
  /// - Throws: `FileError`, also where something of that name is there.
  public convenience init(creating url: URL) throws { try self.init(url, flags: O_RDWR | O_CREAT | O_EXCL) }

  private init(_ url: URL, flags: Int32) throws {
    self.url = url
    path = url.path(percentEncoded: false)
    descriptor = open(path, flags | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path: path, operation: "write", code: errno) }
    identity = FileIdentity(descriptor: descriptor)
    end = lseek(descriptor, 0, SEEK_END)
  }

  deinit { if !isClosed { Foundation.close(descriptor) } }

  /// The bytes of the file.
  public var count: Int { Int(end) }
  /// The bytes of the file that were read so far.
  public var readCount: Int { Int(place) }
  /// The bytes of the file that were not read yet.
  public var unreadCount: Int { max(0, Int(end - place)) }

  /// Reads the next bytes; fewer than asked for at the end of the file.
  /// - Throws: `FileError`.
  public func read(_ count: Int) throws -> [UInt8] {
    let wanted = min(count, unreadCount)
    return try [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
      while filled < wanted {
        let got = pread(descriptor, buffer.baseAddress.map { $0 + filled }, wanted - filled, place)
        if got < 0, errno == EINTR { continue }
        guard got >= 0 else { throw FileError(path: path, operation: "read", code: errno) }
        guard got > 0 else { break }
        filled += got
        place += off_t(got)
      }
    }
  }

  /// Cuts everything off that follows the first bytes.
  /// - Throws: `FileError`.
  public func keep(first count: Int) throws {
    guard ftruncate(descriptor, off_t(count)) == 0 else { throw FileError(path: path, operation: "write", code: errno) }
    end = off_t(count)
    place = min(place, end)
  }

  /// Adds bytes at the end.
  /// - Throws: `FileError`; the file is then as it was before.
  public func append(_ bytes: some Collection<UInt8>) throws {
    guard !isClosed else { throw FileError(path: path, operation: "write", reason: "it has been closed", remedy: "begin another file") }
    guard let identity, FileIdentity(at: path) == identity else {
      throw FileError.vanished(path)
    }
    var rest = ArraySlice(bytes)
    var target = end
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, target) }
      guard written >= 0 else {
        let code = errno
        if code == EINTR { continue }
        // A part would hide what is added later from whoever reads the file.
        _ = ftruncate(descriptor, end)
        throw FileError(path: path, operation: "write", code: code)
      }
      rest = rest.dropFirst(written)
      target += off_t(written)
    }
    end = target
  }

  /// Brings everything to the disk, so that it outlives the machine's losing its power.
  /// - Throws: `FileError`.
  public func synchronize() throws {
    guard fsync(descriptor) == 0 else { throw FileError(path: path, operation: "write", code: errno) }
  }

  /// Brings everything to the disk and ends the file. Nothing can be added afterwards.
  /// - Throws: `FileError`.
  public func close() throws {
    guard !isClosed else { return }
    isClosed = true
    let (flushed, code) = (fsync(descriptor) == 0, errno)
    let closed = Foundation.close(descriptor) == 0
    guard flushed, closed else { throw FileError(path: path, operation: "write", code: flushed ? errno : code) }
  }
}
