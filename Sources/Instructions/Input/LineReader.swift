import Ground
import Foundation

/// Cuts bytes into lines at `\n`. A byte-order mark at the start is left out.
struct LineReader {
  private let source: any ByteSource
  private let name: String
  private let longest: Int
  private let keepsCarriageReturns: Bool
  private var buffer: [UInt8] = []
  private var start = 0
  private var atEnd = false
  private var isFirst = true
  /// The number of the line that ``next()`` gave last, counted from 1.
  private(set) var lineNumber = 0

  /// - Parameters:
  ///   - name: the file's name in messages.
  ///   - longest: a line with more bytes is an error rather than an allocation.
  ///   - keepsCarriageReturns: whether a `\r` before the `\n` is given as a part of the line; otherwise it belongs to the line's end.
  init(_ source: any ByteSource, name: String, longest: Int = RecordLimits.bytes, keepsCarriageReturns: Bool = false) {
    self.keepsCarriageReturns = keepsCarriageReturns
    self.source = source
    self.name = name
    self.longest = longest
  }

  /// The next line without its end, or nil behind the last one. An empty rest behind the last `\n` is no line.
  mutating func next() throws(DataError) -> [UInt8]? {
    if isFirst { try leaveOutByteOrderMark() }
    var searched = start
    while true {
      if let end = newline(from: searched) {
        let line = cut(to: end)
        start = end + 1
        return line
      }
      searched = buffer.count
      if atEnd {
        guard start < buffer.count else { return nil }
        let line = cut(to: buffer.count)
        start = buffer.count
        return line
      }
      guard buffer.count - start <= longest else {
        throw .file(name, problem: "line \(lineNumber + 1) is longer than \(longest >> 20) MiB, so this is not a file of lines")
      }
      if start > 0 {
        buffer.removeSubrange(..<start)
        searched -= start
        start = 0
      }
      try fill()
    }
  }

  private mutating func fill() throws(DataError) {
    let more = try source.read()
    if more.isEmpty { atEnd = true } else { buffer.append(contentsOf: more) }
  }

  private mutating func leaveOutByteOrderMark() throws(DataError) {
    while buffer.count < byteOrderMark.count, !atEnd { try fill() }
    if buffer.starts(with: byteOrderMark) { start = byteOrderMark.count }
    isFirst = false
  }

  private func newline(from index: Int) -> Int? {
    buffer.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, index < bytes.count else { return nil }
      return memchr(base + index, 0x0A, bytes.count - index).map { UnsafeRawPointer($0) - base }
    }
  }

  private mutating func cut(to end: Int) -> [UInt8] {
    lineNumber += 1
    let stop = !keepsCarriageReturns && end > start && buffer[end - 1] == 0x0D ? end - 1 : end
    return Array(buffer[start..<stop])
  }
}

/// The UTF-8 byte-order mark.
let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
