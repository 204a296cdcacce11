import CTorch

/// Processes that send each other tensors, by c10d's Gloo: on processors, over TCP.
///
/// All of them call the same functions in the same order. What is sent is neither secret nor signed: the network between them must be trusted.
public final class ProcessGroup: @unchecked Sendable {
  /// Which of them this one is, counted from 0.
  public let rank: Int
  /// How many they are.
  public let count: Int
  let handle: ct_group

  /// Joins, together with all others, and has known numbers go round once.
  /// - Parameters:
  ///   - store: by which they find each other.
  ///   - rank: this one's number.
  ///   - count: how many they are.
  ///   - address: an address of this machine, whose network interface messages take.
  ///   - interface: the name of an interface, in place of that.
  ///   - timeout: how long a message is waited for.
  /// - Throws: `TorchError`.
  public init(store: SharedStore, rank: Int, count: Int, address: String, interface: String? = nil, timeout: Duration) throws {
    self.rank = rank
    self.count = count
    handle = try store.join { store, joined in
      func join(_ interface: UnsafePointer<CChar>?) -> Int32 {
        ct_group_join(store, Int32(clamping: rank), Int32(clamping: count), address, interface, timeout.milliseconds, &joined)
      }
      return interface?.withCString { join($0) } ?? join(nil)
    }
  }

  deinit { ct_group_leave(handle) }

  /// Every rank's tensor of one shape and type, `[count, …]` in the order of the ranks.
  public func gathered(_ tensor: Tensor) throws -> Tensor {
    let all = try Tensor.zeros([count] + tensor.shape, elementType: tensor.elementType, on: tensor.device)
    try check(ct_group_all_gather(handle, tensor.handle, all.handle))
    return all
  }

  /// Begins to send the row of this rank to all others and to receive theirs: `rows`, `[count, n]`, which stay as they are until the exchange has ended.
  /// - Parameter receiver: the one rank that receives; all where nil.
  public func share(_ rows: Tensor, with receiver: Int? = nil) throws -> Exchange {
    var begun: ct_exchange?
    try check(ct_group_share(handle, rows.handle, Int32(clamping: receiver ?? -1), &begun))
    return Exchange(begun, rows)
  }

  /// Begins to send `parts[j]` to each rank j, and to receive what it sends this one in `received[j]`; the row of this rank is left alone.
  /// - Parameters:
  ///   - parts: `[count, n]`, which stays as it is until the exchange has ended.
  ///   - received: likewise, written until then.
  public func exchange(_ parts: Tensor, into received: Tensor) throws -> Exchange {
    var begun: ct_exchange?
    try check(ct_group_exchange(handle, parts.handle, received.handle, &begun))
    return Exchange(begun, parts, received)
  }

  /// The bytes of tensors that this process has sent to others.
  public var bytesSent: Int { Int(ct_group_bytes_sent(handle)) }

  /// Messages under way.
  public final class Exchange {
    private var handle: ct_exchange?
    private let tensors: [Tensor]

    fileprivate init(_ handle: ct_exchange?, _ tensors: Tensor...) {
      self.handle = handle
      self.tensors = tensors
    }

    deinit { try? end() }

    /// Waits until all has arrived and is sent.
    public func end() throws {
      guard let ending = handle else { return }
      handle = nil
      try check(ct_exchange_end(ending))
    }
  }
}
