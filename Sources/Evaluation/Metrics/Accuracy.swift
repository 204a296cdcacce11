/// Right answers among questions.
public struct Accuracy: Sendable, Hashable {
  /// Questions whose key is published.
  public var count = 0
  /// Those that were answered rightly.
  public var correct = 0

  /// No question yet.
  public init() {}

  /// `correct` right answers to `count` questions.
  public init(correct: Int, of count: Int) {
    self.correct = correct
    self.count = count
  }

  /// Counts one more answer.
  public mutating func add(_ isCorrect: Bool) {
    count += 1
    if isCorrect { correct += 1 }
  }

  /// The share of right answers; nil where there is no question.
  public var value: Double? { count > 0 ? Double(correct) / Double(count) : nil }

  /// The standard error of the share, from the sample's variance: √(p (1 − p) / (n − 1)); nil for fewer than two questions.
  public var standardError: Double? {
    guard count > 1, let p = value else { return nil }
    return (p * (1 - p) / Double(count - 1)).squareRoot()
  }
}

extension [Accuracy] {
  /// The mean of the groups' shares, each counting the same; nil where a group has no question.
  var unweightedMean: Double? {
    let values = compactMap(\.value)
    return values.isEmpty || values.count < count ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// Its standard error for k independent groups: √Σ se² / k; nil where a group's is unknown.
  var unweightedStandardError: Double? {
    let errors = compactMap(\.standardError)
    guard !errors.isEmpty, errors.count == count else { return nil }
    return errors.reduce(0) { $0 + $1 * $1 }.squareRoot() / Double(errors.count)
  }

  /// The standard error of the share over all groups from the variance within groups: √( Σ (n − 1) n se² / (N − k) / N ), with n questions of k groups
  /// and N in all; nil where a group's is unknown.
  var pooledStandardError: Double? {
    let errors = compactMap(\.standardError)
    let total = reduce(0) { $0 + $1.count }
    guard !errors.isEmpty, errors.count == count, total > count else { return nil }
    let squares = zip(self, errors).reduce(0.0) { $0 + Double($1.0.count - 1) * Double($1.0.count) * $1.1 * $1.1 }
    return (squares / Double(total - count) / Double(total)).squareRoot()
  }
}
