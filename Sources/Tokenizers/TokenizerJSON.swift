import StrictJSON

/// What a `tokenizer.json` holds, read but not yet interpreted.
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
  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
    var reader = try JSONReader(bytes)
    // Closures cannot fill the properties of a value that is not complete yet.
    var result = Parts()
    try reader.object { (reader, key) throws(Fault) in
      if key.elementsEqual("model".utf8) {
        try Self.readModel(&reader, into: &result)
      } else {
        result.other.fields.append(.init(String(decoding: key, as: UTF8.self), try reader.value()))
      }
    }
    try reader.end()
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
    var other = JSONObject()
  }

  private static func readModel(_ reader: inout JSONReader, into result: inout Parts) throws(Fault) {
    guard reader.peek() == UInt8(ascii: "{") else { throw reader.fault("\"model\" must be an object") }
    try reader.object { (reader, key) throws(Fault) in
      if key.elementsEqual("vocab".utf8), reader.peek() == UInt8(ascii: "{") {
        result.vocabulary = try reader.vocabulary()
        result.hasVocabulary = true
      } else if key.elementsEqual("merges".utf8), reader.peek() == UInt8(ascii: "[") {
        result.merges = try reader.merges()
      } else {
        result.model.fields.append(.init(String(decoding: key, as: UTF8.self), try reader.value()))
      }
    }
  }
}

extension JSONReader {
  /// Reads an object of tokens and ids.
  mutating func vocabulary() throws(Fault) -> Vocabulary {
    var vocabulary = Vocabulary()
    try expect(UInt8(ascii: "{"), "an object of tokens and ids")
    if take(UInt8(ascii: "}")) { return vocabulary }
    var pending: [UInt8] = []
    repeat {
      try string { bytes in
        pending.removeAll(keepingCapacity: true)
        pending.append(contentsOf: bytes)
      }
      try expect(UInt8(ascii: ":"), "a colon after the token")
      let id = try identifier()
      if let reason = vocabulary.add(pending, id: id) { throw fault(reason) }
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"), "a comma or the end of the vocabulary")
    return vocabulary
  }

  /// Reads a list of merges, each `"left right"` or `["left", "right"]`.
  mutating func merges() throws(Fault) -> MergeList {
    var merges = MergeList()
    try array { reader throws(Fault) in
      if reader.peek() == UInt8(ascii: "[") {
        try reader.expect(UInt8(ascii: "["), "a merge")
        let left = try reader.string { Array($0) }
        try reader.expect(UInt8(ascii: ","), "the second token of a merge")
        try reader.string { merges.append(left, $0) }
        try reader.expect(UInt8(ascii: "]"), "the end of a merge of two tokens")
      } else {
        let isPair = try reader.string { merges.append($0) }
        guard isPair else { throw reader.fault("a merge is not two tokens with a space between") }
      }
    }
    return merges
  }
}
