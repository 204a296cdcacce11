import CTorch

extension Tensor {
  /// R of a QR factorisation: `[…, n, k]` gives the upper triangle `[…, min(n, k), k]`, batched over leading dimensions.
  public func triangularFactor() throws -> Tensor { try factors(withOrthonormal: false).triangular }

  /// Q and R of a QR factorisation by Householder reflections: `[…, n, k]` gives `[…, n, min(n, k)]` and `[…, min(n, k), k]`.
  public func orthonormalFactors() throws -> (orthonormal: Tensor, triangular: Tensor) {
    let (orthonormal, triangular) = try factors(withOrthonormal: true)
    guard let orthonormal else { throw TorchError("QR: an operation left no tensor behind") }
    return (orthonormal, triangular)
  }

  private func factors(withOrthonormal: Bool) throws -> (orthonormal: Tensor?, triangular: Tensor) {
    var q: ct_tensor?
    var r: ct_tensor?
    try check(ct_qr(handle, withOrthonormal, &q, &r))
    guard let r else { throw TorchError("QR: an operation left no tensor behind") }
    return (q.map(Tensor.init), Tensor(r))
  }

  /// The singular value decomposition U diag(s) Vᵀ: `[…, n, k]` gives, with m = min(n, k), U `[…, n, m]`, s `[…, m]` falling and Vᵀ `[…, m, k]`.
  public func singularValueDecomposition() throws -> (left: Tensor, values: Tensor, right: Tensor) {
    var u: ct_tensor?
    var s: ct_tensor?
    var vh: ct_tensor?
    try check(ct_svd(handle, &u, &s, &vh))
    guard let u, let s, let vh else { throw TorchError("SVD: an operation left no tensor behind") }
    return (Tensor(u), Tensor(s), Tensor(vh))
  }

  /// Solves A x = b for symmetric positive definite A, this tensor `[…, k, k]`, and b `[…, k, m]`, by Cholesky's factors.
  ///
  /// - Returns: x `[…, k, m]`, and the least pivot `[…]`: 0 where A is not positive definite, and x means nothing there.
  public func solvingPositiveDefinite(_ right: Tensor) throws -> (solution: Tensor, leastPivots: Tensor) {
    var solution: ct_tensor?
    var pivots: ct_tensor?
    try check(ct_solve_positive_definite(handle, right.handle, &solution, &pivots))
    guard let solution, let pivots else { throw TorchError("positive definite solve: an operation left no tensor behind") }
    return (Tensor(solution), Tensor(pivots))
  }
}
