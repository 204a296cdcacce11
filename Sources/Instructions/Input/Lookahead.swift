import StrictJSON
import Ground

/// A window onto a stream of bytes that finds where JSON values end.
struct Lookahead {
  private let source: any ByteSource
  private var buffer: [UInt8] = []
  private var position = 0
  private var atEnd = false
  /// The line of the cursor, counted from 1.
  private(set) var line = 1

  init(_ source: any ByteSource) { self.source = source }

  mutating func advance() { position += 1 }

  mutating func leaveOutByteOrderMark() throws(DataError) {
    while buffer.count < byteOrderMark.count, !atEnd { try fill() }
    if buffer.starts(with: byteOrderMark) { position = byteOrderMark.count }
  }

  /// Moves to the next byte that is not white space, and gives it; nil at the end.
  @discardableResult
  mutating func skipWhitespace() throws(DataError) -> UInt8? {
    while true {
      while position < buffer.count {
        let byte = buffer[position]
        guard isJSONWhitespace(byte) else { return byte }
        if byte == 0x0A { line += 1 }
        position += 1
      }
      if atEnd { return nil }
      buffer.removeAll(keepingCapacity: true)
      position = 0
      try fill()
    }
  }

  /// Where the bytes of the value at the cursor lie, which moves behind it. Only brackets and quotes are looked at: whether the value
  /// is sound is for the parser to say. The place is valid until the window moves on.
  mutating func value(failure: (Message) -> DataError) throws(DataError) -> Range<Int> {
    var extent = JSONExtent()
    var index = position
    var lines = 0
    while true {
      var end: Int?
      buffer.withUnsafeBufferPointer { bytes in
        while index < bytes.count {
          let byte = bytes[index]
          if extent.ends(before: byte) {
            end = index
            return
          }
          if byte == 0x0A { lines += 1 }
          index += 1
          if extent.ends(with: byte) {
            end = index
            return
          }
        }
      }
      if let end {
        guard end > position else { throw failure("a value should stand here") }
        defer { position = end }
        line += lines
        return position..<end
      }
      if atEnd {
        guard position < buffer.count, extent.isScalar else { throw failure("the file ends inside a value") }
        defer { position = buffer.count }
        return position..<buffer.count
      }
      guard buffer.count - position <= RecordLimits.bytes else { throw failure("a record is larger than \(RecordLimits.bytes >> 20) MiB") }
      if position > 0 {
        buffer.removeSubrange(..<position)
        index -= position
        position = 0
      }
      try fill()
    }
  }

  /// Runs `body` on the bytes of a value that ``value(failure:)`` found.
  func withBytes<Value>(
    _ range: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>) throws(DataError) -> Value
  ) throws(DataError) -> Value {
    try buffer.withBytes { bytes throws(DataError) in try body(UnsafeBufferPointer(rebasing: bytes[range])) }
  }

  private mutating func fill() throws(DataError) {
    let more = try source.read()
    if more.isEmpty { atEnd = true } else { buffer.append(contentsOf: more) }
  }
}
