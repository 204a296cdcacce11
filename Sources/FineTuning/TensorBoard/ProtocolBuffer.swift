/// A protocol-buffer message as it is built, field by field in ascending order
/// (https://protobuf.dev/programming-guides/encoding/). A field that holds its default is left out, as proto3 has it.
struct ProtocolBuffer {
  private(set) var bytes: [UInt8] = []

  private enum WireType: UInt64 {
    case variable = 0
    case eightBytes = 1
    case counted = 2
    case fourBytes = 5
  }

  private mutating func append(variable value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  private mutating func append(field: UInt64, _ type: WireType) { append(variable: field << 3 | type.rawValue) }

  /// An `int64` or an enumeration.
  mutating func integer(_ value: Int, field: UInt64) {
    guard value != 0 else { return }
    append(field: field, .variable)
    append(variable: UInt64(bitPattern: Int64(value)))
  }

  /// A `double`.
  mutating func double(_ value: Double, field: UInt64) {
    guard value.bitPattern != 0 else { return }
    append(field: field, .eightBytes)
    bytes += littleEndian(value.bitPattern)
  }

  /// A `float` of a `oneof`, which is written even where it is zero: its presence tells which one it is.
  mutating func float(_ value: Float, field: UInt64) {
    append(field: field, .fourBytes)
    bytes += littleEndian(value.bitPattern)
  }

  /// A `string` of a `oneof` or an embedded message: written even where it is empty.
  mutating func counted(_ content: some Collection<UInt8>, field: UInt64) {
    append(field: field, .counted)
    append(variable: UInt64(content.count))
    bytes += content
  }
}

/// The bytes of an integer, least significant first.
func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
