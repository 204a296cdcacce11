/// Byte strings kept end to end, found again by their bytes: a dictionary from byte strings to their index without an allocation
/// for each.
///
/// Vocabularies are keyed on bytes because Swift's `String` takes canonically equivalent texts for equal, and tokens do not.
struct ByteStringTable: Sendable {
  private var bytes: [UInt8] = []
  /// Entry i covers bytes ends[i - 1] ..< ends[i].
  private var ends: [UInt32] = []
  /// Open addressing by linear probing: index of the entry plus one, 0 where free. A power of two in size.
  private var slots: [UInt32] = Array(repeating: 0, count: 64)
  /// Upper half of the hash of the entry in the slot, so that most probes need not touch `bytes`.
  private var tags: [UInt32] = Array(repeating: 0, count: 64)
  /// Different in every table, so that no file can hold strings that all meet in one slot.
  private let seed = UInt64.random(in: 0 ... .max)

  /// Bytes that a table can hold: offsets are 32 bits wide.
  static let greatestSize = Int(UInt32.max) - 1

  /// Number of strings.
  var count: Int { ends.count }

  /// Whether `count` more bytes can be held.
  func hasRoom(for count: Int) -> Bool { bytes.count + count <= Self.greatestSize }

  /// Makes room for `count` strings.
  mutating func reserve(_ count: Int) {
    ends.reserveCapacity(count)
    while slots.count < count * 2 { grow() }
  }

  /// Where string `index` stands.
  private func range(_ index: Int) -> Range<Int> {
    (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
  }

  /// The bytes of string `index`.
  subscript(index: Int) -> ArraySlice<UInt8> { bytes[range(index)] }

  /// Length in bytes of string `index`.
  func length(_ index: Int) -> Int { range(index).count }

  /// Calls `body` with the bytes of string `index`.
  @inline(__always)
  func withBytes<Result>(_ index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range(index)])) }
  }

  /// The index of `string`, nil where it is not held.
  @inline(__always)
  func index(of string: UnsafeBufferPointer<UInt8>) -> Int? {
    index(of: string, hash: ByteHash.hash(string, seed: seed))
  }

  /// The index of `string`.
  func index(of string: [UInt8]) -> Int? {
    string.withUnsafeBufferPointer { index(of: $0) }
  }

  @inline(__always)
  private func index(of string: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int? {
    let mask = slots.count - 1
    let tag = UInt32(truncatingIfNeeded: hash >> 32)
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let entry = slots[slot]
      if entry == 0 { return nil }
      if tags[slot] == tag, equals(Int(entry) - 1, string) { return Int(entry) - 1 }
      slot = (slot + 1) & mask
    }
  }

  @inline(__always)
  private func equals(_ index: Int, _ string: UnsafeBufferPointer<UInt8>) -> Bool {
    let range = range(index)
    guard range.count == string.count else { return false }
    return bytes.withUnsafeBufferPointer { ByteHash.equal($0.baseAddress, at: range.lowerBound, string) }
  }

  /// Adds `string` and returns its index and true, or the index it already has and false.
  mutating func insert(_ string: UnsafeBufferPointer<UInt8>) -> (index: Int, isNew: Bool) {
    let hash = ByteHash.hash(string, seed: seed)
    if let known = index(of: string, hash: hash) { return (known, false) }
    bytes.append(contentsOf: string)
    ends.append(UInt32(bytes.count))
    if ends.count * 2 > slots.count { grow() } else { place(hash, entry: UInt32(ends.count)) }
    return (ends.count - 1, true)
  }

  private mutating func place(_ hash: UInt64, entry: UInt32) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = entry
    tags[slot] = UInt32(truncatingIfNeeded: hash >> 32)
  }

  /// Doubles the slots and places every string anew.
  private mutating func grow() {
    let size = slots.count * 2
    slots = Array(repeating: 0, count: size)
    tags = Array(repeating: 0, count: size)
    for index in 0..<ends.count {
      place(withBytes(index) { ByteHash.hash($0, seed: seed) }, entry: UInt32(index + 1))
    }
  }

  /// Forgets all strings, keeping the memory.
  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    for slot in slots.indices { slots[slot] = 0 }
  }
}

/// Hashing and comparing of byte strings.
enum ByteHash {
  /// A 64-bit hash, mixed by 64×64→128-bit multiplication (the method of wyhash). Who does not know the seed cannot make strings that
  /// collide.
  @inline(__always)
  static func hash(_ string: UnsafeBufferPointer<UInt8>, seed: UInt64) -> UInt64 {
    let count = string.count
    var state: UInt64 = seed ^ UInt64(count)
    guard let base = string.baseAddress else { return mix(state, 0xD6E8_FEB8_6659_FD93) }
    let raw = UnsafeRawPointer(base)
    var position = 0
    while count - position > 8 {
      state = mix(state ^ raw.loadUnaligned(fromByteOffset: position, as: UInt64.self), 0xA076_1D64_78BD_642F)
      position += 8
    }
    return mix(state ^ tail(raw + position, count - position), 0xE703_7ED1_A0B4_28DB)
  }

  /// Up to eight bytes as one number.
  @inline(__always)
  private static func tail(_ raw: UnsafeRawPointer, _ count: Int) -> UInt64 {
    if count >= 4 {
      let low = UInt64(raw.loadUnaligned(as: UInt32.self))
      let high = UInt64(raw.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
      return high << 32 | low
    }
    if count == 0 { return 0 }
    let first = UInt64(raw.load(as: UInt8.self))
    let middle = UInt64(raw.load(fromByteOffset: count >> 1, as: UInt8.self))
    let last = UInt64(raw.load(fromByteOffset: count - 1, as: UInt8.self))
    return first << 16 | middle << 8 | last
  }

  @inline(__always)
  static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }

  /// Whether `string` stands at `offset` of `base`, which holds at least that many bytes from there.
  @inline(__always)
  static func equal(_ base: UnsafePointer<UInt8>?, at offset: Int, _ string: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let base, let other = string.baseAddress else { return string.isEmpty }
    let left = UnsafeRawPointer(base + offset)
    let right = UnsafeRawPointer(other)
    var position = 0
    while position + 8 <= string.count {
      if left.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        != right.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      {
        return false
      }
      position += 8
    }
    while position < string.count {
      if left.load(fromByteOffset: position, as: UInt8.self) != right.load(fromByteOffset: position, as: UInt8.self) { return false }
      position += 1
    }
    return true
  }
}
