import FuzzedReaders
import FuzzingRuntime

/// libFuzzer's mutations, after which those numbers of a file are set right that say where its parts lie: a random change of a part's length would otherwise
/// get no further than to them. One input in eight stays as it came.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ most: Int, _ seed: UInt32) -> Int {
  let size = LLVMFuzzerMutate(data, size, most)
  guard !seed.isMultiple(of: 8) else { return size }
  let bytes = UnsafeMutableRawBufferPointer(start: data, count: size)
  switch Session.current?.reader {
  case .safetensors: SafetensorsLayout.repair(bytes)
  case .checkpoint: ZipLayout.repair(bytes)
  case .parquet: ParquetLayout.repair(bytes)
  default: break
  }
  return size
}

/// Eight bytes of length, a header in braces, data.
enum SafetensorsLayout {
  static func repair(_ bytes: UnsafeMutableRawBufferPointer) {
    guard bytes.count > 8, let end = closingBrace(bytes) else { return }
    bytes.storeBytes(of: UInt64(end + 1 - 8).littleEndian, as: UInt64.self)
  }

  /// Where the brace closes that opens the header.
  private static func closingBrace(_ bytes: UnsafeMutableRawBufferPointer) -> Int? {
    var depth = 0
    var isText = false
    var index = 8
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\\") where isText: index += 1
      case UInt8(ascii: "\""): isText.toggle()
      case UInt8(ascii: "{") where !isText: depth += 1
      case UInt8(ascii: "}") where !isText:
        depth -= 1
        if depth == 0 { return index }
      default: break
      }
      index += 1
    }
    return nil
  }
}

/// Entries, the directory that says where each lies, and a record that says where that lies.
enum ZipLayout {
  static func repair(_ bytes: UnsafeMutableRawBufferPointer) {
    let locals = places(of: 0x0403_4b50, in: bytes)
    let described = places(of: 0x0201_4b50, in: bytes)
    guard let start = described.first, let end = places(of: 0x0605_4b50, in: bytes).last, end + 22 <= bytes.count else { return }
    store(UInt16(truncatingIfNeeded: described.count), at: end + 10, in: bytes)
    store(UInt32(truncatingIfNeeded: start), at: end + 16, in: bytes)
    store(UInt16(truncatingIfNeeded: bytes.count - end - 22), at: end + 20, in: bytes)
    for (entry, place) in zip(described, locals) { store(UInt32(truncatingIfNeeded: place), at: entry + 42, in: bytes) }
  }

  private static func places(of mark: UInt32, in bytes: UnsafeMutableRawBufferPointer) -> [Int] {
    guard bytes.count >= 4 else { return [] }
    return (0...bytes.count - 4).filter { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)) == mark }
  }

  private static func store<Number: FixedWidthInteger & BitwiseCopyable>(
    _ value: Number, at place: Int, in bytes: UnsafeMutableRawBufferPointer
  ) {
    guard place + MemoryLayout<Number>.size <= bytes.count else { return }
    bytes.storeBytes(of: value.littleEndian, toByteOffset: place, as: Number.self)
  }
}

/// A mark at both ends, and before the last the footer's length.
enum ParquetLayout {
  static func repair(_ bytes: UnsafeMutableRawBufferPointer) {
    guard bytes.count >= 12 else { return }
    let mark = Array("PAR1".utf8)
    for (index, byte) in mark.enumerated() {
      bytes[index] = byte
      bytes[bytes.count - 4 + index] = byte
    }
  }
}
