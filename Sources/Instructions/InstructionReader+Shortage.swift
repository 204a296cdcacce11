public import Ground

extension InstructionReader {
  /// Why there is no sample to learn from or to measure, now that all was read, and what can be done; nil where there is one.
  ///
  /// The sentence goes on behind the data's name.
  public var shortage: Message? {
    guard count == unanswered else { return nil }
    let counts = wholeCounts
    if count > 0 { return unansweredShortage }
    if counts.read == 0 {
      let first = counts.skippedErrors.first.map { error in ": \(error)" as Message } ?? ""
      return "all of its \(counts.skipped) records are bad, the first\(first)"
    }
    if counts.filtered > 0, counts.filtered + counts.duplicates == counts.read { return filterShortage(counts) }
    let left = counts.read - counts.filtered - counts.duplicates
    guard let holdOut = dataset.options.holdOut else { return "it has no sample" }
    let share = "\(setting: .holdOut.set(to: holdOut.fraction))" as Message
    return holdOut.readsHeldOut
      ? "\(share) puts none of its \(left) samples into the held-out part; raise it"
      : "\(share) holds all of its \(left) samples out; lower it"
  }

  /// Throws where there is no sample to learn from or to measure (``shortage``).
  public func requireAnsweredSamples() throws(DataError) {
    if let shortage { throw .file(dataset.name, problem: shortage) }
  }

  /// The files of which nothing was read because the limit was reached in an earlier one, as the user named them.
  public var filesBeyondLimit: [String] {
    guard let limit = dataset.options.limit, count >= limit, dataset.options.holdOut == nil, dataset.options.sample == nil else {
      return []
    }
    return dataset.dataFiles.dropFirst(openedFiles).map(\.name)
  }

  /// What is to be said of those files; nil where there are none.
  public var limitWarning: Message? {
    guard let first = filesBeyondLimit.first else { return nil }
    let more = filesBeyondLimit.count > 1 ? " and \(filesBeyondLimit.count - 1) more" : ""
    return "nothing is read of \(first)\(more): \(setting: .limit) is reached before; raise it, or leave the file out"
  }

  private var unansweredShortage: Message {
    func none(_ noun: String, _ what: String) -> String {
      count == 1 ? "its only \(noun) has no \(what)" : "none of its \(count) \(noun)s has a \(what)"
    }
    if dataset.parts.allSatisfy(\.format.isChat) || isChat {
      return "\(none("conversation", "turn of the assistant")); give conversations that have one"
    }
    if dataset.parts.allSatisfy({ $0.format is PairsFormat }) {
      return "\(none("sample", "response")); name the field that holds it with \(setting: .map.set(to: "response=FIELD"))"
    }
    return "\(none("sample", "published answer")), as in test parts of benchmarks; read another part"
  }

  private func filterShortage(_ counts: ReadingCounts) -> Message {
    let filter = dataset.options.filter
    let languages = counts.filteredByLanguage.values.reduce(0, +)
    var reasons: [Message] = []
    if counts.filteredByTags > 0 {
      let setting: Setting = filter.requiredTags.isEmpty ? .onlyTags : .requiredTags
      reasons.append("\(counts.filteredByTags) do not have the tags of \(setting: setting)")
    }
    if languages > 0 {
      let most = counts.filteredByLanguage.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5)
      let named = most.map { "\($0.key.isEmpty ? "none that is known" : listed([$0.key])) \($0.value)" }.joined(separator: ", ")
      reasons.append("\(languages) are not in the language of \(setting: .language) but in others (\(named))")
    }
    if counts.filteredByTokens > 0, let range = counts.filteredTokens {
      let bounds: Message =
        switch (filter.minimumTokens, filter.maximumTokens) {
        case (let least?, let most?): "\(setting: .minimumTokens.set(to: least)) and \(setting: .maximumTokens.set(to: most))"
        case (let least?, nil): "\(setting: .minimumTokens.set(to: least))"
        case (nil, let most?): "\(setting: .maximumTokens.set(to: most))"
        case (nil, nil): "the bounds"
        }
      let found = range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
      reasons.append("\(counts.filteredByTokens) have \(found) tokens where \(bounds) are asked for")
    }
    let all = reasons.dropFirst().reduce(reasons.first ?? "") { "\($0), \($1)" }
    return "the filter leaves none of its \(counts.read) samples: \(all); choose another value"
  }
}
