/// The tokens of a model with their ids.
struct Vocabulary: Sendable {
  /// Greatest id that is accepted. Tables are as long as the greatest id, so this bounds the memory that a file can claim;
  /// the largest published vocabularies stay below 2²⁰.
  static let greatestID: UInt32 = 1 << 22

  private var strings = ByteStringTable()
  /// id of string i.
  private var ids: [UInt32] = []
  /// Index of the string of each id, `UInt32.max` where an id is not used.
  private var indices: [UInt32] = []

  /// Number of tokens.
  var count: Int { ids.count }

  /// Greatest id plus one.
  var size: Int { indices.count }

  /// Makes room for `count` tokens.
  mutating func reserve(_ count: Int) {
    strings.reserve(count)
    ids.reserveCapacity(count)
    indices.reserveCapacity(count)
  }

  /// Adds a token.
  ///
  /// - Returns: nil, or why this token cannot be.
  mutating func add(_ token: UnsafeBufferPointer<UInt8>, id: UInt32) -> String? {
    guard id <= Self.greatestID else { return "token id \(id) is beyond \(Self.greatestID)" }
    guard token.count <= TokenizerLimits.tokenBytes else { return "the token \(quoted(token)) has \(token.count) bytes" }
    guard strings.hasRoom(for: token.count) else { return "the vocabulary is beyond 4 GiB" }
    let (index, isNew) = strings.insert(token)
    guard isNew else { return "the token \(quoted(Array(token))) is given twice" }
    while indices.count <= Int(id) { indices.append(.max) }
    guard indices[Int(id)] == .max else { return "two tokens have the id \(id)" }
    indices[Int(id)] = UInt32(index)
    ids.append(id)
    return nil
  }

  /// Adds a token.
  mutating func add(_ token: [UInt8], id: UInt32) -> String? {
    token.withUnsafeBufferPointer { add($0, id: id) }
  }

  /// The id of a token.
  @inline(__always)
  func id(of token: UnsafeBufferPointer<UInt8>) -> UInt32? {
    guard let index = strings.index(of: token) else { return nil }
    return ids[index]
  }

  /// The id of a token.
  func id(of token: [UInt8]) -> UInt32? {
    token.withUnsafeBufferPointer { id(of: $0) }
  }

  /// The token of an id, nil where no token has it.
  func token(_ id: UInt32) -> ArraySlice<UInt8>? {
    guard Int(id) < indices.count, indices[Int(id)] != .max else { return nil }
    return strings[Int(indices[Int(id)])]
  }

  /// Calls `body` with each token and its id, in the order in which they were added.
  func forEach(_ body: (UnsafeBufferPointer<UInt8>, UInt32) -> Void) {
    for index in 0..<ids.count { strings.withBytes(index) { body($0, ids[index]) } }
  }

  /// Calls `body` with the token of an id, where there is one.
  func withToken(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    guard Int(id) < indices.count, indices[Int(id)] != .max else { return }
    strings.withBytes(Int(indices[Int(id)]), body)
  }
}

/// A token in quotation marks for a message, cut where it is long.
func quoted(_ bytes: some Collection<UInt8>) -> String {
  let text = String(decoding: bytes.prefix(60), as: UTF8.self)
  return "\"\(text)\(bytes.count > 60 ? "…" : "")\""
}
