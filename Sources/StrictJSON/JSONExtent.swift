/// Finds where a JSON value ends in bytes that come in pieces, by brackets and quotes alone: whether the value is sound is for the
/// parser to say.
public struct JSONExtent: Sendable {
  private var depth = 0
  private var inString = false
  private var escaped = false
  private var started = false

  /// Starts at the first byte of a value.
  public init() {}

  /// Whether the value is a bare word or number, which only what follows it ends.
  public var isScalar: Bool { started && depth == 0 && !inString }

  /// Whether a bare word or number has ended before this byte.
  public func ends(before byte: UInt8) -> Bool {
    guard depth == 0, !inString else { return false }
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ":"), 0x20, 0x0A, 0x0D, 0x09: return true
    default: return false
    }
  }

  /// Takes in this byte; true where it is the last of a list, an object or a string.
  public mutating func ends(with byte: UInt8) -> Bool {
    started = true
    if inString {
      if escaped {
        escaped = false
      } else if byte == UInt8(ascii: "\\") {
        escaped = true
      } else if byte == UInt8(ascii: "\"") {
        inString = false
        return depth == 0
      }
      return false
    }
    switch byte {
    case UInt8(ascii: "\""):
      inString = true
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      depth += 1
    case UInt8(ascii: "]"), UInt8(ascii: "}"):
      depth -= 1
      return depth == 0
    default: break
    }
    return false
  }
}
