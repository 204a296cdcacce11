/// Text of unknown origin: bytes are checked before they become a `String`.
public enum ForeignText {
  /// Why bytes do not become a text, as the end of a sentence.
  public enum Problem: String, Error, Sendable {
    /// They are not UTF-8.
    case invalid = "is not valid UTF-8"
    /// More than ``mostMarks`` combining marks stand in a row.
    case endlessMarks = "has more than 256 combining marks in a row"
  }

  /// The most combining marks that may stand in a row. (Unicode calls text "stream-safe" up to 30: UAX #15, section 13.)
  ///
  /// Comparing and hashing strings sorts such a row, in a time that grows with the square of its length: a text of 2 MB that is
  /// nothing else takes minutes.
  public static let mostMarks = 256

  /// The text that bytes hold.
  public static func text(_ bytes: UnsafeBufferPointer<UInt8>) throws(Problem) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalid }
    if hasEndlessMarks(bytes) { throw .endlessMarks }
    return text
  }

  /// Whether more than ``mostMarks`` combining marks stand in a row. The bytes must be UTF-8.
  static func hasEndlessMarks(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    // Each mark takes two bytes at least.
    guard bytes.count > 2 * mostMarks, let base = bytes.baseAddress else { return false }
    let raw = UnsafeRawPointer(base)
    var run = 0
    var position = 0
    while position < bytes.count {
      let first = UInt32(bytes[position])
      if first < 0xCC {
        // Below U+0300 there are no marks. Eight ASCII bytes at a time.
        run = 0
        position += first < 0x80 ? 1 : 2
        while position + 8 <= bytes.count, raw.loadUnaligned(fromByteOffset: position, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
          position += 8
        }
        continue
      }
      let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
      guard position + length <= bytes.count else { return false }
      var scalar = first & (0xFF >> (UInt32(length) + 1))
      for offset in 1..<length { scalar = scalar << 6 | UInt32(bytes[position + offset] & 0x3F) }
      position += length
      switch scalar {
      case 0x30A0..<0xA66F, 0xAC00..<0xD7B0: run = 0  // Kana, Han, Yi, Hangul
      default: run = Unicode.Scalar(scalar).map { $0.properties.canonicalCombiningClass == .notReordered } ?? true ? 0 : run + 1
      }
      if run > mostMarks { return true }
    }
    return false
  }

  /// Offset of the first byte that is not part of well-formed UTF-8; nil where all are.
  public static func firstFault(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
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
