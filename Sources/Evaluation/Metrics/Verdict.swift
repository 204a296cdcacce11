/// What became of one question.
public struct Verdict: Sendable, Hashable {
  /// The answer that counts: an option's label, or what was extracted; nil where there is none.
  public var answer: String?
  /// The right answer; nil where it is not published.
  public var key: String?
  /// Whether the answer is right; nil where the key is not published.
  public var isCorrect: Bool?
  /// Whether the model's text said an answer that could be read. Choices always are.
  public var isAnswered = true
  /// Whether the choice by log-probability over length is right; nil where that is not reported.
  public var isCorrectNormalized: Bool?
  /// What each rule of extraction makes of the text, the one that counts first; empty for choices.
  public var rules: [RuleVerdict] = []
  /// The difference between the best option's deciding number and the next's; nil where there is no choice.
  public var margin: Double?

  /// No answer, to a question whose key is not known.
  public static let unanswered = Verdict(isAnswered: false)
}

extension Choice {
  /// The verdict on numbers that were measured for the options, in their order.
  /// - Parameters:
  ///   - logProbabilities: of the continuations, in nats, summed over their tokens.
  ///   - scores: what decides: perplexities (least wins) or log-probabilities (greatest wins).
  public func verdict(logProbabilities: [Double], scores: [Double]) -> Verdict {
    let ranked = decision == .perplexity ? scores.map { -$0 } : scores
    guard options.count == ranked.count, let best = ranked.firstGreatest else { return Verdict(isAnswered: false) }
    let others = ranked.enumerated().filter { $0.offset != best }.map(\.element)
    var verdict = Verdict(
      answer: options[best].label, key: right.flatMap { options.indices.contains($0) ? options[$0].label : nil },
      isCorrect: right.map { $0 == best }, margin: others.max().map { ranked[best] - $0 })
    if reportsNormalized, let right {
      let normalized = zip(logProbabilities, options).map { $0 / Double($1.text.unicodeScalars.count) }
      verdict.isCorrectNormalized = normalized.firstGreatest == right
    }
    return verdict
  }
}

extension Generation {
  /// The verdict on a text that was written, without the stop that ended it.
  public func verdict(on output: String) -> Verdict {
    let rules = rules.map { $0.verdict(on: output, key: key) }
    guard let first = rules.first else { return Verdict(key: key, isAnswered: false) }
    return Verdict(answer: first.answer, key: key, isCorrect: first.isCorrect, isAnswered: first.isAnswered, rules: rules)
  }
}

extension [Double] {
  /// The position of the greatest number, of equals the first; nil for none.
  fileprivate var firstGreatest: Int? {
    guard !isEmpty else { return nil }
    return indices.dropFirst().reduce(0) { self[$1] > self[$0] ? $1 : $0 }
  }
}
