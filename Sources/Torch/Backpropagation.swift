public import CheckpointFiles
import CTorch

/// Walks back from outputs to every tensor that asks for its gradient, and frees what was recorded.
///
/// - Parameters:
///   - outputs: what is differentiated; without `seeds` each must have one element.
///   - seeds: the weight of each output's elements, of the output's shape.
public func backpropagate(from outputs: [Tensor], seeds: [Tensor]? = nil) throws {
  if let seeds, seeds.count != outputs.count {
    throw TorchError("backward: \(outputs.count) outputs need as many seeds, not \(seeds.count)")
  }
  let handles: [ct_tensor?] = outputs.map(\.handle)
  if let seeds {
    let weights: [ct_tensor?] = seeds.map(\.handle)
    try check(ct_backward(handles, weights, Int32(handles.count)))
  } else {
    try check(ct_backward(handles, nil, Int32(handles.count)))
  }
}

extension Tensor {
  /// From now on `backpropagate` adds this leaf's gradient to `total`, of its shape and at least as wide a type, as soon as it is known, so that
  /// the gradients of a model never stand beside their sums.
  ///
  /// An embedding adds only the rows that it read, and `linearCrossEntropy` adds the gradient of its weight while it computes the loss; that
  /// loss must be walked back from with the weight 1, and once.
  public func collectGradient(into total: Tensor) throws { try check(ct_collect_gradient(handle, total.handle)) }

  /// What `backpropagate` left with this leaf, taken away from it; nil where it had no part in the outputs.
  public func takeGradient() throws -> Tensor? {
    var gradient: ct_tensor?
    try check(ct_take_gradient(handle, &gradient))
    return gradient.map(Tensor.init)
  }

  /// A copy in memory of its own.
  public func copied(as elementType: ElementType) throws -> Tensor { try made { ct_clone(handle, elementType.ctorch, $0) } }

  /// Writes each source over its destination, converted to its type. Destinations must not be mapped, and no graph that is still to be walked back
  /// may need their old values.
  public static func overwrite(_ destinations: [Tensor], with sources: [Tensor]) throws {
    guard destinations.count == sources.count else {
      throw TorchError("copy: \(destinations.count) destinations need as many sources, not \(sources.count)")
    }
    let to: [ct_tensor?] = destinations.map(\.handle)
    let from: [ct_tensor?] = sources.map(\.handle)
    try check(ct_copy_into(to, from, Int32(to.count)))
  }

  /// Writes rows of another tensor over rows of this one: of each sample, from its bound to the next, over those that begin at its place. For what no
  /// graph remembers, such as cached keys.
  ///
  /// - Parameters:
  ///   - starts: where each sample's rows go, B numbers.
  ///   - source: `[T, …]`.
  ///   - bounds: where each sample's rows begin, and one past the last, B + 1 numbers.
  public func write(rowsAt starts: [Int], from source: Tensor, bounds: [Int]) throws {
    guard bounds.count == starts.count + 1 else {
      throw TorchError("write rows: \(starts.count) places need one bound more, not \(bounds.count)")
    }
    try check(ct_write_rows(handle, starts.map(Int64.init), source.handle, bounds.map(Int64.init), Int32(starts.count)))
  }

  /// √Σ x² over all elements of all tensors, summed up in double precision: 2²⁷ float32 squares added up in float32 lose 1.4%.
  public static func norm(of tensors: [Tensor]) throws -> Double {
    var norm = 0.0
    let handles: [ct_tensor?] = tensors.map(\.handle)
    try check(ct_global_norm(handles, Int32(handles.count), &norm))
    return norm
  }

  /// How many elements differ from those of a tensor of the same shape.
  public func countDifferent(from other: Tensor) throws -> Int {
    var count: Int64 = 0
    try check(ct_count_different(handle, other.handle, &count))
    return Int(count)
  }
}
