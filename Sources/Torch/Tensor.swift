public import CheckpointFiles
public import Ground
import CTorch

/// An n-dimensional array in libtorch, released as soon as the last reference to it is gone.
///
/// Operations return new tensors and never change their operands, so a tensor may be read from several threads; only training writes in place
/// (`overwrite`, `AdamW`, `collectGradient`), to tensors that it owns. Every operation throws `TorchError`, which names the operation and the shapes.
public final class Tensor: @unchecked Sendable {
  // libtorch's tensors count their references atomically, and nothing but training writes to one in place, to tensors of its own.
  let handle: ct_tensor

  init(_ handle: ct_tensor) { self.handle = handle }
  deinit { ct_release(handle) }

  /// The length of each dimension.
  public var shape: [Int] {
    var lengths = [Int64](repeating: 0, count: Int(ct_dimensions(handle)))
    lengths.withUnsafeMutableBufferPointer { ct_shape(handle, $0.baseAddress) }
    return lengths.map(Int.init)
  }

  /// The type of its elements.
  public var elementType: ElementType { ElementType(ctorch: ct_dtype_of(handle)) ?? .float32 }

  /// Where it lies.
  public var device: Device {
    var type: Int32 = 0
    var index: Int32 = 0
    ct_device_of(handle, &type, &index)
    return Device(ctorch: type, index: index)
  }

  /// Whether its memory is a read-only mapping of a file.
  public var isMapped: Bool { ct_is_mapped(handle) }

  /// The number of its elements.
  public var count: Int { shape.reduce(1, *) }
}

// MARK: - Making tensors

extension Tensor {
  /// A tensor of one value.
  public static func full(_ value: Double, shape: [Int], elementType: ElementType = .float32, on device: Device = .cpu) throws -> Tensor {
    let lengths = shape.map(Int64.init)
    return try made {
      ct_full(value, elementType.ctorch, lengths, Int32(lengths.count), device.ctorchType, device.ctorchIndex, $0)
    }
  }

  /// Ones, by default in float32.
  public static func ones(_ shape: [Int], elementType: ElementType = .float32, on device: Device = .cpu) throws -> Tensor {
    try full(1, shape: shape, elementType: elementType, on: device)
  }

  /// Zeros, by default in float32.
  public static func zeros(_ shape: [Int], elementType: ElementType = .float32, on device: Device = .cpu) throws -> Tensor {
    try full(0, shape: shape, elementType: elementType, on: device)
  }

  /// A float32 tensor with these elements in row-major order; their number must be the shape's.
  public convenience init(_ elements: [Float], shape: [Int]) throws {
    self.init(try Tensor.copying(elements, elementType: .float32, shape: shape))
  }

  /// A float64 tensor with these elements in row-major order.
  public convenience init(_ elements: [Double], shape: [Int]) throws {
    self.init(try Tensor.copying(elements, elementType: .float64, shape: shape))
  }

  /// A one-dimensional int64 tensor, as indices and targets are.
  public convenience init(_ elements: [Int]) throws {
    self.init(try Tensor.copying(elements.map(Int64.init), elementType: .int64, shape: [elements.count]))
  }

  /// A tensor over the stored one's bytes in its mapped file, without copying; the mapping stays alive as long as the tensor. Only the elements
  /// of a view with strides of its own are copied into row-major order.
  public convenience init(mapping stored: StoredTensor) throws {
    guard stored.strides != nil else {
      let bytes = try stored.mapping.bytes(in: stored.byteRange)
      try self.init(mapping: bytes, of: stored.mapping, elementType: stored.elementType, shape: stored.shape)
      return
    }
    self.init(try stored.withBytes { try Tensor.copying($0, elementType: stored.elementType, shape: stored.shape) })
  }

  /// A tensor over the entry's bytes in its mapped file, without copying; the mapping stays alive as long as the tensor.
  public convenience init(mapping entry: TensorEntry, of file: SafetensorsFile) throws { try self.init(mapping: file.stored(entry)) }

  /// A tensor over `bytes`, which lie in `file`; their number must be the shape's.
  public convenience init(mapping bytes: UnsafeRawBufferPointer, of file: MappedFile, elementType: ElementType, shape: [Int]) throws {
    let lengths = shape.map(Int64.init)
    let needed = shape.reduce(elementType.byteWidth, *)
    guard needed == bytes.count else {
      throw TorchError("map: the shape \(shape) of \(elementType) needs \(needed) bytes, but \(bytes.count) were given")
    }
    guard let start = bytes.baseAddress, needed > 0 else {
      self.init(try Tensor.copying([UInt8](), elementType: elementType, shape: shape))
      return
    }
    // libtorch gives the retained reference back when the last view of the memory is gone.
    let owner = Unmanaged.passRetained(file).toOpaque()
    var handle: ct_tensor?
    try check(
      ct_from_mapped(
        start, elementType.ctorch, lengths, Int32(lengths.count), owner,
        { owner in if let owner { Unmanaged<MappedFile>.fromOpaque(owner).release() } }, &handle))
    guard let handle else { throw TorchError("map: an operation left no tensor behind") }
    self.init(handle)
  }

  private static func copying<Element>(_ elements: [Element], elementType: ElementType, shape: [Int]) throws -> ct_tensor {
    try elements.withUnsafeBytes { try copying($0, elementType: elementType, shape: shape) }
  }

  private static func copying(_ bytes: UnsafeRawBufferPointer, elementType: ElementType, shape: [Int]) throws -> ct_tensor {
    let lengths = shape.map(Int64.init)
    var handle: ct_tensor?
    try check(ct_from_bytes(bytes.baseAddress, Int64(bytes.count), elementType.ctorch, lengths, Int32(lengths.count), &handle))
    guard let handle else { throw TorchError("tensor: an operation left no tensor behind") }
    return handle
  }
}

// MARK: - Reading tensors

extension Tensor {
  /// Its elements in row-major order, converted to float32.
  public func floats() throws -> [Float] { try elements(as: .float32, zero: Float(0)) }
  /// Its elements in row-major order, converted to float64.
  public func doubles() throws -> [Double] { try elements(as: .float64, zero: Double(0)) }
  /// Its elements in row-major order, converted to integers.
  public func integers() throws -> [Int] { try elements(as: .int64, zero: Int64(0)).map(Int.init) }

  /// The one element of a tensor with a single element.
  public func scalar() throws -> Double {
    guard let value = try doubles().first, count == 1 else {
      throw TorchError("read: a single element was expected, the shape is \(shape)")
    }
    return value
  }

  /// The bytes of its elements in row-major order, in its own element type.
  public func bytes() throws -> [UInt8] {
    let size = count * elementType.byteWidth
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      try check(ct_copy_out(handle, buffer.baseAddress, Int64(size)))
      initialized = size
    }
  }

  private func elements<Element>(as type: ElementType, zero: Element) throws -> [Element] {
    // Converted here and not on its device, which may know fewer types (MPS has no float64).
    let here = device == .cpu ? self : try moved(to: .cpu)
    let source = elementType == type ? here : try here.converted(to: type)
    let size = count
    return try [Element](unsafeUninitializedCapacity: size) { buffer, initialized in
      try check(ct_copy_out(source.handle, buffer.baseAddress, Int64(size * type.byteWidth)))
      initialized = size
    }
  }
}

extension ElementType {
  /// The code of the C boundary.
  var ctorch: Int32 {
    switch self {
    case .float32: Int32(CT_FLOAT32.rawValue)
    case .float16: Int32(CT_FLOAT16.rawValue)
    case .bfloat16: Int32(CT_BFLOAT16.rawValue)
    case .float64: Int32(CT_FLOAT64.rawValue)
    case .int64: Int32(CT_INT64.rawValue)
    case .int32: Int32(CT_INT32.rawValue)
    case .uint8: Int32(CT_UINT8.rawValue)
    case .bool: Int32(CT_BOOL.rawValue)
    case .int8: Int32(CT_INT8.rawValue)
    case .int16: Int32(CT_INT16.rawValue)
    }
  }
  init?(ctorch code: Int32) {
    guard let found = ElementType.allCases.first(where: { $0.ctorch == code }) else { return nil }
    self = found
  }
}
