/// A tiktoken `tokenizer.model`, as Llama 3 ships it: a line for each token, base64 of its bytes, a space, its rank.
struct TiktokenModel {
  /// The tokens in byte-level characters; the ranks are the ids.
  private(set) var vocabulary = Vocabulary()

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
    guard let space = line.firstIndex(of: UInt8(ascii: " ")) else {
      throw Fault(offset: offset, reason: "a line is not a token and a rank")
    }
    guard let token = Base64.bytes(of: line[..<space]), !token.isEmpty else { throw Fault(offset: offset, reason: "a token is not base64") }
    let digits = line[(space + 1)...]
    guard 1...10 ~= digits.count, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
      let id = UInt32(exactly: digits.reduce(UInt64(0)) { $0 * 10 + UInt64($1 - UInt8(ascii: "0")) })
    else {
      throw Fault(offset: offset, reason: "a rank is not a number")
    }
    if let reason = vocabulary.add(ByteLevel.token(of: token), id: id) { throw Fault(offset: offset, reason: reason) }
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
