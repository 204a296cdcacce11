/// Tells where no merge can reach across two neighbouring characters.
///
/// A merge of tokens l and r joins the last character of l to the first of r. Where no merge of the list joins these two
/// characters, every token ends between them, whatever else stands in the text; so the text can be cut there without changing
/// its tokens. Pairs are kept in a bit set by hash: a collision only keeps a cut from being made.
struct MergeBoundaries: Sendable {
  /// No boundary is open.
  static let everywhereClosed = MergeBoundaries(bits: [], closesAroundBytes: true)
  private static let bitCount = 1 << 20

  private var bits: [UInt64]
  /// Whether tokens of single bytes (and the unknown token) never take part in merges.
  private(set) var closesAroundBytes: Bool

  private init(bits: [UInt64], closesAroundBytes: Bool) {
    self.bits = bits
    self.closesAroundBytes = closesAroundBytes
  }

  /// - Parameter symbols: tokens that stand at the start of merging without being characters.
  init(vocabulary: Vocabulary, merges: MergeTable, symbols: Set<UInt32>) {
    var bits = [UInt64](repeating: 0, count: Self.bitCount / 64)
    var closes = true
    // First and last character of each token, as tokens.
    var firsts = [UInt32](repeating: .max, count: vocabulary.size)
    var lasts = firsts
    vocabulary.forEach { token, id in
      guard !token.isEmpty else { return }
      let first = UTF8Coding.scalar(at: 0, in: token)
      let last = UTF8Coding.scalar(before: token.count, in: token)
      firsts[Int(id)] = vocabulary.id(of: UnsafeBufferPointer(rebasing: token[0..<first.length])) ?? .max
      lasts[Int(id)] = vocabulary.id(of: UnsafeBufferPointer(rebasing: token[(token.count - last.length)...])) ?? .max
    }
    merges.forEachPair { left, right in
      if symbols.contains(left) || symbols.contains(right) { closes = false }
      let bit = Self.bit(lasts[Int(left)], firsts[Int(right)])
      bits[bit >> 6] |= 1 << UInt64(bit & 63)
    }
    // A byte token that merges makes tokens whose first or last symbol is no character; then nothing is cut.
    if !closes { bits = [UInt64](repeating: .max, count: bits.count) }
    self.init(bits: bits, closesAroundBytes: closes)
  }

  @inline(__always)
  private static func bit(_ left: UInt32, _ right: UInt32) -> Int {
    let key = UInt64(left) << 32 | UInt64(right)
    return Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 44)
  }

  /// Whether no merge reaches across the characters whose tokens are `left` and `right`.
  @inline(__always)
  func isClosed(_ left: UInt32, _ right: UInt32) -> Bool {
    guard !bits.isEmpty else { return true }
    let bit = Self.bit(left, right)
    return bits[bit >> 6] & (1 << UInt64(bit & 63)) == 0
  }
}
