public import Ground
public import Foundation
import StrictJSON

/// Writes safetensors files, streaming one tensor after another, whole or not at all (`AtomicFile`).
public enum SafetensorsWriter {
  /// One tensor to be written: what it is, and a closure that supplies its bytes when their turn comes.
  public struct Source {
    /// The name, unique in the file.
    public let name: String
    /// The type of its elements.
    public let elementType: ElementType
    /// The extent of each dimension; empty for a scalar.
    public let shape: [Int]
    let supply: (FileSink) throws -> Void

    /// A tensor whose bytes (little-endian, row by row) the closure writes, in as many pieces as it likes.
    public init(name: String, elementType: ElementType, shape: [Int], supply: @escaping (FileSink) throws -> Void) {
      self.name = name
      self.elementType = elementType
      self.shape = shape
      self.supply = supply
    }

    /// A tensor in memory, F32.
    public init(name: String, shape: [Int], floats: [Float]) {
      self.init(name: name, elementType: .float32, shape: shape) { sink in
        try floats.withUnsafeBytes { try sink.write($0) }
      }
    }

    /// A tensor in memory, I64.
    public init(name: String, shape: [Int], int64s: [Int64]) {
      self.init(name: name, elementType: .int64, shape: shape) { sink in
        try int64s.withUnsafeBytes { try sink.write($0) }
      }
    }
  }

  /// Writes the file. Like the reference implementation it puts the widest elements first, so that each tensor is aligned to
  /// its elements; equally wide ones stay in the order given.
  /// - Throws: `FileError` where it cannot be written, `CheckpointError` where names repeat or a tensor's bytes do not fit its
  ///   shape, or what a closure throws; a file that was there before is then as it was.
  public static func write(_ sources: [Source], metadata: [String: String] = [:], to url: URL) throws {
    let path = url.path(percentEncoded: false)
    let ordered = sources.enumerated()
      .sorted { ($1.element.elementType.byteWidth, $0.offset) < ($0.element.elementType.byteWidth, $1.offset) }
      .map(\.element)
    let (header, sizes) = try header(of: ordered, metadata: metadata, path: path)
    try AtomicFile.write(to: url) { sink in
      try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try sink.write($0) }
      try sink.write(header)
      for (source, size) in zip(ordered, sizes) {
        let counter = FileSink.Counter()
        try source.supply(sink.counted(by: counter))
        guard counter.count == size else {
          throw CheckpointError(
            path: path, tensor: source.name, problem: "was given \(counter.count) bytes where its shape \(source.shape) takes \(size)",
            remedy: "give each tensor as many values as its shape has")
        }
      }
    }
  }

  /// The JSON header, padded with spaces to a multiple of 8 bytes, and each tensor's size in bytes.
  private static func header(of sources: [Source], metadata: [String: String], path: String) throws -> (Data, [Int]) {
    var names: Set<String> = ["__metadata__"]
    var members: [String] = []
    var sizes: [Int] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
      members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for source in sources {
      func wrong(_ problem: String, _ remedy: String) -> CheckpointError {
        CheckpointError(path: path, tensor: source.name, problem: problem, remedy: remedy)
      }
      guard names.insert(source.name).inserted else {
        throw wrong("is named twice or has a reserved name", "give each tensor its own name")
      }
      var size = source.elementType.byteWidth
      for extent in source.shape {
        let (product, overflow) = size.multipliedReportingOverflow(by: extent)
        guard extent >= 0, !overflow else { throw wrong("has the impossible shape \(source.shape)", "check its extents") }
        size = product
      }
      let (end, overflow) = offset.addingReportingOverflow(size)
      guard !overflow else { throw wrong("makes the file longer than a file can be", "write fewer tensors to it") }
      let shape = source.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(quoted(source.name)):{\"dtype\":\"\(source.elementType.safetensorsName)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}"
      )
      sizes.append(size)
      offset = end
    }
    var header = Data("{\(members.joined(separator: ","))}".utf8)
    header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
    guard header.count <= SafetensorsFile.longestHeader else {
      throw CheckpointError(
        path: path, problem: "its header would have \(header.count) bytes, more than the \(SafetensorsFile.longestHeader) allowed",
        remedy: "write fewer tensors to it")
    }
    return (header, sizes)
  }

  /// A JSON string literal.
  private static func quoted(_ text: String) -> String { JSONValue.string(text).jsonText }
}
