/// Sums up the verdicts of a benchmark as they come in.
public struct Scoreboard: Sendable {
  /// The questions that count: in their published order, with a published key.
  public private(set) var accuracy = Accuracy()
  /// The same by log-probability over length; empty where that is not reported.
  public private(set) var normalized = Accuracy()
  /// By subject, in order of appearance.
  public private(set) var subjects: [Subject] = []
  /// By rule of extraction, the one that counts first.
  public private(set) var rules: [Rule] = []
  /// Choices that are asked in several orders of their options.
  public private(set) var circular = CircularAccuracy()
  /// Questions whose output said no answer that could be read.
  public private(set) var unanswered = 0
  /// Questions whose key is not published: they are asked, but count in no accuracy.
  public private(set) var withoutKey = 0
  /// Choices whose two best options differ by less than ``closeMargin`` in what decides.
  public private(set) var close = 0

  /// A choice decided by less than this is counted as close: rounding may decide it.
  public static let closeMargin = 1e-5

  /// A subject's part.
  public struct Subject: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Its questions.
    public var accuracy = Accuracy()
    /// The same by log-probability over length.
    public var normalized = Accuracy()
  }

  /// A rule's part.
  public struct Rule: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Right answers by this rule.
    public var accuracy = Accuracy()
    /// Outputs in which it read no answer.
    public var unanswered = 0
  }

  /// An empty board.
  public init() {}

  /// Counts one more verdict.
  public mutating func add(_ verdict: Verdict, on question: Question) {
    if let margin = verdict.margin, margin < Self.closeMargin { close += 1 }
    if question.rotations > 1, let isCorrect = verdict.isCorrect { circular.add(isCorrect, on: question) }
    guard question.rotation == 0 else { return }
    if !verdict.isAnswered { unanswered += 1 }
    guard let isCorrect = verdict.isCorrect else {
      withoutKey += 1
      return
    }
    accuracy.add(isCorrect)
    if let isCorrect = verdict.isCorrectNormalized { normalized.add(isCorrect) }
    for rule in verdict.rules {
      let place = rules.place(where: { $0.name == rule.rule }, orAppending: Rule(name: rule.rule))
      rules[place].accuracy.add(rule.isCorrect ?? false)
      if !rule.isAnswered { rules[place].unanswered += 1 }
    }
    if let name = question.subject {
      let place = subjects.place(where: { $0.name == name }, orAppending: Subject(name: name))
      subjects[place].accuracy.add(isCorrect)
      if let isCorrect = verdict.isCorrectNormalized { subjects[place].normalized.add(isCorrect) }
    }
  }
}

/// Choices that are asked in every order of their options: a model that goes by places rather than contents shows here.
public struct CircularAccuracy: Sendable, Hashable {
  /// As published (`acc_1`).
  public private(set) var asPublished = Accuracy()
  /// All orders alike (`acc_4`).
  public private(set) var allOrders = Accuracy()
  private var ofItem: [Int: Accuracy] = [:]
  private var rotations: [Int: Int] = [:]

  /// Items that are right in every order (`perf_4`), of those that were asked in every order.
  public var perfect: Accuracy {
    let complete = ofItem.filter { rotations[$0.key] == $0.value.count }
    return Accuracy(correct: complete.count { $0.value.correct == $0.value.count }, of: complete.count)
  }

  /// No question yet.
  public init() {}

  mutating func add(_ isCorrect: Bool, on question: Question) {
    if question.rotation == 0 { asPublished.add(isCorrect) }
    allOrders.add(isCorrect)
    ofItem[question.index, default: Accuracy()].add(isCorrect)
    rotations[question.index] = question.rotations
  }
}

extension Array {
  /// The position of the first element that satisfies a condition, after appending one where there is none.
  fileprivate mutating func place(where isWanted: (Element) -> Bool, orAppending element: Element) -> Int {
    if let place = firstIndex(where: isWanted) { return place }
    append(element)
    return count - 1
  }
}
