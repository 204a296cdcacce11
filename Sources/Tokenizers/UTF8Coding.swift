/// UTF-8 by hand, for the places where Swift's strings would be slow or would mend what must be refused.
enum UTF8Coding {
  /// The UTF-8 bytes of `scalar`.
  static func bytes(of scalar: Unicode.Scalar) -> [UInt8] {
    Array(Unicode.UTF8.encode(scalar) ?? Unicode.UTF8.encodedReplacementCharacter)
  }

  /// The scalar that starts at `position` of valid UTF-8, and its length in bytes.
  @inline(__always)
  static func scalar(at position: Int, in bytes: UnsafeBufferPointer<UInt8>) -> (value: UInt32, length: Int) {
    let first = UInt32(bytes[position])
    if first < 0x80 { return (first, 1) }
    // A sequence that the end of the buffer cuts short cannot occur in valid UTF-8; it is read as a single unit.
    if first < 0xE0 {
      guard position + 1 < bytes.count else { return (0xFFFD, 1) }
      return ((first & 0x1F) << 6 | continuation(position + 1, bytes), 2)
    }
    if first < 0xF0 {
      guard position + 2 < bytes.count else { return (0xFFFD, 1) }
      return ((first & 0x0F) << 12 | continuation(position + 1, bytes) << 6 | continuation(position + 2, bytes), 3)
    }
    guard position + 3 < bytes.count else { return (0xFFFD, 1) }
    return (
      (first & 0x07) << 18 | continuation(position + 1, bytes) << 12 | continuation(position + 2, bytes) << 6
        | continuation(position + 3, bytes), 4
    )
  }

  @inline(__always)
  private static func continuation(_ position: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
    UInt32(bytes[position] & 0x3F)
  }

  /// The scalar that ends just before `position` of valid UTF-8.
  static func scalar(before position: Int, in bytes: UnsafeBufferPointer<UInt8>) -> (value: UInt32, length: Int) {
    var start = position - 1
    while start > 0, position - start < 4, bytes[start] & 0xC0 == 0x80 { start -= 1 }
    return (scalar(at: start, in: bytes).value, position - start)
  }

  /// Offset of the first byte that is not part of well-formed UTF-8; nil where all are.
  static func firstFault(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    let raw = UnsafeRawPointer(base)
    let count = bytes.count
    var position = 0
    while position < count {
      // Eight ASCII bytes at a time.
      while position + 8 <= count, raw.loadUnaligned(fromByteOffset: position, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
        position += 8
      }
      guard position < count else { break }
      let first = bytes[position]
      if first < 0x80 {
        position += 1
        continue
      }
      // The least and greatest second byte exclude overlong forms, surrogates and values above U+10FFFF (Unicode, table 3-7).
      let length: Int
      var least: UInt8 = 0x80
      var greatest: UInt8 = 0xBF
      switch first {
      case 0xC2...0xDF: length = 2
      case 0xE0:
        length = 3
        least = 0xA0
      case 0xED:
        length = 3
        greatest = 0x9F
      case 0xE1...0xEF: length = 3
      case 0xF0:
        length = 4
        least = 0x90
      case 0xF1...0xF3: length = 4
      case 0xF4:
        length = 4
        greatest = 0x8F
      default: return position
      }
      guard position + length <= count, least...greatest ~= bytes[position + 1] else { return position }
      for offset in 2..<max(length, 2) where bytes[position + offset] & 0xC0 != 0x80 { return position }
      position += length
    }
    return nil
  }
}
