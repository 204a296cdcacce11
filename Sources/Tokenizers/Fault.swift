import StrictJSON

/// What is wrong at a byte of a file.
struct Fault: Error, Equatable {
  /// Byte offset from the start of the file.
  var offset: Int
  /// The reason, as part of a sentence.
  var reason: String

  init(offset: Int, reason: String) {
    self.offset = offset
    self.reason = reason
  }

  init(_ error: JSONError) { self.init(offset: error.offset, reason: error.problem) }
}

/// Bounds on what a tokenizer's files may ask for, far beyond every published one, so that no file exhausts memory or patience.
enum TokenizerLimits {
  /// The bytes of a file; the largest published `tokenizer.json` has 34 MB.
  static let fileBytes = 128 << 20
  /// The values of a file beside vocabulary and merges: some 200,000 added tokens.
  static let jsonValues = 1 << 21
  /// The bytes of a token of the vocabulary. Published ones stay below 600.
  static let tokenBytes = 1 << 12
  /// The merges of a list, or that a vocabulary implies. The largest published list has 580,000.
  static let merges = 1 << 22
  /// The bytes of all added tokens, as they are looked for.
  static let addedTokenBytes = 4 << 20
  /// The bytes of a text that a step looks for or puts in. Published ones have three.
  static let stepBytes = 64
  /// The steps of a pipeline (normaliser, pre-tokeniser, post-processor, decoder).
  static let steps = 64
  /// How many bytes the normalisers and a `Metaspace` may make of one. Llama's make twelve at most.
  static let expansion = 16
  /// The tokens that encoding puts before and after a text.
  static let surroundingTokens = 1 << 10
  /// What a text that is to be split into every pair of tokens costs: the square of a token's length, summed over the vocabulary.
  static let splitting = 1 << 31
}
