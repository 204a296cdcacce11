import CTorch
import CheckpointFiles

/// Memory for float32 numbers that is filled again and again, and that tensors look at without copying it.
public final class FloatMemory: @unchecked Sendable {
  /// The numbers, at first undefined.
  public let numbers: UnsafeMutableBufferPointer<Float>

  /// Memory for so many numbers.
  public init(count: Int) { numbers = .allocate(capacity: max(0, count)) }

  deinit { numbers.deallocate() }
}

extension Tensor {
  /// A float32 tensor over the first numbers of a memory, in row-major order. It keeps the memory alive, and changes when that is filled again.
  /// - Throws: `TorchError` where the shape has more numbers than the memory, or none.
  public convenience init(over memory: FloatMemory, shape: [Int]) throws {
    let needed = shape.reduce(1, *)
    guard let start = memory.numbers.baseAddress, needed > 0, needed <= memory.numbers.count else {
      throw TorchError("over: the shape \(shape) needs \(needed) numbers, and the memory has \(memory.numbers.count)")
    }
    let lengths = shape.map(Int64.init)
    let owner = Unmanaged.passRetained(memory).toOpaque()
    var handle: ct_tensor?
    try check(
      ct_from_mapped(
        start, ElementType.float32.ctorch, lengths, Int32(lengths.count), owner,
        { owner in if let owner { Unmanaged<FloatMemory>.fromOpaque(owner).release() } }, &handle))
    guard let handle else { throw TorchError("over: an operation left no tensor behind") }
    self.init(handle)
  }
}
