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
  ///   - legacyTokens: `added_tokens.json`.
  init(config: JSONValue, map: JSONValue?, fileTokens: [(id: Int, token: AddedToken)], legacyTokens: JSONValue?) throws(TokenizerError) {
    let reader = PipelineReader(file: Self.file)
    var members = config.members ?? []
    func value(_ key: String) -> JSONValue? { members.last { $0.key.elementsEqual(key.utf8) }?.value }
    var byID: [Int: AddedToken] = [:]
    if case .object(let entries)? = value("added_tokens_decoder") {
      for entry in entries {
        guard let id = Int(String(decoding: entry.key, as: UTF8.self)) else {
          throw .malformed(file: Self.file, place: "field added_tokens_decoder", reason: "\(quoted(entry.key)) is not a token id")
        }
        byID[id] = try reader.addedToken(entry.value, "added_tokens_decoder")
      }
    } else {
      // Older folders: the special tokens map takes precedence over tokenizer_config.json.
      for member in map?.members ?? [] {
        var member = member
        if case .object(var fields) = member.value {
          fields.removeAll { $0.key.elementsEqual("special".utf8) }
          fields.append(.init(key: Array("special".utf8), value: .boolean(true)))
          member.value = .object(fields)
        }
        members.append(member)
      }
      for (id, token) in fileTokens { byID[id] = token }
    }
    let byContent = Dictionary(byID.values.map { ($0.content, $0) }) { first, _ in first }

    func special(_ value: JSONValue, _ field: String) throws(TokenizerError) -> AddedToken? {
      switch value {
      case .null: return nil
      case .string(let content): return Self.special(content)
      case .object: return try reader.addedToken(value, field)
      default:
        throw TokenizerError.malformed(file: Self.file, place: "field \(field)", reason: "it must be a text or a token, not \(value.kind)")
      }
    }
    for name in Self.names {
      guard let value = value(name) else { continue }
      guard let token = try special(value, name) else {
        withoutToken.insert(name)
        continue
      }
      named.append((name, byContent[token.content] ?? token))
    }
    // Names of a model's own, such as "image_token".
    for member in members {
      let key = String(decoding: member.key, as: UTF8.self)
      guard key.hasSuffix("_token"), !Self.names.contains(key), let content = member.value.bytes else { continue }
      named.append((key, Self.special(content)))
    }
    let extraValue = value("extra_special_tokens") ?? value("additional_special_tokens")
    switch extraValue {
    case nil, .null?: break
    case .array(let elements)?:
      hasExtra = true
      for element in elements {
        if let token = try special(element, "extra_special_tokens") { extra.append(token) }
      }
    case .object(let entries)?:
      for entry in entries {
        if let token = try special(entry.value, "extra_special_tokens") {
          named.append((String(decoding: entry.key, as: UTF8.self), token))
        }
      }
    case let other?:
      throw .malformed(file: Self.file, place: "field extra_special_tokens", reason: "it must be a list, not \(other.kind)")
    }
    if let legacyTokens, value("added_tokens_decoder") == nil {
      let specials = Set(named.map(\.token.content) + extra.map(\.content))
      for entry in legacyTokens.members ?? [] {
        guard let id = entry.value.integer else {
          throw .malformed(file: "added_tokens.json", place: "token \(quoted(entry.key))", reason: "its id is not a number")
        }
        let isSpecial = specials.contains(entry.key)
        byID[id] = byID[id] ?? AddedToken(content: entry.key, isNormalized: !isSpecial, isSpecial: isSpecial)
      }
    }
    added = byID.sorted { $0.key < $1.key }.map(\.value)

    func boolean(_ key: String) throws(TokenizerError) -> Bool? {
      switch value(key) {
      case nil, .null?: return nil
      case .boolean(let result)?: return result
      case let other?:
        throw TokenizerError.malformed(file: Self.file, place: "field \(key)", reason: "it must be true or false, not \(other.kind)")
      }
    }
    addsBeginning = try boolean("add_bos_token")
    addsEnd = try boolean("add_eos_token")
    legacy = try boolean("legacy")
    addsPrefixSpace = try boolean("add_prefix_space")
    if try boolean("split_special_tokens") == true {
      throw .unsupported(file: Self.file, feature: "split_special_tokens")
    }
    if value("fast_tokenizer_files") != nil {
      throw .unsupported(file: Self.file, feature: "tokenizer files by version (fast_tokenizer_files)")
    }
    switch value("chat_template") {
    case .string(let bytes)?: chatTemplate = String(decoding: bytes, as: UTF8.self)
    case .array(let templates)?:
      chatTemplate = templates.first { $0["name"]?.text == "default" }?["template"]?.text
    default: break
    }
    sort()
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
