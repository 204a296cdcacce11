/// Everything that a tokenizer is made of, whatever files it came from.
struct TokenizerDefinition {
  var vocabulary = Vocabulary()
  var merges = MergeTable(capacity: 0)
  var options = BytePairModel.Options()
  var normalizers: [Normalizer] = []
  var preTokenizers: [PreTokenizer] = []
  /// nil where there is no decoder: then tokens are joined with spaces.
  var decoders: [Decoder]?
  var template: SpecialTokenTemplate?
  var addedTokens = AddedTokens()
  /// Special tokens that are not looked for in text.
  var silentTokens: Set<UInt32> = []

  /// ▁, which SentencePiece writes for a space.
  static let spaceSign = Array("\u{2581}".utf8)

  /// The alphabet that the steps imply.
  var alphabet: BytePairModel.Alphabet {
    if case .byteLevel? = preTokenizers.last { .bytes } else { .characters }
  }

  /// The steps that `LlamaTokenizer` has, whatever the file says.
  mutating func setLlamaSteps(legacy: Bool, addingPrefix: Bool) {
    options = .init(unknownToken: nil, fusesUnknown: true, fallsBackToBytes: true, ignoresMerges: false)
    normalizers = []
    preTokenizers = [
      .metaspace(
        replacement: Self.spaceSign, prepending: !addingPrefix ? .never : legacy ? .always : .first, splitting: false)
    ]
    let space = Array(" ".utf8)
    decoders = [.replace(pattern: Self.spaceSign, replacement: space), .byteFallback, .fuse]
    if addingPrefix { decoders?.append(.strip(character: space, start: 1, stop: 0)) }
  }

  /// The steps that `GemmaTokenizer` has, whatever the file says.
  mutating func setGemmaSteps(unknownToken: [UInt8]) {
    options = .init(unknownToken: unknownToken, fusesUnknown: true, fallsBackToBytes: true, ignoresMerges: false)
    let space = Array(" ".utf8)
    normalizers = [.replace(pattern: space, replacement: Self.spaceSign)]
    preTokenizers = [.after(space)]
    decoders = [.replace(pattern: Self.spaceSign, replacement: space), .byteFallback, .fuse]
  }

  /// The steps that `GPT2Tokenizer` has, whatever the file says.
  mutating func setGPT2Steps(addingPrefix: Bool) {
    options = .init()
    normalizers = []
    preTokenizers = (addingPrefix ? [.byteLevel(addingSpace: true)] : []) + [.pattern(.gpt2), .byteLevel(addingSpace: false)]
    decoders = [.byteLevel]
  }

  /// The steps of SentencePiece itself, for a file that nothing else says how to read.
  mutating func setSentencePieceSteps(_ model: SentencePieceModel) {
    options = .init(unknownToken: model.unknownPiece, fusesUnknown: true, fallsBackToBytes: model.byteFallback, ignoresMerges: false)
    let space = Array(" ".utf8)
    normalizers = model.removesExtraWhitespace ? [.removeExtraSpaces] : []
    if model.addsDummyPrefix { normalizers.append(.prepend(space)) }
    normalizers.append(.replace(pattern: space, replacement: Self.spaceSign))
    // SentencePiece takes the extra white space from the end once more after this, the sign itself included.
    if model.removesExtraWhitespace { normalizers.append(.trimEnd(Self.spaceSign)) }
    preTokenizers = []
    decoders = [.replace(pattern: Self.spaceSign, replacement: space), .byteFallback, .fuse]
    if model.addsDummyPrefix || model.removesExtraWhitespace {
      decoders?.append(.strip(character: space, start: model.removesExtraWhitespace ? .max : 1, stop: 0))
    }
  }

  /// The steps that transformers builds for a tiktoken file: those of Llama 3.
  mutating func setTiktokenSteps() {
    options = .init(unknownToken: nil, fusesUnknown: false, fallsBackToBytes: false, ignoresMerges: true)
    normalizers = []
    preTokenizers = [.pattern(.words(digits: 3)), .byteLevel(addingSpace: false)]
    decoders = [.byteLevel]
  }
}
