import CTorch

/// Lets batches that are computed side by side add to the same sums of gradients (``Tensor/collectGradient(into:)``).
///
/// They add to each sum in the order of their numbers: a batch waits at a weight until those before it have been there. So the sums have the same bits
/// however many batches are computed at a time, and need no more memory. The rows of an embedding, whose gradient is known last while a tied projection's
/// is known first, are added by ``finish()``.
public final class GradientTurns: @unchecked Sendable {
  let handle: ct_turns

  /// Turns in which no batch has begun.
  public init() { handle = ct_turns_make() }

  deinit { ct_turns_free(handle) }

  /// Runs what computes a batch and walks back from its loss, all on the calling thread.
  /// - Parameter number: the batch's, counted from 0. Batches must be begun in this order; none may be left out.
  public func batch<Result>(_ number: Int, _ body: () throws -> Result) rethrows -> Result {
    ct_turns_begin(handle, Int64(number))
    defer { ct_turns_end(handle) }
    return try body()
  }

  /// Adds what is left, when all batches have ended, so that others can begin.
  public func finish() throws { try check(ct_turns_finish(handle)) }
}
