import Ground

/// Which instructions are kept, by their tags, language and length. Empty, it keeps all.
public struct InstructionFilter: Sendable {
  /// Tags that must all be there, among the tags or the categories ("both of these").
  public var requiredTags: [String]
  /// The tags that must be there and no others: the tags, or the categories, as a set are exactly these ("exactly this one skill").
  public var onlyTags: [String]
  /// Languages of which the sample's must be one, as two letters (`zh`) or in full (`zh-cn`). Where the dataset does not name the language it
  /// is taken from the script: Han, kana, Hangul, Cyrillic and Latin count as zh, ja, ko, ru and en.
  public var languages: [String]
  /// The fewest tokens that a sample may have.
  public var minimumTokens: Int?
  /// The most tokens that a sample may have.
  public var maximumTokens: Int?
  /// Counts a sample's tokens; needed for the bounds on them.
  public var countTokens: (@Sendable (Instruction) throws -> Int)?

  /// A filter; what is left out lets everything pass.
  public init(
    requiredTags: [String] = [], onlyTags: [String] = [], languages: [String] = [], minimumTokens: Int? = nil, maximumTokens: Int? = nil,
    countTokens: (@Sendable (Instruction) throws -> Int)? = nil
  ) {
    self.requiredTags = requiredTags
    self.onlyTags = onlyTags
    self.languages = languages
    self.minimumTokens = minimumTokens
    self.maximumTokens = maximumTokens
    self.countTokens = countTokens
  }

  /// Says what is missing for the bounds on tokens.
  func check() throws(DataError) {
    if minimumTokens != nil || maximumTokens != nil, countTokens == nil {
      throw .options(
        "\(setting: .minimumTokens) and \(setting: .maximumTokens) need a tokenizer that counts; name one with \(setting: .tokenizer)")
    }
  }

  /// Why an instruction is left out.
  public enum Reason: Sendable, Hashable {
    /// Its tags are not those that are wanted.
    case tags
    /// It is in this language; the empty text where it has no letters of a known script.
    case language(String)
    /// It has this number of tokens.
    case tokens(Int)
  }

  /// Whether the instruction is kept. Tags are compared without regard to case.
  public func keeps(_ instruction: Instruction) throws -> Bool { try reason(toLeaveOut: instruction) == nil }

  /// Why the instruction is left out; nil where it is kept.
  public func reason(toLeaveOut instruction: Instruction) throws -> Reason? {
    let tags = Set(instruction.tags.map { $0.lowercased() })
    let categories = Set(instruction.categories.map { $0.lowercased() })
    for tag in requiredTags where !tags.contains(tag.lowercased()) && !categories.contains(tag.lowercased()) { return .tags }
    if !onlyTags.isEmpty {
      let only = Set(onlyTags.map { $0.lowercased() })
      guard tags == only || categories == only else { return .tags }
    }
    if !languages.isEmpty {
      let language = (instruction.language ?? scriptLanguage(of: instruction.prompt + instruction.response)).lowercased()
      guard languages.contains(where: { language == $0.lowercased() || language.hasPrefix($0.lowercased() + "-") }) else {
        return .language(language)
      }
    }
    if let countTokens, minimumTokens != nil || maximumTokens != nil {
      let count = try countTokens(instruction)
      if let minimumTokens, count < minimumTokens { return .tokens(count) }
      if let maximumTokens, count > maximumTokens { return .tokens(count) }
    }
    return nil
  }
}

/// The language that a text's script stands for; the empty text where it has no letters of a known script.
func scriptLanguage(of text: String) -> String {
  if isChinese(text) {
    // Japanese mixes kana into its Han characters.
    return text.unicodeScalars.contains { (0x3041...0x30FF).contains($0.value) } ? "ja" : "zh"
  }
  var counts = ["ja": 0, "ko": 0, "ru": 0, "en": 0]
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0x3041...0x30FF: counts["ja", default: 0] += 1
    case 0xAC00...0xD7A3: counts["ko", default: 0] += 1
    case 0x400...0x4FF: counts["ru", default: 0] += 1
    case 0x41...0x5A, 0x61...0x7A: counts["en", default: 0] += 1
    default: break
    }
  }
  let best = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
  return best.map { $0.value > 0 ? $0.key : "" } ?? ""
}
