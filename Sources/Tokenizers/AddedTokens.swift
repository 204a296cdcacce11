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
        let greatest = ids.values.max()
        id = greatest.map { $0 >= size || size == 0 ? $0 + 1 : size } ?? size
      }
      ids[token.content] = id
      tokens[id] = token
      if !specialContents.contains(token.content) { ordinary.append(token) }
    }
  }

  /// Whether a token of this text is special.
  func isSpecial(_ content: [UInt8]) -> Bool { specialContents.contains(content) }

  /// A matcher for the tokens that are looked for before (`normalized` false) or after normalisation.
  func matcher(normalized: Bool, normalizers: [Normalizer]) -> AddedTokenMatcher {
    var matcher = AddedTokenMatcher()
    for token in special + ordinary where token.isNormalized == normalized {
      guard let id = ids[token.content], let latest = tokens[id] else { continue }
      matcher.add(normalized ? normalizers.apply(to: token.content) : token.content, id: id, token: latest)
    }
    return matcher
  }
}

/// Finds added tokens in text: leftmost first, longest among those, as Aho–Corasick with leftmost-longest matching does.
struct AddedTokenMatcher: Sendable {
  /// A part of a text: a token, or text between tokens.
  struct Part: Equatable {
    var range: Range<Int>
    var id: UInt32?
  }

  private struct Node: Sendable {
    var edges: [(byte: UInt8, node: Int)] = []
    /// Index of the token that ends here.
    var token: Int?
  }

  private var nodes = [Node()]
  private var tokens: [(id: UInt32, token: AddedToken)] = []
  /// Whether a token starts with a byte.
  private var startsToken = [Bool](repeating: false, count: 256)

  /// Whether there is nothing to find.
  var isEmpty: Bool { tokens.isEmpty }

  /// Adds a token that is found by `pattern`.
  mutating func add(_ pattern: [UInt8], id: UInt32, token: AddedToken) {
    guard let first = pattern.first else { return }
    startsToken[Int(first)] = true
    var node = 0
    for byte in pattern {
      if let edge = nodes[node].edges.first(where: { $0.byte == byte }) {
        node = edge.node
      } else {
        nodes.append(Node())
        nodes[node].edges.append((byte, nodes.count - 1))
        node = nodes.count - 1
      }
    }
    // Of equal patterns the first counts.
    guard nodes[node].token == nil else { return }
    nodes[node].token = tokens.count
    tokens.append((id, token))
  }

  /// The longest token at `start`: its end and index.
  private func match(at start: Int, in text: UnsafeBufferPointer<UInt8>) -> (end: Int, token: Int)? {
    var best: (Int, Int)?
    var node = 0
    var position = start
    while position < text.count, let edge = nodes[node].edges.first(where: { $0.byte == text[position] }) {
      position += 1
      node = edge.node
      if let token = nodes[node].token { best = (position, token) }
    }
    return best
  }

  /// Calls `body` with the parts of `text`, which together cover it; an empty text is one empty part.
  func parts(of text: UnsafeBufferPointer<UInt8>, _ classes: CharacterClasses, _ body: (Part) -> Void) {
    guard !text.isEmpty, !isEmpty else { return body(Part(range: 0..<text.count, id: nil)) }
    var done = 0
    var position = 0
    while position < text.count {
      guard startsToken[Int(text[position])], let (matchEnd, index) = match(at: position, in: text) else {
        position += 1
        continue
      }
      var start = position
      var end = matchEnd
      position = matchEnd
      let (id, token) = tokens[index]
      if token.isSingleWord {
        let followsWord = start > 0 && classes.isWord(UTF8Coding.scalar(before: start, in: text).value)
        let precedesWord = end < text.count && classes.isWord(UTF8Coding.scalar(at: end, in: text).value)
        if followsWord || precedesWord { continue }
      }
      if token.stripsLeft {
        while start > done {
          let (scalar, length) = UTF8Coding.scalar(before: start, in: text)
          guard classes.of(scalar) == CharacterClasses.Class.whitespace else { break }
          start -= length
        }
      }
      if token.stripsRight {
        while end < text.count {
          let (scalar, length) = UTF8Coding.scalar(at: end, in: text)
          guard classes.of(scalar) == CharacterClasses.Class.whitespace else { break }
          end += length
        }
      }
      if done < start { body(Part(range: done..<start, id: nil)) }
      body(Part(range: start..<end, id: id))
      done = end
    }
    if done < text.count { body(Part(range: done..<text.count, id: nil)) }
  }
}
