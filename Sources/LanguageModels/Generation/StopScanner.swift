import Tokenizers

/// Looks for stop texts in what a sequence has written so far, across the borders of tokens.
struct StopScanner {
  private let tokenizer: Tokenizer
  private let stops: [String]
  private let longest: Int

  init(_ tokenizer: Tokenizer, stops: [String]) {
    self.tokenizer = tokenizer
    self.stops = stops
    longest = stops.map(\.utf8.count).max() ?? 0
  }

  /// The special tokens that stand among the stop texts, which no text shows.
  var specialTokens: Set<Int> {
    Set(
      stops.compactMap { stop in
        let ids = tokenizer.encode(stop, addSpecialTokens: false)
        guard ids.count == 1, (try? tokenizer.decode(ids, skipSpecialTokens: true)) == "" else { return nil }
        return ids[0]
      })
  }

  /// Whether the newest token completed a stop text. Only the tokens that can hold it are decoded; the few more allow for tokens without text.
  func isComplete(_ tokens: [Int]) throws -> Bool {
    guard !stops.isEmpty else { return false }
    let tail = try decode(tokens.suffix(longest + 16))
    return place(in: tail) != nil
  }

  /// The text of tokens up to the first stop text, and whether there is one.
  func text(of tokens: [Int]) throws -> (text: String, isStopped: Bool) {
    cut(try decode(tokens[...]))
  }

  /// A text up to the first stop text, and whether there is one.
  func cut(_ text: String) -> (text: String, isStopped: Bool) {
    guard let place = place(in: text) else { return (text, false) }
    return (String(text[..<place]), true)
  }

  /// The text of no token.
  func growingText() -> GrowingText { GrowingText(tokenizer, skipSpecialTokens: true) }

  /// Adds a token to a text; one that is no more than a row of the vocabulary has none.
  func add(_ token: Int, to text: inout GrowingText) throws {
    if tokenizer.hasToken(token) { try text.append(token) }
  }

  /// How much of a text cannot become part of a stop text any more, and ends in no half of a character: what may be shown before the text is done.
  func settled(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var end = bytes.count
    // U+FFFD at the end may become a character with the next token.
    while end >= 3, Array(bytes[end - 3..<end]) == [0xef, 0xbf, 0xbd] { end -= 3 }
    for length in stride(from: min(longest - 1, end), to: 0, by: -1)
    where stops.contains(where: { $0.utf8.starts(with: bytes[end - length..<end]) }) {
      end -= length
      break
    }
    return String(decoding: bytes[..<end], as: UTF8.self)
  }

  /// The text of tokens. Rows of the vocabulary that stand for no token, with which embeddings are rounded up, have none, as in transformers.
  private func decode(_ tokens: ArraySlice<Int>) throws -> String {
    try tokenizer.decode(tokens.filter(tokenizer.hasToken), skipSpecialTokens: true)
  }

  /// Where the first stop text begins. Compared byte for byte: canonical equivalence has no place here.
  private func place(in text: String) -> String.Index? {
    let bytes = Array(text.utf8)
    let found = stops.compactMap { stop -> Int? in
      let wanted = Array(stop.utf8)
      guard bytes.count >= wanted.count, let first = wanted.first else { return nil }
      return (0...bytes.count - wanted.count).first { bytes[$0] == first && bytes[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }.min()
    return found.map { text.utf8.index(text.utf8.startIndex, offsetBy: $0) }
  }
}
