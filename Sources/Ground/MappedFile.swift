public import Foundation

/// A file mapped into memory for reading, unmapped when the last reference goes.
///
/// The pages belong to the system's file cache: a checkpoint of any size costs no memory of the process's own, and several
/// processes share it. The mapping is read-only; writing to it, also through a tensor made on it, ends the process. The
/// file must not be truncated while it is mapped: Headway itself replaces files by renaming, which leaves mappings whole.
public final class MappedFile: Sendable {
  /// The file.
  public let url: URL
  /// The length in bytes.
  public let count: Int
  // Immutable after init, and the memory behind it is only ever read.
  private nonisolated(unsafe) let base: UnsafeRawPointer?

  /// Maps a regular file.
  /// - Throws: `FileError` where it cannot be opened, is no regular file, or cannot be mapped.
  public init(at url: URL) throws {
    self.url = url
    let path = url.path(percentEncoded: false)
    let (descriptor, size) = try InputFile.open(path)
    defer { close(descriptor) }
    count = size
    guard count > 0 else {
      base = nil
      return
    }
    guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw FileError(path: path, operation: "map", code: errno)
    }
    base = UnsafeRawPointer(address)
  }

  deinit {
    if let base { munmap(UnsafeMutableRawPointer(mutating: base), count) }
  }

  /// The whole mapping, valid while this object lives; empty for an empty file.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Lets the system take back the memory of the whole pages of a part that was read and is not needed soon, for those who go through a file once from
  /// end to end: a file as large as the machine's memory then takes none of it. What is read again comes from the file again.
  public func forget(_ range: Range<Int>) {
    let page = Int(getpagesize())
    let (first, end) = ((min(count, max(0, range.lowerBound)) + page - 1) / page * page, min(count, range.upperBound) / page * page)
    guard let base, first < end else { return }
    madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED)
  }

  /// Part of the mapping, valid while this object lives.
  /// - Throws: `FileError` where the range leaves the file.
  public func bytes(in range: Range<Int>) throws -> UnsafeRawBufferPointer {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw FileError(
        path: url.path(percentEncoded: false), operation: "read bytes \(range.lowerBound)..<\(range.upperBound) of",
        reason: "the file has \(count) bytes", remedy: "download or write it again")
    }
    return UnsafeRawBufferPointer(rebasing: bytes[range])
  }
}
