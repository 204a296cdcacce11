import CheckpointFiles
import Foundation
import Ground

/// Weights: what is opened can be read, every element of it, and lies in the file.
enum FuzzedCheckpoints {
  /// Tensors that are read of a file; a file may name a storage any number of times.
  private static let mostRead = 64

  static func safetensors(_ file: URL) throws {
    let opened = try SafetensorsFile(at: file)
    for entry in opened.tensors.prefix(mostRead) {
      try check(opened.stored(entry), in: opened.mapping.count)
      guard try opened.bytes(of: entry).count == entry.elementCount * entry.elementType.byteWidth else {
        throw BrokenPromise("the tensor \(entry.name.debugDescription) has other bytes than elements")
      }
      let values =
        if entry.elementType.isFloatingPoint { try opened.floats(entry.name).count } else if entry.elementType == .bool {
          entry.elementCount
        } else { try opened.int64s(entry.name).count }
      guard values == entry.elementCount else { throw BrokenPromise("the tensor \(entry.name.debugDescription) has \(values) values") }
    }
  }

  static func checkpoint(_ file: URL) throws {
    let opened = try PyTorchFile(at: file)
    for tensor in opened.tensors.prefix(mostRead) { try check(tensor, in: opened.mapping.count) }
  }

  private static func check(_ tensor: StoredTensor, in count: Int) throws {
    guard tensor.byteRange.lowerBound >= 0, tensor.byteRange.upperBound <= count, tensor.byteCount <= count else {
      throw BrokenPromise("the tensor \(tensor.name.debugDescription) lies at \(tensor.byteRange) of \(count) bytes")
    }
    // Every byte is touched.
    let (bytes, _) = try tensor.withBytes { bytes in (bytes.count, bytes.reduce(UInt8(0)) { $0 ^ $1 }) }
    guard bytes == tensor.byteCount else { throw BrokenPromise("the tensor \(tensor.name.debugDescription) gives \(bytes) bytes") }
  }

  /// A zip archive as torch.save lays it out, of a pickle and two storages of 16 bytes, `0` and `1`. Checksums are left out: the reader maps gigabytes and does
  /// not walk them.
  static func archive(around pickle: UnsafeRawBufferPointer) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    func short(_ value: Int) -> [UInt8] { [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)] }
    func long(_ value: Int) -> [UInt8] { short(value) + short(value >> 16) }
    let storage = [UInt8](repeating: 0x3C, count: 16)
    let entries = [("archive/data.pkl", Array(pickle)), ("archive/data/0", storage), ("archive/data/1", storage)]
    for (name, bytes) in entries {
      let common =
        short(20) + short(0) + short(0) + long(0) + long(0) + long(bytes.count) + long(bytes.count) + short(name.utf8.count) + short(0)
      directory += long(0x0201_4b50) + short(20) + common + short(0) + short(0) + short(0) + long(0) + long(file.count) + Array(name.utf8)
      file += long(0x0403_4b50) + common + Array(name.utf8) + bytes
    }
    let end = short(0) + short(0) + short(entries.count) + short(entries.count) + long(directory.count) + long(file.count) + short(0)
    return file + directory + long(0x0605_4b50) + end
  }
}
