/// What became of the records that were read.
public struct ReadingCounts: Sendable, Hashable {
  /// Samples that were read, whatever became of them.
  public var read = 0
  /// Bad records that were passed over.
  public var skipped = 0
  /// The first few of the errors that were passed over, for a message.
  public var skippedErrors: [DataError] = []
  /// Samples that were left out because their tags are not those that are wanted.
  public private(set) var filteredByTags = 0
  /// Samples that were left out because they are in another language, by that language; of very many languages only the first are told apart.
  public private(set) var filteredByLanguage: [String: Int] = [:]
  /// Samples that were left out because of their number of tokens.
  public private(set) var filteredByTokens = 0
  /// The fewest and the most tokens of those.
  public private(set) var filteredTokens: ClosedRange<Int>?
  /// Samples that were left out because an earlier one has the same texts.
  public var duplicates = 0

  /// Samples that the filter left out.
  public var filtered: Int { filteredByTags + filteredByLanguage.values.reduce(0, +) + filteredByTokens }

  /// Counts a sample that the filter left out.
  mutating func leaveOut(_ reason: InstructionFilter.Reason) {
    switch reason {
    case .tags: filteredByTags += 1
    case .language(let language):
      let isKnown = filteredByLanguage[language] != nil || filteredByLanguage.count < 100
      filteredByLanguage[isKnown ? language : "", default: 0] += 1
    case .tokens(let count):
      filteredByTokens += 1
      filteredTokens = filteredTokens.map { min($0.lowerBound, count)...max($0.upperBound, count) } ?? count...count
    }
  }
}
