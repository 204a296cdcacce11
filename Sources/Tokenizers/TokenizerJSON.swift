import StrictJSON

/// What a `tokenizer.json` holds, read but not yet interpreted. Vocabulary and merges, which are large, become tables without becoming a
/// tree of values first.
struct TokenizerJSON {
  /// Token → id.
  var vocabulary = Vocabulary()
  /// Pairs in order.
  var merges = MergeList()
  /// The fields of `model` other than vocabulary and merges.
  var model = JSONObject()
  /// Whether the vocabulary was there in the form that BPE has.
  var hasVocabulary = false
  /// The fields of the document other than `model`.
  var other = JSONObject()

  /// The document's field `key`.
  func field(_ key: String) -> JSONValue? { JSONValue.object(other).present(key) }

  /// Whether the pre-tokeniser or the decoder is byte-level.
  var mentionsByteLevel: Bool {
    func mentions(_ value: JSONValue) -> Bool {
      switch value {
      case .string(let text): text == "ByteLevel"
      case .list(let elements): elements.contains(where: mentions)
      case .object(let object): object.fields.contains { mentions($0.value) }
      default: false
      }
    }
    return other.fields.contains { mentions($0.value) }
  }

  /// The model's field `key`.
  func modelField(_ key: String) -> JSONValue? { JSONValue.object(model).present(key) }

  /// Reads a document.
  init(_ scanner: inout JSONScanner) throws(JSONError) {
    // Closures cannot fill the properties of a value that is not complete yet.
    var result = Parts()
    var hasModel = false
    try scanner.object { (scanner, key) throws(JSONError) in
      if key == "model" {
        guard !hasModel else { throw scanner.error("the field 'model' is there twice") }
        hasModel = true
        try Self.readModel(&scanner, into: &result)
      } else {
        try Self.readField(&scanner, key, into: &result.other)
      }
    }
    vocabulary = result.vocabulary
    merges = result.merges
    model = result.model
    hasVocabulary = result.hasVocabulary
    other = result.other
  }

  private struct Parts {
    var vocabulary = Vocabulary()
    var merges = MergeList()
    var model = JSONObject()
    var hasVocabulary = false
    var hasMerges = false
    var other = JSONObject()
  }

  private static func readModel(_ scanner: inout JSONScanner, into result: inout Parts) throws(JSONError) {
    guard scanner.peek() == UInt8(ascii: "{") else { throw scanner.error("\"model\" must be an object") }
    try scanner.object { (scanner, key) throws(JSONError) in
      if key == "vocab", scanner.peek() == UInt8(ascii: "{") {
        guard !result.hasVocabulary else { throw scanner.error("the field 'vocab' is there twice") }
        result.vocabulary = try scanner.vocabulary()
        result.hasVocabulary = true
      } else if key == "merges", scanner.peek() == UInt8(ascii: "[") {
        guard !result.hasMerges else { throw scanner.error("the field 'merges' is there twice") }
        result.merges = try scanner.merges()
        result.hasMerges = true
      } else {
        try readField(&scanner, key, into: &result.model)
      }
    }
  }

  private static func readField(_ scanner: inout JSONScanner, _ key: String, into object: inout JSONObject) throws(JSONError) {
    guard !object.contains(key) else { throw scanner.error("the field \(quoted(key.utf8)) is there twice") }
    object.append(key, try scanner.value())
  }
}

extension JSONParser {
  /// How the files of tokenizers are read: as Python writes them.
  static let tokenizerFiles = JSONParser(
    valueLimit: TokenizerLimits.jsonValues, acceptsNonFiniteNumbers: true, acceptsByteOrderMark: true)
}

extension JSONScanner {
  /// Reads an object of tokens and ids.
  mutating func vocabulary() throws(JSONError) -> Vocabulary {
    var vocabulary = Vocabulary()
    try expect(UInt8(ascii: "{"), "an object of tokens and ids")
    if take(UInt8(ascii: "}")) { return vocabulary }
    var pending: [UInt8] = []
    repeat {
      try string("a token") { bytes in
        pending.removeAll(keepingCapacity: true)
        pending.append(contentsOf: bytes)
      }
      try expect(UInt8(ascii: ":"), "a colon after the token")
      let number = try wholeNumber("a token id")
      guard let id = UInt32(exactly: number) else { throw error("the token id \(number) is out of range") }
      if let reason = vocabulary.add(pending, id: id) { throw error(reason) }
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"), "a comma or the end of the vocabulary")
    return vocabulary
  }

  /// Reads a list of merges, each `"left right"` or `["left", "right"]`.
  mutating func merges() throws(JSONError) -> MergeList {
    var merges = MergeList()
    var left: [UInt8] = []
    try list { scanner throws(JSONError) in
      guard merges.count < TokenizerLimits.merges else { throw scanner.error("there are more than \(TokenizerLimits.merges) merges") }
      if scanner.take(UInt8(ascii: "[")) {
        try scanner.string("the first token of a merge") { bytes in
          left.removeAll(keepingCapacity: true)
          left.append(contentsOf: bytes)
        }
        try scanner.expect(UInt8(ascii: ","), "the second token of a merge")
        try scanner.string("the second token of a merge") { merges.append(left, $0) }
        try scanner.expect(UInt8(ascii: "]"), "the end of a merge of two tokens")
      } else {
        var isPair = false
        try scanner.string("a merge") { isPair = merges.append($0) }
        guard isPair else { throw scanner.error("a merge is not two tokens with a space between") }
      }
    }
    return merges
  }
}
