public import Ground
public import Foundation

/// One tensor of a safetensors file: what the header says of it.
public struct TensorEntry: Sendable, Hashable {
  /// The name, for instance `model.layers.0.self_attn.q_proj.weight`.
  public let name: String
  /// The type of its elements.
  public let elementType: ElementType
  /// The extent of each dimension; empty for a scalar.
  public let shape: [Int]
  /// Where its bytes lie, counted from the start of the file.
  public let byteRange: Range<Int>

  /// The number of elements.
  public var elementCount: Int { byteRange.count / elementType.byteWidth }
}

/// A safetensors file, mapped into memory and checked whole when it is opened; values are read where they lie.
///
/// The layout is that of <https://github.com/huggingface/safetensors>: eight bytes of header length (little-endian), a JSON
/// header of tensors and string metadata, then the tensors' bytes end to end without holes.
public struct SafetensorsFile: Sendable {
  /// The mapping; tensors made on it keep a reference to it.
  public let mapping: MappedFile
  /// The header's `__metadata__`; empty where there is none.
  public let metadata: [String: String]
  /// The tensors in the order in which their bytes lie in the file.
  public let tensors: [TensorEntry]
  private let positions: [String: Int]

  /// The file.
  public var url: URL { mapping.url }
  /// The file's path, for messages.
  public var path: String { url.path(percentEncoded: false) }

  /// The reference implementation's limit on a header.
  static let longestHeader = 100_000_000

  /// Maps the file and checks its header strictly: every tensor's type, shape and place are sound, no two overlap, nothing is
  /// left over.
  /// - Throws: `FileError` where the file cannot be mapped, `CheckpointError` where its contents are wrong.
  public init(at url: URL) throws {
    mapping = try MappedFile(at: url)
    let path = url.path(percentEncoded: false)
    let bytes = mapping.bytes
    func damaged(_ problem: String) -> CheckpointError {
      CheckpointError(path: path, problem: problem, remedy: "download or write it again")
    }
    guard bytes.count >= 8 else {
      throw damaged("a safetensors file begins with 8 bytes of header length, but this one has \(bytes.count)")
    }
    let declared = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    // Text in place of the header's length reads as an absurd one; only where a header follows is it the length that is damaged.
    guard declared <= UInt64(Self.longestHeader) || bytes.count > 8 && bytes[8] == UInt8(ascii: "{") else {
      throw CheckpointError(
        path: path, problem: "it is not a safetensors file, which begins with the length of its header",
        remedy: "check that this is the right file")
    }
    guard declared <= UInt64(Self.longestHeader) else {
      throw damaged("its header claims \(declared) bytes, more than the \(Self.longestHeader) that a safetensors header may have")
    }
    let headerEnd = 8 + Int(declared)
    guard headerEnd <= bytes.count else {
      throw damaged("its header claims \(declared) bytes but the file has only \(bytes.count - 8) after the length: it is cut short")
    }
    var header: SafetensorsHeader
    do {
      header = try SafetensorsHeader(UnsafeRawBufferPointer(rebasing: bytes[8..<headerEnd]))
    } catch {
      throw CheckpointError(path: path, tensor: error.tensor, problem: error.problem, remedy: "download or write it again")
    }
    // Stable, so that empty tensors at the same place keep the header's order.
    header.tensors.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
    var entries: [TensorEntry] = []
    entries.reserveCapacity(header.tensors.count)
    var positions: [String: Int] = [:]
    positions.reserveCapacity(header.tensors.count)
    var expected = 0
    for tensor in header.tensors {
      let entry = try Self.entry(of: tensor, expectedBegin: expected, headerEnd: headerEnd, path: path, dataCount: bytes.count - headerEnd)
      expected = tensor.end
      positions[entry.name] = entries.count
      entries.append(entry)
    }
    guard expected == bytes.count - headerEnd else {
      throw damaged("its tensors end at byte \(expected) of the data but the file has \(bytes.count - headerEnd): the rest belongs to none")
    }
    self.metadata = header.metadata
    self.tensors = entries
    self.positions = positions
  }

  /// Checks one tensor's numbers against each other and against the file.
  private static func entry(
    of tensor: SafetensorsHeader.Tensor, expectedBegin: Int, headerEnd: Int, path: String, dataCount: Int
  ) throws -> TensorEntry {
    func wrong(_ problem: String, remedy: String = "download or write the file again") -> CheckpointError {
      CheckpointError(path: path, tensor: tensor.name, problem: problem, remedy: remedy)
    }
    guard let elementType = ElementType(safetensorsName: tensor.elementType) else {
      let known = ElementType.allCases.map(\.safetensorsName).joined(separator: ", ")
      throw wrong("has the unknown element type \(tensor.elementType.debugDescription)", remedy: "convert it to one of \(known)")
    }
    guard tensor.begin <= tensor.end else { throw wrong("ends at byte \(tensor.end) before it begins at \(tensor.begin)") }
    guard tensor.end <= dataCount else {
      throw wrong("ends at byte \(tensor.end) of the data but the file has only \(dataCount): it is cut short")
    }
    guard tensor.begin == expectedBegin else {
      let what = tensor.begin < expectedBegin ? "overlaps the one before it" : "leaves a hole after the one before it"
      throw wrong("begins at byte \(tensor.begin) where \(expectedBegin) was due: it \(what)")
    }
    var size = elementType.byteWidth
    for extent in tensor.shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw wrong("has the shape \(tensor.shape), more elements than can be counted") }
      size = product
    }
    guard size == tensor.end - tensor.begin else {
      throw wrong("has \(tensor.end - tensor.begin) bytes, but its shape \(tensor.shape) in \(elementType.safetensorsName) takes \(size)")
    }
    return TensorEntry(
      name: tensor.name, elementType: elementType, shape: tensor.shape, byteRange: headerEnd + tensor.begin..<headerEnd + tensor.end)
  }

  /// The tensor of that name; nil where there is none.
  public subscript(name: String) -> TensorEntry? {
    positions[name].map { tensors[$0] }
  }

  /// The tensor of that name.
  /// - Throws: `CheckpointError` where there is none.
  public func tensor(named name: String) throws -> TensorEntry {
    guard let entry = self[name] else {
      let some = tensors.prefix(5).map(\.name).joined(separator: ", ")
      throw CheckpointError(
        path: path, tensor: name, problem: "is not in the file",
        remedy: tensors.isEmpty ? "the file holds no tensors" : "it holds \(some)\(tensors.count > 5 ? ", …" : "")")
    }
    return entry
  }

  /// The tensor's bytes where they lie in the mapping, valid while `mapping` lives, at no particular alignment.
  public func bytes(of entry: TensorEntry) throws -> UnsafeRawBufferPointer {
    try mapping.bytes(in: entry.byteRange)
  }

  /// The values of a floating-point tensor as `Float`: exact for F32, F16 and BF16, rounded for F64.
  /// - Throws: `CheckpointError` where there is no such tensor or it holds no real numbers.
  public func floats(_ name: String) throws -> [Float] {
    let entry = try tensor(named: name)
    let bytes = try bytes(of: entry)
    switch entry.elementType {
    case .float32: return bytes.elements(UInt32.self) { Float(bitPattern: UInt32(littleEndian: $0)) }
    case .float64: return bytes.elements(UInt64.self) { Float(Double(bitPattern: UInt64(littleEndian: $0))) }
    case .bfloat16: return bytes.elements(UInt16.self) { Float(bitPattern: UInt32(UInt16(littleEndian: $0)) << 16) }
    case .float16: return bytes.elements(UInt16.self) { Float(halfBits: UInt16(littleEndian: $0)) }
    case .int64, .int32, .int16, .int8, .uint8, .bool: throw unexpected(entry, "real numbers")
    }
  }

  /// The values of a floating-point tensor as `Double`, exact.
  /// - Throws: `CheckpointError` where there is no such tensor or it holds no real numbers.
  public func doubles(_ name: String) throws -> [Double] {
    let entry = try tensor(named: name)
    guard entry.elementType == .float64 else { return try floats(name).map(Double.init) }
    return try bytes(of: entry).elements(UInt64.self) { Double(bitPattern: UInt64(littleEndian: $0)) }
  }

  /// The values of an integer tensor as `Int64`.
  /// - Throws: `CheckpointError` where there is no such tensor or it holds no integers.
  public func int64s(_ name: String) throws -> [Int64] {
    let entry = try tensor(named: name)
    let bytes = try bytes(of: entry)
    switch entry.elementType {
    case .int64: return bytes.elements(Int64.self) { Int64(littleEndian: $0) }
    case .int32: return bytes.elements(Int32.self) { Int64(Int32(littleEndian: $0)) }
    case .int16: return bytes.elements(Int16.self) { Int64(Int16(littleEndian: $0)) }
    case .int8: return bytes.elements(Int8.self) { Int64($0) }
    case .uint8: return bytes.elements(UInt8.self) { Int64($0) }
    case .float64, .float32, .float16, .bfloat16, .bool: throw unexpected(entry, "integers")
    }
  }

  private func unexpected(_ entry: TensorEntry, _ wanted: String) -> CheckpointError {
    CheckpointError(
      path: path, tensor: entry.name, problem: "holds \(entry.elementType.safetensorsName), not \(wanted)",
      remedy: "check that this is the right file")
  }
}

extension UnsafeRawBufferPointer {
  /// Every element of a buffer that may lie at any address, converted one by one.
  fileprivate func elements<Stored: BitwiseCopyable, Value>(_ type: Stored.Type, _ convert: (Stored) -> Value) -> [Value] {
    let width = MemoryLayout<Stored>.size
    return [Value](unsafeUninitializedCapacity: count / width) { values, initialized in
      for index in 0..<values.count {
        values.initializeElement(at: index, to: convert(loadUnaligned(fromByteOffset: index * width, as: Stored.self)))
      }
      initialized = values.count
    }
  }
}

extension Float {
  /// An IEEE half-precision number; written out because Swift's `Float16` is missing on Intel Macs.
  init(halfBits: UInt16) {
    let sign = UInt32(halfBits & 0x8000) << 16
    let exponent = UInt32(halfBits >> 10) & 0x1f
    let fraction = UInt32(halfBits & 0x3ff)
    switch exponent {
    case 0: self = Float(bitPattern: sign | (Float(fraction) * 0x1p-24).bitPattern)
    case 31: self = Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
    default: self = Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}
