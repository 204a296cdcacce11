/// A token that is found in text before the model sees it.
struct AddedToken: Equatable, Sendable {
  /// The text of the token.
  var content: [UInt8]
  /// Whether it matches only where no word character stands beside it.
  var isSingleWord = false
  /// Whether it takes the white space to its left with it.
  var stripsLeft = false
  /// Whether it takes the white space to its right with it.
  var stripsRight = false
  /// Whether it is looked for in the normalised text.
  var isNormalized: Bool
  /// Whether it is left out when decoding without special tokens.
  var isSpecial: Bool
}

/// The added tokens of a tokenizer, in the order and with the replacing of Hugging Face tokenizers' `AddedVocabulary`.
struct AddedTokens: Sendable {
  /// id by content.
  private(set) var ids: [[UInt8]: UInt32] = [:]
  /// The token of each id, as it was last added.
  private(set) var tokens: [UInt32: AddedToken] = [:]
  /// Special tokens as they were first added, in order.
  private var special: [AddedToken] = []
  private var specialContents: Set<[UInt8]> = []
  /// The other tokens in order.
  private var ordinary: [AddedToken] = []
  /// The greatest id; nil where there is none.
  private(set) var greatest: UInt32?

  /// Adds tokens. A token that the model knows keeps its id; another gets the next free one.
  mutating func add(_ added: [AddedToken], to vocabulary: Vocabulary) {
    for token in added where token.isSpecial && !token.content.isEmpty && !specialContents.contains(token.content) {
      special.append(token)
      specialContents.insert(token.content)
    }
    for token in added {
      if token.content.isEmpty { continue }
      if let id = ids[token.content], tokens[id] == token { continue }
      let id: UInt32
      if let known = ids[token.content] ?? vocabulary.id(of: token.content) {
        id = known
      } else {
        let size = UInt32(vocabulary.count)
        id = greatest.map { $0 >= size || size == 0 ? $0 + 1 : size } ?? size
      }
      ids[token.content] = id
      greatest = max(greatest ?? 0, id)
      tokens[id] = token
      if !specialContents.contains(token.content) { ordinary.append(token) }
    }
  }

  /// Whether a token of this text is special.
  func isSpecial(_ content: [UInt8]) -> Bool { specialContents.contains(content) }

  /// A matcher for the tokens that are looked for before (`normalized` false) or after normalisation.
  ///
  /// - Throws: where the tokens have more bytes than a tokenizer's (see ``TokenizerLimits``).
  func matcher(normalized: Bool, normalizers: [Normalizer]) throws(ModelFault) -> AddedTokenMatcher {
    var patterns: [(pattern: [UInt8], id: UInt32, token: AddedToken)] = []
    var bytes = 0
    for token in special + ordinary where token.isNormalized == normalized {
      guard let id = ids[token.content], let latest = tokens[id] else { continue }
      let pattern = normalized ? normalizers.apply(to: token.content) : token.content
      bytes += pattern.count
      guard bytes <= TokenizerLimits.addedTokenBytes else {
        throw ModelFault(reason: "its added tokens have more than \(TokenizerLimits.addedTokenBytes >> 20) MiB")
      }
      patterns.append((pattern, id, latest))
    }
    return AddedTokenMatcher(patterns)
  }
}
