import StrictJSON

/// What `tokenizer_config.json` and `special_tokens_map.json` say beside the tokenizer proper, as transformers (5.23) reads them.
struct TokenizerSettings {
  /// A named special token: as a text, it is found in text before normalisation; as an added token, as that says.
  private(set) var named: [(name: String, token: AddedToken)] = []
  /// `added_tokens_decoder`, or what older files have in its place, in the order of the ids.
  private(set) var added: [AddedToken] = []
  /// `extra_special_tokens`, once `additional_special_tokens`.
  private(set) var extra: [AddedToken] = []
  /// Whether `extra` was given.
  private(set) var hasExtra = false
  /// `add_bos_token`; nil where it is not given.
  private(set) var addsBeginning: Bool?
  /// `add_eos_token`; nil where it is not given.
  private(set) var addsEnd: Bool?
  /// `legacy`; nil where it is not given.
  private(set) var legacy: Bool?
  /// `add_prefix_space`; nil where it is not given.
  private(set) var addsPrefixSpace: Bool?
  /// `chat_template`.
  private(set) var chatTemplate: String?
  /// Names that are given as null, so that no default takes their place.
  private var withoutToken: Set<String> = []

  /// The names that transformers has for special tokens, in its order.
  private static let names = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
  private static let file = "tokenizer_config.json"

  var beginning: AddedToken? { token("bos_token") }
  var end: AddedToken? { token("eos_token") }
  var unknown: AddedToken? { token("unk_token") }

  private func token(_ name: String) -> AddedToken? { named.first { $0.name == name }?.token }

  /// Takes `content` for a name that the files do not give.
  mutating func setDefault(_ name: String, _ content: [UInt8]) {
    guard token(name) == nil, !withoutToken.contains(name) else { return }
    named.append((name, Self.special(content)))
    sort()
  }

  private mutating func sort() {
    func place(_ name: String) -> Int { Self.names.firstIndex(of: name) ?? Self.names.count }
    named.sort { place($0.name) < place($1.name) }
  }

  /// A special token given as a text alone.
  static func special(_ content: [UInt8]) -> AddedToken {
    AddedToken(content: content, isNormalized: false, isSpecial: true)
  }

  /// Reads the settings.
  ///
  /// - Parameters:
  ///   - config: `tokenizer_config.json`, an empty object where there is none.
  ///   - map: `special_tokens_map.json`.
  ///   - fileTokens: the added tokens of `tokenizer.json` with their ids.
  ///   - olderTokens: `added_tokens.json`.
  init(
    config: JSONObject, map: JSONObject?, fileTokens: [(id: Int, token: AddedToken)], olderTokens: JSONObject?
  ) throws(TokenizerError) {
    var config = config
    var byID: [Int: AddedToken] = [:]
    if let decoder = config["added_tokens_decoder"] {
      byID = try Self.decoderTokens(decoder)
    } else {
      // Older folders: the special tokens map takes precedence over tokenizer_config.json.
      for var field in map?.fields ?? [] {
        if case .object(var token) = field.value {
          token["special"] = true
          field.value = .object(token)
        }
        config[field.name] = field.value
      }
      for (id, token) in fileTokens { byID[id] = token }
    }
    try readSpecialTokens(config, byContent: Dictionary(byID.sorted { $0.key < $1.key }.map { ($1.content, $1) }) { $1 })
    if config["added_tokens_decoder"] == nil {
      let specials = Set(named.map(\.token.content) + extra.map(\.content))
      for field in olderTokens?.fields ?? [] {
        guard let id = field.value.int else {
          throw .malformed(file: "added_tokens.json", place: "token \(quoted(field.name.utf8))", reason: "its id is not a number")
        }
        let isSpecial = specials.contains(Array(field.name.utf8))
        byID[id] = byID[id] ?? AddedToken(content: Array(field.name.utf8), isNormalized: !isSpecial, isSpecial: isSpecial)
      }
    }
    added = byID.sorted { $0.key < $1.key }.map(\.value)
    addsBeginning = try Self.boolean(config, "add_bos_token")
    addsEnd = try Self.boolean(config, "add_eos_token")
    legacy = try Self.boolean(config, "legacy")
    addsPrefixSpace = try Self.boolean(config, "add_prefix_space")
    if try Self.boolean(config, "split_special_tokens") == true {
      throw .unsupported(file: Self.file, feature: "split_special_tokens")
    }
    if config["fast_tokenizer_files"] != nil {
      throw .unsupported(file: Self.file, feature: "tokenizer files by version (fast_tokenizer_files)")
    }
    switch config["chat_template"] {
    case .string(let text)?: chatTemplate = text
    case .list(let templates)?: chatTemplate = templates.first { $0["name"] == "default" }?["template"]?.string
    default: break
    }
  }

  /// The tokens of `added_tokens_decoder` by id.
  private static func decoderTokens(_ value: JSONValue) throws(TokenizerError) -> [Int: AddedToken] {
    let field = "added_tokens_decoder"
    guard let object = value.object else {
      throw .malformed(file: file, place: "field \(field)", reason: "it must be an object, not \(value.kind)")
    }
    var tokens: [Int: AddedToken] = [:]
    for entry in object.fields {
      guard let id = Int(entry.name) else {
        throw .malformed(file: file, place: "field \(field)", reason: "\(quoted(entry.name.utf8)) is not a token id")
      }
      tokens[id] = try PipelineReader(file: file).addedToken(entry.value, field)
    }
    return tokens
  }

  /// Reads the special tokens that have names, and the extra ones.
  private mutating func readSpecialTokens(_ config: JSONObject, byContent: [[UInt8]: AddedToken]) throws(TokenizerError) {
    for name in Self.names {
      guard let value = config[name] else { continue }
      guard let token = try Self.specialToken(value, name) else {
        withoutToken.insert(name)
        continue
      }
      named.append((name, byContent[token.content] ?? token))
    }
    // Names of a model's own, such as "image_token".
    for field in config.fields where field.name.hasSuffix("_token") && !Self.names.contains(field.name) {
      if let content = field.value.bytes { named.append((field.name, Self.special(content))) }
    }
    switch config["extra_special_tokens"] ?? config["additional_special_tokens"] {
    case nil, .null?: break
    case .list(let elements)?:
      hasExtra = true
      for element in elements {
        if let token = try Self.specialToken(element, "extra_special_tokens") { extra.append(token) }
      }
    case .object(let object)?:
      for field in object.fields {
        if let token = try Self.specialToken(field.value, "extra_special_tokens") { named.append((field.name, token)) }
      }
    case let other?:
      throw .malformed(file: Self.file, place: "field extra_special_tokens", reason: "it must be a list, not \(other.kind)")
    }
    sort()
  }

  /// A special token given as a text or as an added token; nil where it is given as null.
  private static func specialToken(_ value: JSONValue, _ field: String) throws(TokenizerError) -> AddedToken? {
    switch value {
    case .null: return nil
    case .string(let content): return special(Array(content.utf8))
    case .object: return try PipelineReader(file: file).addedToken(value, field)
    default: throw .malformed(file: file, place: "field \(field)", reason: "it must be a text or a token, not \(value.kind)")
    }
  }

  private static func boolean(_ config: JSONObject, _ field: String) throws(TokenizerError) -> Bool? {
    switch config[field] {
    case nil, .null?: return nil
    case .bool(let value)?: return value
    case let other?: throw .malformed(file: file, place: "field \(field)", reason: "it must be true or false, not \(other.kind)")
    }
  }

  /// Takes the chat template of a file of its own, which precedes that of `tokenizer_config.json`.
  mutating func setChatTemplate(_ text: String) { chatTemplate = text }

  /// Takes the control and user-defined pieces of a SentencePiece file, unless extra special tokens are given.
  mutating func setExtra(_ tokens: [AddedToken]) {
    if !hasExtra { extra = tokens }
  }

  /// The tokens that transformers adds to the tokenizer after building it, in its order.
  func tokensToAdd(known: AddedTokens) -> [AddedToken] {
    var result = added
    var contents = Set(known.ids.keys).union(added.map(\.content))
    for token in named.map(\.token) + extra where !contents.contains(token.content) {
      result.append(token)
      contents.insert(token.content)
    }
    let names = Set(named.map(\.token.content))
    for index in result.indices where names.contains(result[index].content) { result[index].isSpecial = true }
    return result
  }
}
