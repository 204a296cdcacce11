/// How an answer is found in generated text and held against the key.
public struct ExtractionRule: Sendable {
  /// The name under which its accuracy is reported.
  public let name: String
  /// Finds the answer; nil where there is none.
  let find: @Sendable (_ output: String) -> FoundAnswer?
  /// Whether an answer is the key's.
  let agrees: @Sendable (_ answer: String, _ key: String) -> Bool

  /// What the rule makes of generated text.
  /// - Parameters:
  ///   - output: the text, without the stop string that ended it.
  ///   - key: the right answer as the dataset gives it (``Item/answer``); nil where it is not published.
  public func verdict(on output: String, key: String?) -> RuleVerdict {
    let found = find(output)
    return RuleVerdict(
      rule: name, answer: found?.text, isCorrect: key.map { key in found.map { agrees($0.text, key) } ?? false },
      isAnswered: found.map { !$0.isFallback } ?? false)
  }
}

/// An answer that a rule found.
struct FoundAnswer: Sendable, Hashable {
  var text: String
  /// Whether nothing in the output said an answer, and the rule took what its evaluator takes then. Such a question counts as unanswered, although
  /// what was taken may be right.
  var isFallback = false
}

/// What one rule makes of one output.
public struct RuleVerdict: Sendable, Hashable {
  /// The rule's name.
  public let rule: String
  /// The answer that was found.
  public let answer: String?
  /// Whether it is the key's; nil where no key is published.
  public let isCorrect: Bool?
  /// Whether the output said an answer that the rule could read.
  public let isAnswered: Bool
}

extension [ExtractionRule] {
  /// The same rules with this one first, as the one that counts.
  func led(by rule: ExtractionRule) -> [ExtractionRule] { [rule] + filter { $0.name != rule.name } }
}
