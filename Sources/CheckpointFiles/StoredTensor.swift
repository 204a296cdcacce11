public import Ground
import Foundation

/// A tensor as it lies in a mapped checkpoint file, whatever the file's format: its name, type, shape and place.
///
/// Holding it keeps the mapping alive and costs no memory for the values.
public struct StoredTensor: Sendable {
  /// The name in the checkpoint, for instance `model.layers.0.self_attn.q_proj.weight`.
  public let name: String
  /// The type of its elements.
  public let elementType: ElementType
  /// The extent of each dimension; empty for a scalar.
  public let shape: [Int]
  /// The file it lies in.
  public let mapping: MappedFile
  /// The bytes that its elements lie in, counted from the start of the file.
  public let byteRange: Range<Int>
  /// How many elements apart neighbours of each dimension lie; nil where they lie in row-major order without holes.
  public let strides: [Int]?

  /// Describes a tensor; `strides` and `shape` must keep every element inside `byteRange`, which their readers prove.
  package init(name: String, elementType: ElementType, shape: [Int], mapping: MappedFile, byteRange: Range<Int>, strides: [Int]? = nil) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.mapping = mapping
    self.byteRange = byteRange
    self.strides = strides
  }

  /// The number of elements.
  public var elementCount: Int { shape.reduce(1, *) }
  /// The number of bytes of its elements.
  public var byteCount: Int { elementCount * elementType.byteWidth }
  /// The path of its file, for messages.
  public var path: String { mapping.url.path(percentEncoded: false) }

  /// The elements' bytes in row-major order, little-endian, at no particular alignment. They are read where they lie; only those of a view
  /// with strides of its own (a transposed matrix) are copied first.
  /// - Throws: `FileError` where the place leaves the file, and what `body` throws.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    let bytes = try mapping.bytes(in: byteRange)
    guard let strides else { return try body(bytes) }
    return try gathered(bytes, strides).withUnsafeBytes(body)
  }

  /// The elements copied into row-major order, an innermost row at a time.
  private func gathered(_ source: UnsafeRawBufferPointer, _ strides: [Int]) -> [UInt8] {
    let width = elementType.byteWidth
    let rowLength = shape.last ?? 1
    let rowStride = (strides.last ?? 1) * width
    let count = byteCount
    return [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      guard let from = source.baseAddress, let to = target.baseAddress else { return }
      // The place of the present row in each dimension but the last.
      var index = [Int](repeating: 0, count: max(0, shape.count - 1))
      var rowStart = 0
      var written = 0
      while written < count {
        for column in 0..<rowLength {
          UnsafeMutableRawPointer(to + written).copyMemory(from: from + rowStart + column * rowStride, byteCount: width)
          written += width
        }
        var dimension = index.count - 1
        while dimension >= 0 {
          index[dimension] += 1
          rowStart += strides[dimension] * width
          guard index[dimension] == shape[dimension] else { break }
          rowStart -= shape[dimension] * strides[dimension] * width
          index[dimension] = 0
          dimension -= 1
        }
      }
      initialized = count
    }
  }
}

extension SafetensorsFile {
  /// The tensor as every checkpoint format describes it.
  public func stored(_ entry: TensorEntry) -> StoredTensor {
    StoredTensor(name: entry.name, elementType: entry.elementType, shape: entry.shape, mapping: mapping, byteRange: entry.byteRange)
  }
}
