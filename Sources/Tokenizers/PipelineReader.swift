import StrictJSON

/// Reads the steps of a `tokenizer.json`: normaliser, pre-tokeniser, post-processor, decoder. What is not known is refused by name.
struct PipelineReader {
  /// Name of the file, for messages.
  let file: String

  private func unsupported(_ field: String, _ what: String) -> TokenizerError {
    .unsupported(file: file, feature: "\(field) \(what)")
  }

  private func malformed(_ field: String, _ reason: String) -> TokenizerError {
    .malformed(file: file, place: "field \(field)", reason: reason)
  }

  /// The type of a step.
  private func type(of step: JSONValue, _ field: String) throws(TokenizerError) -> String {
    guard let type = step["type"]?.string else { throw malformed(field, "the step has no \"type\"") }
    return type
  }

  /// Refuses members that a step of this kind does not have.
  private func check(_ step: JSONValue, _ field: String, has known: [String]) throws(TokenizerError) {
    for name in step.object?.names ?? [] where name != "type" && !known.contains(name) {
      throw unsupported(field, "with the setting \(quoted(name.utf8))")
    }
  }

  private func boolean(_ step: JSONValue, _ key: String, _ field: String, default value: Bool?) throws(TokenizerError) -> Bool {
    guard let found = step.present(key) else {
      guard let value else { throw malformed(field, "\"\(key)\" is missing") }
      return value
    }
    guard let result = found.bool else { throw malformed(field, "\"\(key)\" must be true or false, not \(found.kind)") }
    return result
  }

  private func bytes(_ step: JSONValue, _ key: String, _ field: String) throws(TokenizerError) -> [UInt8] {
    guard let result = step[key]?.bytes else { throw malformed(field, "\"\(key)\" must be a text") }
    return try short(result, field)
  }

  /// A text that a step looks for or puts in, refused where it is so long that looking for it takes more than linear time.
  private func short(_ text: [UInt8], _ field: String) throws(TokenizerError) -> [UInt8] {
    guard text.count <= TokenizerLimits.stepBytes else { throw malformed(field, "the text \(quoted(text)) is too long for a step") }
    return text
  }

  private func count(_ step: JSONValue, _ key: String, _ field: String) throws(TokenizerError) -> Int {
    guard let result = step[key]?.int, 0...1 << 20 ~= result else { throw malformed(field, "\"\(key)\" must be a small number") }
    return result
  }

  /// The steps of a `Sequence`, or the step itself.
  private func steps(_ step: JSONValue, _ list: String, _ field: String) throws(TokenizerError) -> [JSONValue] {
    guard try type(of: step, field) == "Sequence" else { return [step] }
    guard let steps = step[list]?.list else { throw malformed(field, "\"\(list)\" must be a list") }
    return try steps.map { step throws(TokenizerError) in
      // A sequence within a sequence does what its steps do.
      try self.steps(step, list, field)
    }.flatMap { $0 }
  }

  /// Reads `normalizer`.
  func normalizers(_ value: JSONValue?) throws(TokenizerError) -> [Normalizer] {
    guard let value else { return [] }
    let field = "normalizer"
    return try steps(value, "normalizers", field).map { step throws(TokenizerError) in
      switch try type(of: step, field) {
      case "Prepend":
        try check(step, field, has: ["prepend"])
        return .prepend(try bytes(step, "prepend", field))
      case "Replace":
        try check(step, field, has: ["pattern", "content"])
        return .replace(pattern: try literal(step, field), replacement: try bytes(step, "content", field))
      case let type: throw unsupported(field, type)
      }
    }
  }

  /// The literal pattern of a `Replace`.
  private func literal(_ step: JSONValue, _ field: String) throws(TokenizerError) -> [UInt8] {
    if let pattern = step["pattern"]?["String"]?.bytes {
      guard !pattern.isEmpty else { throw malformed(field, "the pattern is empty") }
      return try short(pattern, field)
    }
    if let expression = step["pattern"]?["Regex"]?.bytes {
      throw unsupported(field, "with the regular expression \(quoted(expression))")
    }
    throw malformed(field, "\"pattern\" must hold \"String\" or \"Regex\"")
  }

  /// Reads `pre_tokenizer`.
  func preTokenizers(_ value: JSONValue?) throws(TokenizerError) -> [PreTokenizer] {
    guard let value else { return [] }
    let field = "pre_tokenizer"
    var result: [PreTokenizer] = []
    for step in try steps(value, "pretokenizers", field) {
      if case .byteLevel? = result.last { throw unsupported(field, "with a step after ByteLevel") }
      switch try type(of: step, field) {
      case "ByteLevel":
        try check(step, field, has: ["add_prefix_space", "trim_offsets", "use_regex"])
        let addsSpace = try boolean(step, "add_prefix_space", field, default: nil)
        // The space comes before the cutting.
        if try boolean(step, "use_regex", field, default: true) {
          if addsSpace { result.append(.byteLevel(addingSpace: true)) }
          result.append(.pattern(.gpt2))
          result.append(.byteLevel(addingSpace: false))
        } else {
          result.append(.byteLevel(addingSpace: addsSpace))
        }
      case "Split": result.append(try split(step, field))
      case "Digits":
        try check(step, field, has: ["individual_digits"])
        result.append(.digits(individually: try boolean(step, "individual_digits", field, default: nil)))
      case "Metaspace": result.append(try metaspace(step, field))
      case let type: throw unsupported(field, type)
      }
    }
    return result
  }

  private func split(_ step: JSONValue, _ field: String) throws(TokenizerError) -> PreTokenizer {
    try check(step, field, has: ["pattern", "behavior", "invert"])
    guard let behaviour = step["behavior"]?.string else { throw malformed(field, "\"behavior\" is missing") }
    let isInverted = try boolean(step, "invert", field, default: nil)
    if let expression = step["pattern"]?["Regex"]?.string {
      guard let pattern = SplitPattern(text: expression) else {
        throw unsupported(field, "Split with the regular expression \(expression)")
      }
      // The known patterns match everywhere, so that their matches are the pieces either way.
      guard behaviour == "Isolated" || (behaviour == "Removed" && isInverted) else {
        throw unsupported(field, "Split with behavior \(behaviour)\(isInverted ? ", inverted" : "")")
      }
      return .pattern(pattern)
    }
    guard let text = step["pattern"]?["String"]?.bytes, !text.isEmpty else {
      throw malformed(field, "\"pattern\" must hold \"String\" or \"Regex\"")
    }
    guard behaviour == "MergedWithPrevious", !isInverted else {
      throw unsupported(field, "Split at a text with behavior \(behaviour)\(isInverted ? ", inverted" : "")")
    }
    return .after(try short(text, field))
  }

  /// Sign and prepending of a `Metaspace`, in its new and old spelling.
  private func metaspaceSettings(
    _ step: JSONValue, _ field: String
  ) throws(TokenizerError) -> (sign: [UInt8], prepending: PreTokenizer.Prepending) {
    try check(step, field, has: ["replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"])
    let sign = try bytes(step, "replacement", field)
    guard let text = step["replacement"]?.string, text.unicodeScalars.count == 1 else {
      throw malformed(field, "\"replacement\" must be one character")
    }
    let addsSpace = try boolean(step, "add_prefix_space", field, default: true)
    switch step.present("prepend_scheme")?.string {
    case nil: return (sign, addsSpace ? .always : .never)
    case "never"?: return (sign, .never)
    case let scheme? where !addsSpace:
      throw malformed(field, "\"add_prefix_space\" contradicts the prepend_scheme \"\(scheme)\"")
    case "always"?: return (sign, .always)
    case "first"?: return (sign, .first)
    case let scheme?: throw unsupported(field, "Metaspace with prepend_scheme \"\(scheme)\"")
    }
  }

  private func metaspace(_ step: JSONValue, _ field: String) throws(TokenizerError) -> PreTokenizer {
    let (sign, prepending) = try metaspaceSettings(step, field)
    return .metaspace(replacement: sign, prepending: prepending, splitting: try boolean(step, "split", field, default: true))
  }

  /// Reads `decoder`; nil where there is none.
  func decoders(_ value: JSONValue?) throws(TokenizerError) -> [Decoder]? {
    guard let value else { return nil }
    let field = "decoder"
    return try steps(value, "decoders", field).map { step throws(TokenizerError) in
      switch try type(of: step, field) {
      case "ByteLevel":
        try check(step, field, has: ["add_prefix_space", "trim_offsets", "use_regex"])
        return .byteLevel
      case "Replace":
        try check(step, field, has: ["pattern", "content"])
        return .replace(pattern: try literal(step, field), replacement: try bytes(step, "content", field))
      case "ByteFallback":
        try check(step, field, has: [])
        return .byteFallback
      case "Fuse":
        try check(step, field, has: [])
        return .fuse
      case "Strip":
        try check(step, field, has: ["content", "start", "stop"])
        let character = try bytes(step, "content", field)
        guard !character.isEmpty else { throw malformed(field, "\"content\" is empty") }
        return .strip(character: character, start: try count(step, "start", field), stop: try count(step, "stop", field))
      case "Metaspace":
        let (sign, prepending) = try metaspaceSettings(step, field)
        return .metaspace(replacement: sign, dropsFirst: prepending != .never)
      case let type: throw unsupported(field, type)
      }
    }
  }

  /// Reads `post_processor`: the ids before and after a text.
  func template(_ value: JSONValue?) throws(TokenizerError) -> SpecialTokenTemplate {
    guard let value else { return SpecialTokenTemplate() }
    let field = "post_processor"
    var result = SpecialTokenTemplate()
    for step in try steps(value, "processors", field) {
      switch try type(of: step, field) {
      case "ByteLevel":
        // It only trims offsets, which Headway does not give.
        try check(step, field, has: ["add_prefix_space", "trim_offsets", "use_regex"])
      case "TemplateProcessing":
        try check(step, field, has: ["single", "pair", "special_tokens"])
        let added = try single(step, field)
        result.before = added.before + result.before
        result.after += added.after
      case let type: throw unsupported(field, type)
      }
    }
    return result
  }

  /// The `single` template of a `TemplateProcessing`.
  private func single(_ step: JSONValue, _ field: String) throws(TokenizerError) -> SpecialTokenTemplate {
    guard let pieces = step["single"]?.list else { throw malformed(field, "\"single\" must be a list") }
    var result = SpecialTokenTemplate()
    var hasText = false
    for piece in pieces {
      if piece["Sequence"] != nil {
        guard piece["Sequence"]?["id"]?.string == "A", !hasText else { throw unsupported(field, "with a template of other than one text") }
        hasText = true
      } else if let name = piece["SpecialToken"]?["id"]?.string {
        let token = step["special_tokens"]?[name]
        guard let ids = token?["ids"]?.list else {
          throw malformed(field, "the special token \(quoted(name.utf8)) of the template has no ids")
        }
        for id in ids {
          guard let id = id.int, 0...Int(Vocabulary.greatestID) ~= id else {
            throw malformed(field, "the special token \(quoted(name.utf8)) has an id that is out of range")
          }
          if hasText { result.after.append(id) } else { result.before.append(id) }
        }
      } else {
        throw malformed(field, "a piece of the template is neither a text nor a special token")
      }
    }
    guard hasText else { throw unsupported(field, "with a template without the text") }
    return result
  }

  /// Reads one added token.
  func addedToken(_ value: JSONValue, _ field: String) throws(TokenizerError) -> AddedToken {
    guard let content = value["content"]?.bytes else { throw malformed(field, "\"content\" must be a text") }
    let special = try boolean(value, "special", field, default: false)
    return AddedToken(
      content: content,
      isSingleWord: try boolean(value, "single_word", field, default: false),
      stripsLeft: try boolean(value, "lstrip", field, default: false),
      stripsRight: try boolean(value, "rstrip", field, default: false),
      isNormalized: try boolean(value, "normalized", field, default: !special),
      isSpecial: special)
  }
}

/// The ids that encoding puts before and after a text.
struct SpecialTokenTemplate: Equatable, Sendable {
  /// Before the text.
  var before: [Int] = []
  /// After the text.
  var after: [Int] = []
}
