import CheckpointFiles
import Foundation
import Ground
import Torch

/// Patterns in numpy's own forms: `.npy`, one array (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>),
/// and `.npz`, an uncompressed zip archive of them.
enum NumpyFile {
  // MARK: .npy

  /// Writes one matrix, F32 [L, H].
  static func write(mean: HeadMatrix, to url: URL) throws {
    try AtomicFile.write(array("<f4", [mean.layers, mean.heads]) + bytes(of: mean), to: url)
  }

  /// Reads one matrix of `<f4` or `<f8`, [L, H].
  static func pattern(from url: URL) throws -> ActivationPattern {
    let file = try MappedFile(at: url)
    let path = url.path(percentEncoded: false)
    func wrong(_ problem: Message) -> PatternError {
      PatternError(path, problem: problem, remedy: "save a two-dimensional float32 or float64 array with numpy.save")
    }
    let bytes = file.bytes
    guard bytes.count >= 12, bytes.prefix(6).elementsEqual([0x93] + Array("NUMPY".utf8)) else { throw wrong("it is not an .npy file") }
    let major = bytes[6]
    guard (1...3).contains(major) else { throw wrong("it has version \(major) of the .npy form, which is not known") }
    let lengthWidth = major == 1 ? 2 : 4
    let headerCount =
      major == 1
      ? Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
      : Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
    let start = 8 + lengthWidth + headerCount
    guard start <= bytes.count, let header = String(validating: bytes[(8 + lengthWidth)..<start], as: UTF8.self) else {
      throw wrong("its header is cut short")
    }
    guard header.contains(/'fortran_order'\s*:\s*False/) else { throw wrong("its rows do not lie one after another") }
    guard let shape = header.firstMatch(of: /'shape'\s*:\s*\(\s*(\d+)\s*,\s*(\d+)\s*,?\s*\)/), let layers = Int(shape.1),
      let heads = Int(shape.2)
    else { throw wrong("its array is not two-dimensional") }
    let isDouble: Bool
    if header.contains(/'descr'\s*:\s*'<f4'/) {
      isDouble = false
    } else if header.contains(/'descr'\s*:\s*'<f8'/) {
      isDouble = true
    } else {
      throw wrong("its numbers are neither float32 nor float64")
    }
    let (count, overflow) = layers.multipliedReportingOverflow(by: heads)
    let width = isDouble ? 8 : 4
    let (size, sizeOverflow) = count.multipliedReportingOverflow(by: width)
    guard !overflow, !sizeOverflow, size == bytes.count - start else {
      throw wrong("it has \(bytes.count - start) bytes of data, which \(layers) × \(heads) numbers do not fill")
    }
    let values = (0..<count).map { index in
      isDouble
        ? Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + index * 8, as: UInt64.self)))
        : Double(Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start + index * 4, as: UInt32.self))))
    }
    do {
      let mean = try HeadMatrix(layers: layers, heads: heads, values: values)
      return try ActivationPattern(provenance: Provenance(), levels: [.magnitude: .init(mean: mean)])
    } catch let error as PatternError {
      throw PatternError(path, problem: error.problem, remedy: error.remedy)
    }
  }

  /// The header of an array: magic, version 1.0, and a description padded so that the data begins at a multiple of 64 bytes.
  private static func array(_ type: String, _ shape: [Int]) -> Data {
    let extents = shape.count == 1 ? "\(shape[0])," : shape.map(String.init).joined(separator: ", ")
    var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }"
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    data.append(UInt16(header.utf8.count))
    data.append(Data(header.utf8))
    return data
  }

  private static func bytes(of matrix: HeadMatrix) -> Data {
    matrix.values.map { Float($0) }.withUnsafeBytes { Data($0) }
  }

  // MARK: .npz

  /// Writes every array, and the metadata as JSON in a text array `metadata`.
  static func write(
    means: [(name: String, matrix: HeadMatrix)], perSample: [(name: String, levels: SampleLevels)], layers: Int, heads: Int,
    samples: ActivationPattern.Samples?, metadata: [String: String], to url: URL
  ) throws {
    var entries: [ZipWriter.Entry] = means.map { name, matrix in
      let data = bytes(of: matrix)
      return entry(name, header: array("<f4", [layers, heads]), count: data.count) { body in try data.withUnsafeBytes(body) }
    }
    entries += perSample.map { name, levels in
      entry(name, header: array("<f4", [levels.sampleCount, layers, heads]), count: levels.sampleCount * levels.entryCount * 4) { body in
        try levels.withPieces(body)
      }
    }
    if !perSample.isEmpty, let samples {
      entries.append(
        entry("loss", header: array("<f4", [samples.loss.count]), count: samples.loss.count * 4) { body in
          try samples.loss.withUnsafeBytes(body)
        })
      entries.append(
        entry("index", header: array("<i8", [samples.index.count]), count: samples.index.count * 8) { body in
          try samples.index.withUnsafeBytes(body)
        })
      if let contents = samples.contents {
        entries.append(
          entry("content", header: array("<u8", [contents.count]), count: contents.count * 8) { body in
            try contents.withUnsafeBytes(body)
          })
      }
    }
    // A text array holds UTF-32.
    let text = String(decoding: try HeadwayJSON.encoder().encode(metadata), as: UTF8.self).unicodeScalars.map { $0.value.littleEndian }
    entries.append(
      entry("metadata", header: array("<U\(text.count)", []), count: text.count * 4) { body in try text.withUnsafeBytes(body) })
    try ZipWriter.write(entries, to: url)
  }

  /// The metadata of an archive that this type wrote; nil for any other.
  static func metadata(of url: URL) -> [String: String]? {
    guard let file = try? MappedFile(at: url) else { return nil }
    return withExtendedLifetime(file) { metadata(of: file) }
  }

  private static func metadata(of file: MappedFile) -> [String: String]? {
    guard let archive = try? ZipDirectory(file.bytes), let range = archive.entries["metadata.npy"],
      let member = try? file.bytes(in: range), member.count >= 10, member.prefix(8).elementsEqual([0x93] + Array("NUMPY".utf8) + [1, 0])
    else { return nil }
    let start = 10 + Int(UInt16(littleEndian: member.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
    guard start <= member.count, (member.count - start).isMultiple(of: 4) else { return nil }
    var text = String.UnicodeScalarView()
    for place in stride(from: start, to: member.count, by: 4) {
      guard let scalar = Unicode.Scalar(UInt32(littleEndian: member.loadUnaligned(fromByteOffset: place, as: UInt32.self))) else {
        return nil
      }
      text.append(scalar)
    }
    return try? JSONDecoder().decode([String: String].self, from: Data(String(text).utf8))
  }

  /// An array as an entry of the archive.
  private static func entry(
    _ name: String, header: Data, count: Int, _ withBytes: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) -> ZipWriter.Entry {
    ZipWriter.Entry(name: "\(name).npy", count: header.count + count) { take in
      try header.withUnsafeBytes(take)
      try withBytes(take)
    }
  }
}

extension Data {
  /// Appends the number, little-endian.
  fileprivate mutating func append(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
