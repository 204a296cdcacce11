import StrictJSON

/// How tokens become text: the steps of a tokenizer's decoder, of all tokens at once or of those behind a beginning that is settled.
struct Decoding: Sendable {
  /// The steps; nil where the tokenizer has no decoder, and tokens are joined by spaces.
  private let steps: [Decoder]?
  /// Whether the text of a beginning is the beginning of the text, whatever follows.
  let settles: Bool

  init(_ steps: [Decoder]?) {
    self.steps = steps
    settles = Self.settles(steps ?? [])
  }

  /// Whether tokens of single bytes are joined to characters.
  var joinsBytes: Bool { steps?.contains(.byteFallback) ?? false }

  /// The text of tokens, as bytes.
  /// - Parameter continues: whether other tokens stand before these, with a text that is not empty.
  func bytes(of tokens: [[UInt8]], continues: Bool = false) -> [UInt8] {
    guard let steps else {
      let space = [UInt8(ascii: " ")]
      return (continues && !tokens.isEmpty ? space : []) + tokens.joined(separator: space)
    }
    var tokens = tokens
    var isJoined = false
    for step in steps {
      switch step {
      case .fuse, .byteLevel: isJoined = true
      // The beginning of the joined text lies before these tokens.
      case .strip where isJoined && continues: continue
      case .metaspace(let replacement, _) where continues:
        tokens = Decoder.metaspace(replacement: replacement, dropsFirst: false).apply(to: tokens)
        continue
      case .replace, .byteFallback, .strip, .metaspace: break
      }
      tokens = step.apply(to: tokens)
    }
    return Array(tokens.joined())
  }

  /// Whether nothing that follows can change the text of these tokens.
  /// - Parameter bytes: their text.
  func isSettled(_ tokens: [[UInt8]], _ bytes: [UInt8], continues: Bool) -> Bool {
    guard settles else { return false }
    // Until there is text, what is taken away from its beginning is not decided.
    guard continues || !bytes.isEmpty else { return false }
    // Half a character may become a whole one.
    if let last = bytes.last, last >= 0x80, bytes.withUnsafeBufferPointer({ ForeignText.firstFault(in: $0) }) != nil { return false }
    // So may a run of bytes that stand for tokens.
    var last = Array(tokens.suffix(1))
    for step in steps ?? [] {
      if case .byteFallback = step { return last.last.flatMap(ByteFallback.byte) == nil }
      last = step.apply(to: last)
    }
    return true
  }

  /// Steps on single tokens, then what joins them, then nothing but what takes from the beginning of the whole.
  private static func settles(_ steps: [Decoder]) -> Bool {
    var isJoined = false
    for (place, step) in steps.enumerated() {
      switch step {
      case .fuse: isJoined = true
      case .byteLevel:
        if isJoined { return false }
        isJoined = true
      case .strip(_, _, let stop): if isJoined, stop > 0 { return false }
      // Only the first run of bytes is looked at where a text is cut.
      case .byteFallback: if isJoined || steps[..<place].contains(.byteFallback) { return false }
      case .replace, .metaspace: if isJoined { return false }
      }
    }
    return true
  }
}

/// The text of ids that come one after another: after each, what ``Tokenizer/decode(_:skipSpecialTokens:)`` gives for all of them, without decoding
/// anew what no later id can change.
public struct GrowingText: Sendable {
  private let tokenizer: Tokenizer
  private let skipsSpecialTokens: Bool
  /// The text of the ids before the tail, in UTF-8 but for what is none.
  private var settled: [UInt8] = []
  /// Tokens whose text may still change.
  private var tail: [[UInt8]] = []
  private var tailBytes: [UInt8] = []

  /// The text of no id.
  public init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool = false) {
    self.tokenizer = tokenizer
    skipsSpecialTokens = skipSpecialTokens
  }

  /// Adds an id.
  /// - Throws: ``TokenizerError/unknownToken(id:vocabularySize:)`` for an id that stands for no token.
  public mutating func append(_ id: Int) throws {
    guard let token = try tokenizer.token(id, skipsSpecialTokens) else { return }
    let continues = !settled.isEmpty
    tail.append(token)
    tailBytes = tokenizer.decoding.bytes(of: tail, continues: continues)
    guard tokenizer.decoding.isSettled(tail, tailBytes, continues: continues) else { return }
    settled += tailBytes
    tail = []
    tailBytes = []
  }

  /// The text of all ids so far.
  public var text: String { String(decoding: settled + tailBytes, as: UTF8.self) }
}
