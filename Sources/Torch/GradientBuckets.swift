import CTorch

/// Sums of gradients that several processes reduce and scatter, bucket by bucket, while the way back still goes on: each is left with the sum over all
/// processes of its own share (ZeRO, stage 2; Rajbhandari et al. 2020).
public final class GradientBuckets: @unchecked Sendable {
  private let handle: ct_buckets
  // The boundary keeps the tensors, but not the group.
  private let group: ProcessGroup

  /// Buckets in the order in which they are sent: that in which their sums are known.
  /// - Parameters:
  ///   - group: the processes.
  ///   - buckets: float32 `[count, n]` each, of zeros.
  ///   - shares: for each bucket `[n]`: the sum over all processes of the row of this one goes there.
  ///   - sums: what `collectGradient(into:)` adds to, views of buckets, and the number of each's bucket.
  public init(_ group: ProcessGroup, buckets: [Tensor], shares: [Tensor], sums: [(tensor: Tensor, bucket: Int)]) throws {
    guard buckets.count == shares.count else {
      throw TorchError("share gradients: \(buckets.count) buckets need as many shares, not \(shares.count)")
    }
    self.group = group
    var made: ct_buckets?
    let handles: [ct_tensor?] = buckets.map(\.handle)
    let own: [ct_tensor?] = shares.map(\.handle)
    let parts: [ct_tensor?] = sums.map(\.tensor.handle)
    try check(
      ct_buckets_make(
        group.handle, handles, own, Int32(handles.count), parts, sums.map { Int32(clamping: $0.bucket) }, Int32(parts.count), &made))
    guard let made else { throw TorchError("share gradients: nothing was made") }
    handle = made
  }

  deinit { ct_buckets_free(handle) }

  /// Sends each bucket as soon as the last batch of these turns has added to all of it.
  /// - Parameter lastBatch: its number; −1 where this process has none.
  public func begin(_ turns: GradientTurns, lastBatch: Int) throws { try check(ct_buckets_begin(handle, turns.handle, Int64(lastBatch))) }

  /// Sends the rest, waits for the other processes and adds up the shares in the order of the processes; the buckets are zeros then.
  public func finish() throws { try check(ct_buckets_finish(handle)) }
}
