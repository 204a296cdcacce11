/// The checksum that TFRecord files carry: CRC-32C (Castagnoli; RFC 3720, appendix B.4), rotated and shifted so that a
/// checksum of data that hold checksums stays a good one.
enum CyclicRedundancyCheck {
  /// The remainder of each byte under the reflected polynomial 0x1EDC6F41.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { remainder, _ in
      remainder & 1 == 1 ? 0x82F6_3B78 ^ (remainder >> 1) : remainder >> 1
    }
  }

  /// CRC-32C of these bytes.
  static func castagnoli(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { remainder, byte in table[Int(UInt8(truncatingIfNeeded: remainder) ^ byte)] ^ (remainder >> 8) }
  }

  /// The masked form, as TensorFlow's `record_writer` has it.
  static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let check = castagnoli(bytes)
    return (check >> 15 | check << 17) &+ 0xA282_EAD8
  }
}
