/// The tokens of words met before.
struct WordCache {
  /// Words longer than this are not kept: they seldom come again.
  static let longestWord = 64
  /// Beyond this many words the cache starts anew, which bounds its memory at a few megabytes.
  private static let greatestCount = 1 << 16

  private var words = ByteStringTable()
  /// Word i has the tokens ends[i - 1] ..< ends[i] of `tokens`.
  private var ends: [UInt32] = []
  private var tokens: [UInt32] = []

  /// Appends the tokens of `word` to `ids`; false where the word is not known.
  @inline(__always)
  func append(_ word: UnsafeBufferPointer<UInt8>, to ids: inout [Int]) -> Bool {
    guard let index = words.index(of: word) else { return false }
    let start = index == 0 ? 0 : Int(ends[index - 1])
    for place in start..<Int(ends[index]) { ids.append(Int(tokens[place])) }
    return true
  }

  /// Keeps the tokens of `word`.
  mutating func insert(_ word: UnsafeBufferPointer<UInt8>, _ symbols: UnsafeBufferPointer<UInt32>) {
    if words.count >= Self.greatestCount {
      words.removeAll()
      ends.removeAll(keepingCapacity: true)
      tokens.removeAll(keepingCapacity: true)
    }
    guard words.insert(word).isNew else { return }
    tokens.append(contentsOf: symbols)
    ends.append(UInt32(truncatingIfNeeded: tokens.count))
  }
}
