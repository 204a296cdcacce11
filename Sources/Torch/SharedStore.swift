import CTorch
import Foundation

/// A store of small values that several processes share, served by one of them: c10d's `TCPStore`.
///
/// A value of any kind is at most 8 MiB. Its functions may be called from any thread and take turns, so who waits for a value makes other callers wait: a
/// thread that must never be held up opens a connection of its own.
public final class SharedStore: @unchecked Sendable {
  private let handle: ct_store
  private let lock = NSLock()

  /// Connects, and waits for the one who serves for as long as `timeout`.
  /// - Parameters:
  ///   - host: where it is served.
  ///   - port: of that host.
  ///   - serves: whether this process serves it, for as long as this connection lives.
  ///   - prefix: what all keys of this connection begin with: others of another prefix are not seen.
  ///   - timeout: how long to wait.
  /// - Throws: `TorchError`.
  public init(host: String, port: Int, serves: Bool, prefix: String, timeout: Duration) throws {
    var opened: ct_store?
    try check(ct_store_open(host, Int32(clamping: port), serves, prefix, timeout.milliseconds, &opened))
    guard let opened else { throw TorchError("no store at \(host):\(port)") }
    handle = opened
  }

  deinit { ct_store_close(handle) }

  /// Sets a value.
  public func set(_ key: String, to bytes: [UInt8]) throws {
    try lock.withLock { try check(ct_store_set(handle, key, bytes, Int64(bytes.count))) }
  }

  /// Waits for a value; nil where there is none after `timeout`, which is at least a millisecond.
  public func value(of key: String, waiting timeout: Duration) throws -> [UInt8]? {
    try lock.withLock {
      var found = false
      let box = Box()
      try check(
        ct_store_get(
          handle, key, max(1, timeout.milliseconds), &found,
          { bytes, count, box in
            guard let box else { return }
            Unmanaged<Box>.fromOpaque(box).takeUnretainedValue().bytes = Array(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
          }, Unmanaged.passUnretained(box).toOpaque()))
      return found ? box.bytes : nil
    }
  }

  /// Whether there is a value.
  public func has(_ key: String) throws -> Bool {
    try lock.withLock {
      var has = false
      try check(ct_store_has(handle, key, &has))
      return has
    }
  }

  /// Adds to a number that begins at 0.
  /// - Returns: the sum.
  public func add(_ amount: Int, to key: String) throws -> Int {
    try lock.withLock {
      var sum: Int64 = 0
      try check(ct_store_add(handle, key, Int64(amount), &sum))
      return Int(sum)
    }
  }

  /// Deletes a value.
  public func delete(_ key: String) throws { try lock.withLock { try check(ct_store_delete(handle, key)) } }

  /// Has a group of processes find each other.
  func join(_ body: (ct_store, inout ct_group?) -> Int32) throws -> ct_group {
    try lock.withLock {
      var joined: ct_group?
      try check(body(handle, &joined))
      guard let joined else { throw TorchError("no group was joined") }
      return joined
    }
  }

  /// Only touched while the lock is held.
  private final class Box { var bytes: [UInt8] = [] }
}

extension Duration {
  var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
