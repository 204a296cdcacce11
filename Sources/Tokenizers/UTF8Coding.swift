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
}
