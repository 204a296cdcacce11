public import CheckpointFiles
import CTorch

// MARK: - Shape

extension Tensor {
  /// The same elements in another shape; one length may be −1.
  public func reshaped(_ shape: [Int]) throws -> Tensor {
    let lengths = shape.map(Int64.init)
    return try made { ct_reshape(handle, lengths, Int32(lengths.count), $0) }
  }
  /// Two dimensions exchanged.
  public func transposed(_ first: Int, _ second: Int) throws -> Tensor {
    try made { ct_transpose(handle, Int32(clamping: first), Int32(clamping: second), $0) }
  }
  /// `length` entries of a dimension from `start` on.
  public func narrowed(_ dimension: Int, from start: Int, length: Int) throws -> Tensor {
    try made { ct_narrow(handle, Int32(clamping: dimension), Int64(start), Int64(length), $0) }
  }
  /// The entries of a dimension that `indices`, a one-dimensional int64 tensor, names.
  public func selecting(_ indices: Tensor, dimension: Int = 0) throws -> Tensor {
    try made { ct_index_select(handle, Int32(clamping: dimension), indices.handle, $0) }
  }
  /// Tensors laid end to end along a dimension.
  public static func concatenated(_ tensors: [Tensor], dimension: Int = 0) throws -> Tensor {
    let handles: [ct_tensor?] = tensors.map(\.handle)
    return try made { ct_concatenate(handles, Int32(handles.count), Int32(clamping: dimension), $0) }
  }
  /// The same elements in row-major order in memory.
  public func contiguous() throws -> Tensor { try made { ct_contiguous(handle, $0) } }
  /// The same values in another element type.
  public func converted(to elementType: ElementType) throws -> Tensor { try made { ct_to_dtype(handle, elementType.ctorch, $0) } }
  /// The same values on another device.
  public func moved(to device: Device) throws -> Tensor {
    try made { ct_to_device(handle, device.ctorchType, device.ctorchIndex, $0) }
  }
}

// MARK: - Arithmetic

extension Tensor {
  /// Element-wise sum, broadcasting as libtorch does.
  public static func + (a: Tensor, b: Tensor) throws -> Tensor { try made { ct_add(a.handle, b.handle, $0) } }
  /// Element-wise difference.
  public static func - (a: Tensor, b: Tensor) throws -> Tensor { try made { ct_subtract(a.handle, b.handle, $0) } }
  /// Element-wise product.
  public static func * (a: Tensor, b: Tensor) throws -> Tensor { try made { ct_multiply(a.handle, b.handle, $0) } }
  /// Element-wise quotient.
  public static func / (a: Tensor, b: Tensor) throws -> Tensor { try made { ct_divide(a.handle, b.handle, $0) } }
  /// Every element times a number.
  public static func * (a: Tensor, factor: Double) throws -> Tensor { try made { ct_scale(a.handle, factor, $0) } }
  /// Every element plus a number.
  public static func + (a: Tensor, term: Double) throws -> Tensor { try made { ct_shift(a.handle, term, $0) } }

  /// Absolute values.
  public func absolute() throws -> Tensor { try made { ct_absolute(handle, $0) } }
  /// The sum of all elements.
  public func sum() throws -> Tensor { try made { ct_sum(handle, $0) } }
  /// The sum along a dimension, which disappears.
  public func sum(dimension: Int) throws -> Tensor { try made { ct_sum_dimension(handle, Int32(clamping: dimension), $0) } }
  /// Sums over runs of rows: `[T, …]` and bounds b₀ … b_B give `[B, …]`, in float32 or wider.
  public func segmentSums(bounds: [Int]) throws -> Tensor {
    let limits = bounds.map(Int64.init)
    return try made { ct_segment_sum(handle, limits, Int32(max(0, limits.count - 1)), $0) }
  }
  /// Matrix product, batched as libtorch does.
  public func matrixProduct(_ other: Tensor) throws -> Tensor { try made { ct_matmul(handle, other.handle, $0) } }
  /// The index of the greatest entry along a dimension.
  public func indexOfGreatest(dimension: Int) throws -> Tensor { try made { ct_argmax(handle, Int32(clamping: dimension), $0) } }
  /// c · tanh(x / c) of every entry x, c being the cap.
  public func softCapped(at cap: Double) throws -> Tensor { try made { ct_soft_cap(handle, cap, $0) } }
  /// The logarithm of the softmax over the last dimension.
  public func logSoftmax() throws -> Tensor { try made { ct_log_softmax(handle, $0) } }
  /// Whether no element is infinite or not a number.
  public func isFinite() throws -> Bool {
    var finite = false
    try check(ct_all_finite(handle, &finite))
    return finite
  }
}
