import Foundation
import Ground

/// Bytes that come in pieces, so that a file of any size is read in little memory.
protocol ByteSource: AnyObject {
  /// The next bytes; empty at the end, and only there.
  func read() throws(DataError) -> [UInt8]
}

/// The bytes of a file.
final class FileBytes: ByteSource {
  private let file: InputFile
  private let name: String
  static let chunkSize = 1 << 18

  /// The file's length.
  var size: Int { file.size }

  /// - Parameter name: the file's name in messages.
  init(_ url: URL, name: String) throws(DataError) {
    self.name = name
    do throws(FileError) {
      file = try InputFile(at: url)
    } catch {
      throw .file(name, problem: "cannot be opened: \(error.reason); \(error.remedy)")
    }
  }

  func read() throws(DataError) -> [UInt8] {
    do throws(FileError) {
      return try file.read(upTo: Self.chunkSize)
    } catch {
      throw .file(name, problem: "cannot be read: \(error.reason); \(error.remedy)")
    }
  }
}

/// Bytes in memory, given out in pieces of a chosen size. The tests use it to cut input at every place.
final class MemoryBytes: ByteSource {
  private let bytes: [UInt8]
  private let pieceSize: Int
  private var position = 0

  init(_ bytes: [UInt8], pieceSize: Int = .max) {
    self.bytes = bytes
    self.pieceSize = max(1, pieceSize)
  }

  func read() throws(DataError) -> [UInt8] {
    let end = position + min(pieceSize, bytes.count - position)
    defer { position = end }
    return Array(bytes[position..<end])
  }
}

/// Gives bytes that were read ahead, to find out what a file holds, back before the rest.
final class RewoundBytes: ByteSource {
  private var head: [UInt8]
  private let rest: any ByteSource

  init(head: [UInt8], rest: any ByteSource) {
    self.head = head
    self.rest = rest
  }

  func read() throws(DataError) -> [UInt8] {
    guard head.isEmpty else {
      defer { head = [] }
      return head
    }
    return try rest.read()
  }
}

/// A system error in a few words.
func describe(_ error: any Error) -> String {
  let error = error as NSError
  if let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError, underlying.domain == NSPOSIXErrorDomain {
    return String(cString: strerror(Int32(truncatingIfNeeded: underlying.code)))
  }
  if error.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(truncatingIfNeeded: error.code))) }
  if error.domain == NSCocoaErrorDomain, error.code == CocoaError.fileReadNoSuchFile.rawValue { return "there is no such file" }
  if error.domain == NSCocoaErrorDomain, error.code == CocoaError.fileReadNoPermission.rawValue { return "permission denied" }
  return error.localizedDescription
}
