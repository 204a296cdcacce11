import CTorch

/// Runs `body` without recording anything for gradients: cheaper, and what it makes asks for none.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
  let before = ct_set_gradient_mode(false)
  defer { _ = ct_set_gradient_mode(before) }
  return try body()
}

/// The gradients of outputs by inputs. Frees what was recorded, so it can be asked once.
///
/// - Parameters:
///   - outputs: what is differentiated; without `seeds` each must have one element.
///   - seeds: the weight of each output's elements, of the output's shape.
///   - inputs: tensors made with `requiringGradient()`, or computed from such.
/// - Returns: for each input the gradient in its shape, or nil where it had no part in the outputs.
public func gradients(of outputs: [Tensor], seeds: [Tensor]? = nil, by inputs: [Tensor]) throws -> [Tensor?] {
  if let seeds, seeds.count != outputs.count {
    throw TorchError("gradients: \(outputs.count) outputs need as many seeds, not \(seeds.count)")
  }
  let handles: [ct_tensor?] = outputs.map(\.handle)
  let weights: [ct_tensor?]? = seeds?.map(\.handle)
  let by: [ct_tensor?] = inputs.map(\.handle)
  var results = [ct_tensor?](repeating: nil, count: inputs.count)
  let status =
    if let weights {
      ct_gradients(handles, weights, Int32(handles.count), by, Int32(by.count), &results)
    } else {
      ct_gradients(handles, nil, Int32(handles.count), by, Int32(by.count), &results)
    }
  try check(status)
  return results.map { $0.map(Tensor.init) }
}

extension Tensor {
  /// A tensor with the same elements that starts a graph of its own and asks for its gradient.
  public func requiringGradient() throws -> Tensor {
    let leaf = try detached()
    try check(ct_set_requires_gradient(leaf.handle, true))
    return leaf
  }

  /// A tensor with the same elements, cut off from what it was computed from.
  public func detached() throws -> Tensor { try made { ct_detach(handle, $0) } }

  /// Whether its gradient can be asked for.
  public var requiresGradient: Bool { ct_requires_gradient(handle) }
}
