/// A byte-pair model: pieces of text → token ids.
///
/// Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016), in the form and with the
/// corner cases of the `BPE` model of Hugging Face tokenizers.
struct BytePairModel: Sendable {
  /// What the smallest symbols are.
  enum Alphabet: Equatable {
    /// Bytes, which the vocabulary writes as printable characters ("byte-level").
    case bytes
    /// Unicode scalars.
    case characters
  }

  /// The settings of a model file.
  struct Options: Equatable {
    /// Stands for characters that are not in the vocabulary; where nil (and no byte tokens) they are dropped.
    var unknownToken: [UInt8]?
    /// Whether neighbouring unknown characters become one token.
    var fusesUnknown = false
    /// Whether unknown characters become the tokens `<0x00>` to `<0xFF>` of their bytes.
    var fallsBackToBytes = false
    /// Whether a piece that is a token as a whole is taken as that, whatever the merges say.
    var ignoresMerges = false
  }

  let vocabulary: Vocabulary
  let merges: MergeTable
  let alphabet: Alphabet
  private let fusesUnknown: Bool
  private let ignoresMerges: Bool
  private let unknown: UInt32?

  /// Stands for "no token" in tables.
  private static let absent = UInt32.max

  /// Bytes: the token of each. Characters: the token of each byte to fall back on, empty where there is no falling back.
  private let byteTokens: [UInt32]
  /// Whether every byte has a token to fall back on, so that no character is ever unknown.
  private let fallsBackAlways: Bool
  /// Characters: the tokens of the scalars below U+10000.
  private let basicTokens: [UInt32]
  /// Characters: the tokens of the other scalars.
  private let otherTokens: [UInt32: UInt32]
  /// Where a word can be cut without changing the result.
  private let boundaries: MergeBoundaries

  /// - Throws: ``Fault``-like reason as text where the options name a token that is not there.
  init(vocabulary: Vocabulary, merges: MergeTable, alphabet: Alphabet, options: Options) throws(ModelFault) {
    self.vocabulary = vocabulary
    self.merges = merges
    self.alphabet = alphabet
    fusesUnknown = options.fusesUnknown
    ignoresMerges = options.ignoresMerges
    if let token = options.unknownToken {
      guard let id = vocabulary.id(of: token) else {
        throw ModelFault(reason: "the unknown token \(quoted(token)) is not in the vocabulary")
      }
      unknown = id
    } else {
      unknown = nil
    }
    var byteTokens: [UInt32] = []
    var basicTokens: [UInt32] = []
    var otherTokens: [UInt32: UInt32] = [:]
    switch alphabet {
    case .bytes:
      byteTokens = ByteLevel.characters.map { vocabulary.id(of: UTF8Coding.bytes(of: $0)) ?? Self.absent }
      if options.fallsBackToBytes { throw ModelFault(reason: "byte_fallback together with byte-level tokens") }
    case .characters:
      if options.fallsBackToBytes {
        byteTokens = (0..<256).map { vocabulary.id(of: ByteFallback.token(of: UInt8($0))) ?? Self.absent }
      }
      basicTokens = Array(repeating: Self.absent, count: 0x10000)
      vocabulary.forEach { token, id in
        guard !token.isEmpty else { return }
        let (scalar, length) = UTF8Coding.scalar(at: 0, in: token)
        guard length == token.count else { return }
        if scalar < 0x10000 { basicTokens[Int(scalar)] = id } else { otherTokens[scalar] = id }
      }
    }
    self.byteTokens = byteTokens
    self.basicTokens = basicTokens
    self.otherTokens = otherTokens
    fallsBackAlways = alphabet == .characters && byteTokens.count == 256 && !byteTokens.contains(Self.absent)
    boundaries =
      alphabet == .characters
      ? MergeBoundaries(vocabulary: vocabulary, merges: merges, symbols: Set(byteTokens + (unknown.map { [$0] } ?? [])))
      : .everywhereClosed
  }

  /// The token of a scalar.
  @inline(__always)
  private func token(of scalar: UInt32) -> UInt32 {
    if scalar < 0x10000 { return basicTokens[Int(scalar)] }
    return otherTokens[scalar] ?? Self.absent
  }

  /// Appends the tokens of a piece of text to `ids`.
  @inline(__always)
  func encode(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: EncoderScratch, into ids: inout [Int]) {
    switch alphabet {
    case .bytes: encodeWord(piece, scratch, into: &ids)
    case .characters: encodeCharacters(piece, scratch, into: &ids)
    }
  }

  /// Cuts a piece where no merge can reach across, and encodes the parts: short parts are often met again, and merging them
  /// one by one gives what merging the whole piece would.
  private func encodeCharacters(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: EncoderScratch, into ids: inout [Int]) {
    if ignoresMerges, let id = vocabulary.id(of: piece) {
      ids.append(Int(id))
      return
    }
    var start = 0
    var position = 0
    var left = Self.absent
    while position < piece.count {
      let (scalar, length) = UTF8Coding.scalar(at: position, in: piece)
      let right = token(of: scalar)
      if position > start {
        let isClosed =
          left != Self.absent && right != Self.absent
          ? boundaries.isClosed(left, right) : fallsBackAlways && boundaries.closesAroundBytes
        if isClosed {
          encodeWord(UnsafeBufferPointer(rebasing: piece[start..<position]), scratch, into: &ids)
          start = position
        }
      }
      left = right
      position += length
    }
    if start < piece.count { encodeWord(UnsafeBufferPointer(rebasing: piece[start...]), scratch, into: &ids) }
  }

  @inline(__always)
  private func encodeWord(_ word: UnsafeBufferPointer<UInt8>, _ scratch: EncoderScratch, into ids: inout [Int]) {
    let isKept = word.count <= WordCache.longestWord
    if isKept, scratch.cache.append(word, to: &ids) { return }
    mergeWord(word, scratch, isKept: isKept, into: &ids)
  }

  @inline(never)
  private func mergeWord(
    _ word: UnsafeBufferPointer<UInt8>, _ scratch: EncoderScratch, isKept: Bool, into ids: inout [Int]
  ) {
    scratch.merging.removeAll()
    switch alphabet {
    case .bytes:
      if ignoresMerges, let id = vocabulary.id(of: ByteLevel.token(of: word)) {
        scratch.merging.append(id)
      } else {
        appendBytes(word, &scratch.merging)
        scratch.merging.merge(with: merges)
      }
    case .characters:
      appendCharacters(word, &scratch.merging)
      scratch.merging.merge(with: merges)
    }
    let symbols = UnsafeBufferPointer(start: scratch.merging.symbols, count: scratch.merging.count)
    for symbol in symbols { ids.append(Int(symbol)) }
    if isKept { scratch.cache.insert(word, symbols) }
  }

  private func appendBytes(_ word: UnsafeBufferPointer<UInt8>, _ symbols: inout MergeScratch) {
    var pending = 0
    for byte in word {
      let token = byteTokens[Int(byte)]
      if token == Self.absent {
        pending += 1
      } else {
        appendUnknown(&pending, &symbols)
        symbols.append(token)
      }
    }
    appendUnknown(&pending, &symbols)
  }

  private func appendCharacters(_ word: UnsafeBufferPointer<UInt8>, _ symbols: inout MergeScratch) {
    var position = 0
    var pending = 0
    while position < word.count {
      let (scalar, length) = UTF8Coding.scalar(at: position, in: word)
      let token = token(of: scalar)
      if token != Self.absent {
        appendUnknown(&pending, &symbols)
        symbols.append(token)
      } else if !byteTokens.isEmpty, (position..<position + length).allSatisfy({ byteTokens[Int(word[$0])] != Self.absent }) {
        // Unknown characters that wait before this one stay waiting, as in Hugging Face tokenizers.
        for place in position..<position + length { symbols.append(byteTokens[Int(word[place])]) }
      } else {
        pending += 1
      }
      position += length
    }
    appendUnknown(&pending, &symbols)
  }

  /// Adds the unknown token for the unknown characters that wait.
  @inline(__always)
  private func appendUnknown(_ pending: inout Int, _ symbols: inout MergeScratch) {
    guard pending > 0 else { return }
    if let unknown {
      for _ in 0..<(fusesUnknown ? 1 : pending) { symbols.append(unknown) }
    }
    pending = 0
  }
}

/// Why a vocabulary, its merges and its options do not make a model.
struct ModelFault: Error, Equatable {
  /// The reason, as part of a sentence.
  var reason: String
}
