/// A tiktoken `tokenizer.model`, as Llama 3 ships it: a line for each token, base64 of its bytes, a space, its rank.
struct TiktokenModel {
  /// The bytes of each token, in the order of the lines.
  private(set) var tokens: [[UInt8]] = []
  /// Rank of each token, which is its id.
  private(set) var ranks: [UInt32] = []
  private var indices: [[UInt8]: Int] = [:]

  /// Whether `bytes` start as such a file does: with a line of base64, a space and digits.
  static func matches(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    let line = bytes.prefix(256).prefix { $0 != UInt8(ascii: "\n") }
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 2, let rank = parts.last else { return false }
    return !rank.isEmpty && rank.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: "\r") }
  }

  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      var line = bytes[start..<end]
      if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
      if !line.isEmpty { try readLine(line) }
      start = end + 1
    }
  }

  private mutating func readLine(_ line: Slice<UnsafeBufferPointer<UInt8>>) throws(Fault) {
    let offset = line.startIndex
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw Fault(offset: offset, reason: "a line is not a token and a rank") }
    guard let token = Base64.bytes(of: parts[0]), !token.isEmpty else { throw Fault(offset: offset, reason: "a token is not base64") }
    guard parts[1].count <= 10, let rank = UInt32(String(decoding: parts[1], as: UTF8.self)), parts[1].first != UInt8(ascii: "+") else {
      throw Fault(offset: offset, reason: "a rank is not a number")
    }
    guard indices[token] == nil else { throw Fault(offset: offset, reason: "a token is given twice") }
    indices[token] = tokens.count
    tokens.append(token)
    ranks.append(rank)
  }

  /// The tokens in byte-level characters with their ids.
  func vocabulary() throws(ModelFault) -> Vocabulary {
    var vocabulary = Vocabulary()
    vocabulary.reserve(tokens.count)
    for (token, rank) in zip(tokens, ranks) {
      if let reason = vocabulary.add(ByteLevel.token(of: token), id: rank) { throw ModelFault(reason: reason) }
    }
    return vocabulary
  }

  /// The merges that the ranks imply: every way to cut a token into two tokens, in the order of the ranks of the merged tokens
  /// and, within one, of the ranks of the left and right parts (`TikTokenConverter` of transformers).
  func merges() -> MergeTable {
    var table = MergeTable(capacity: tokens.count * 4)
    var next: UInt32 = 0
    for index in ranks.indices.sorted(by: { ranks[$0] < ranks[$1] }) {
      let token = tokens[index]
      var cuts: [(left: UInt32, right: UInt32)] = []
      for cut in 1..<max(token.count, 1) {
        guard let left = indices[Array(token[..<cut])], let right = indices[Array(token[cut...])] else { continue }
        cuts.append((ranks[left], ranks[right]))
      }
      for (left, right) in cuts.sorted(by: { ($0.left, $0.right) < ($1.left, $1.right) }) {
        table.set(left, right, rank: next, token: ranks[index])
        next += 1
      }
    }
    return table
  }

  /// The special tokens of Llama 3, which its program adds to the file: their ids follow the ranks of the file.
  static let llama3SpecialTokens: [String] = {
    let named = [
      "<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>",
      "<|reserved_special_token_2|>", "<|reserved_special_token_3|>", "<|start_header_id|>", "<|end_header_id|>",
      "<|reserved_special_token_4|>", "<|eot_id|>",
    ]
    return named + (5...250).map { "<|reserved_special_token_\($0)|>" }
  }()
}

/// Base64 (RFC 4648) with padding.
enum Base64 {
  /// The bytes of a text; nil where it is not base64.
  static func bytes(of text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(text.count / 4 * 3)
    var group: UInt32 = 0
    var digits = 0
    var padding = 0
    for character in text {
      let digit: UInt8
      switch character {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = character - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = character - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0") + 52
      case UInt8(ascii: "+"): digit = 62
      case UInt8(ascii: "/"): digit = 63
      case UInt8(ascii: "="):
        padding += 1
        digit = 0
      default: return nil
      }
      if padding > 0, character != UInt8(ascii: "=") { return nil }
      group = group << 6 | UInt32(digit)
      digits += 1
      if digits == 4 {
        result.append(contentsOf: [
          UInt8(truncatingIfNeeded: group >> 16), UInt8(truncatingIfNeeded: group >> 8), UInt8(truncatingIfNeeded: group),
        ])
        group = 0
        digits = 0
      }
    }
    guard padding <= 2 else { return nil }
    result.removeLast(padding)
    return result
  }
}
