/// Which pairs of adjacent tokens merge, in which order, into what.
///
/// A merge is one number: its rank (the lowest is done first, the leftmost among equals) in the upper 32 bits, the merged token in the
/// lower.
struct MergeTable: Sendable {
  /// Open addressing by linear probing: left token in the upper half, right token in the lower; `free` where nothing is.
  private var keys: [UInt64]
  /// Rank in the upper half, merged token in the lower.
  private var values: [UInt64]
  /// Number of pairs.
  private(set) var count = 0
  /// Different in every table, so that no file can hold merges that all meet in one slot.
  private let seed = UInt64.random(in: 0 ... .max)

  /// No pair of ids is this: ids are far smaller.
  private static let free = UInt64.max

  /// A table with room for `capacity` pairs.
  init(capacity: Int) {
    var size = 64
    while size * 2 < capacity * 3 { size *= 2 }
    keys = Array(repeating: Self.free, count: size)
    values = Array(repeating: 0, count: size)
  }

  @inline(__always)
  private func home(_ key: UInt64, _ mask: Int) -> Int {
    Int(truncatingIfNeeded: ByteHash.mix(key ^ seed, 0x9E37_79B9_7F4A_7C15)) & mask
  }

  /// What stands for "these do not merge"; greater than every merge.
  static let none = UInt64.max

  /// The merge of `left` and `right`, ``none`` where they do not merge.
  @inline(__always)
  subscript(left: UInt32, right: UInt32) -> UInt64 {
    let key = UInt64(left) << 32 | UInt64(right)
    let mask = keys.count - 1
    var slot = home(key, mask)
    while true {
      let found = keys[slot]
      if found == key { return values[slot] }
      if found == Self.free { return Self.none }
      slot = (slot + 1) & mask
    }
  }

  /// Sets the merge of a pair. Where a list gives a pair twice the later place counts, as in Hugging Face tokenizers.
  mutating func set(_ left: UInt32, _ right: UInt32, rank: UInt32, token: UInt32) {
    if (count + 1) * 3 > keys.count * 2 { grow() }
    place(UInt64(left) << 32 | UInt64(right), UInt64(rank) << 32 | UInt64(token))
  }

  /// Calls `body` with each pair.
  func forEachPair(_ body: (_ left: UInt32, _ right: UInt32) -> Void) {
    for key in keys where key != Self.free {
      body(UInt32(truncatingIfNeeded: key >> 32), UInt32(truncatingIfNeeded: key))
    }
  }

  private mutating func place(_ key: UInt64, _ value: UInt64) {
    let mask = keys.count - 1
    var slot = home(key, mask)
    while keys[slot] != Self.free, keys[slot] != key { slot = (slot + 1) & mask }
    if keys[slot] == Self.free { count += 1 }
    keys[slot] = key
    values[slot] = value
  }

  private mutating func grow() {
    let (oldKeys, oldValues) = (keys, values)
    keys = Array(repeating: Self.free, count: oldKeys.count * 2)
    values = Array(repeating: 0, count: oldKeys.count * 2)
    count = 0
    for (key, value) in zip(oldKeys, oldValues) where key != Self.free { place(key, value) }
  }
}
