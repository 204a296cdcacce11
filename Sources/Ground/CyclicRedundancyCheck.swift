/// A 32-bit cyclic redundancy check, added to a piece at a time.
public struct CyclicRedundancyCheck: Sendable, Hashable {
  /// Which polynomial, in its reflected form.
  public enum Polynomial: Sendable, Hashable {
    /// CRC-32 of zip and gzip (RFC 1952).
    case zip
    /// CRC-32C of TFRecord files (Castagnoli; RFC 3720, appendix B.4).
    case castagnoli
  }

  private let table: [UInt32]
  private var remainder = UInt32.max

  /// The check of nothing.
  public init(_ polynomial: Polynomial) { table = polynomial == .zip ? Self.zipTable : Self.castagnoliTable }

  /// The check of everything added so far.
  public var value: UInt32 { ~remainder }

  /// Adds bytes.
  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    remainder = table.withUnsafeBufferPointer { table in
      bytes.reduce(remainder) { remainder, byte in table[Int(UInt8(truncatingIfNeeded: remainder) ^ byte)] ^ (remainder >> 8) }
    }
  }

  /// The check of these bytes.
  public static func of(_ bytes: [UInt8], _ polynomial: Polynomial) -> UInt32 {
    var check = CyclicRedundancyCheck(polynomial)
    bytes.withUnsafeBytes { check.add($0) }
    return check.value
  }

  private static let zipTable = table(0xEDB8_8320)
  private static let castagnoliTable = table(0x82F6_3B78)
  /// The remainder of each byte.
  private static func table(_ polynomial: UInt32) -> [UInt32] {
    (0..<256).map { byte in
      (0..<8).reduce(UInt32(byte)) { remainder, _ in remainder & 1 == 1 ? polynomial ^ (remainder >> 1) : remainder >> 1 }
    }
  }
}
