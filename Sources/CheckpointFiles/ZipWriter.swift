package import Foundation
import Ground

/// Writes zip archives of stored (uncompressed) entries, as `ZipDirectory` reads them. Without zip64: 4 GiB in all.
package enum ZipWriter {
  /// One entry: its name, and a closure that hands out its bytes, in as many pieces as it likes. It is called twice, since an entry's checksum
  /// stands before its bytes.
  package struct Entry {
    let name: String
    let count: Int
    let withPieces: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

    /// An entry of `count` bytes.
    package init(name: String, count: Int, withPieces: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) {
      self.name = name
      self.count = count
      self.withPieces = withPieces
    }
  }

  /// Writes the archive, whole or not at all.
  /// - Throws: `CheckpointError` where it would be too large, `FileError` where it cannot be written, or what a closure throws.
  package static func write(_ entries: [Entry], to url: URL) throws {
    let total = entries.reduce(22) { $0 + $1.count + 2 * $1.name.utf8.count + 76 }
    guard total < Int(UInt32.max), entries.count < Int(UInt16.max) else {
      throw CheckpointError(
        path: url.path(percentEncoded: false),
        problem: "would take \(total) bytes in \(entries.count) arrays, and a zip archive holds 4 GiB in 65534",
        remedy: "give it a name that ends in .safetensors")
    }
    try AtomicFile.write(to: url) { sink in
      var directory = Data()
      var offset = 0
      for entry in entries {
        var checksum = CyclicRedundancyCheck(.zip)
        try entry.withPieces { checksum.add($0) }
        let name = Data(entry.name.utf8)
        let size = UInt32(entry.count)
        // What the local header and the directory say alike: version 2.0, no flags, stored, 1 January 1980.
        var common = Data()
        for value: UInt16 in [20, 0, 0, 0, 0x21] { common.append(value) }
        for value in [checksum.value, size, size] { common.append(value) }
        common.append(UInt16(name.count))
        common.append(UInt16(0))
        var local = Data("PK\u{3}\u{4}".utf8)
        local.append(common)
        local.append(name)
        try sink.write(local)
        try entry.withPieces { try sink.write($0) }
        directory.append(Data("PK\u{1}\u{2}".utf8))
        directory.append(UInt16(20))
        directory.append(common)
        for value: UInt16 in [0, 0, 0] { directory.append(value) }
        directory.append(UInt32(0))
        directory.append(UInt32(offset))
        directory.append(name)
        offset += local.count + entry.count
      }
      var end = Data("PK\u{5}\u{6}".utf8)
      for value in [0, 0, UInt16(entries.count), UInt16(entries.count)] { end.append(value) }
      end.append(UInt32(directory.count))
      end.append(UInt32(offset))
      end.append(UInt16(0))
      try sink.write(directory + end)
    }
  }
}

extension Data {
  /// Appends the number, little-endian.
  fileprivate mutating func append(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
