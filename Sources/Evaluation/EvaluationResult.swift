/// What an evaluation found: what was asked, how it was scored, and the value.
public struct EvaluationResult: Codable, Sendable, Hashable {
  /// The benchmark's name.
  public var benchmark: String
  /// The variant in words: the evaluator, its own name for the form where it has one, and "own shots" where shots are Headway's.
  public var variant: String
  /// Shots before each question that has shots.
  public var shots: Int
  /// The rule that reads answers from text, or what decides between options.
  public var extraction: String
  /// How the value sums up the verdicts.
  public var metric: String
  /// The benchmark's value, a fraction; nil where no question has a published key.
  public var value: Double?
  /// Questions that count.
  public var count: Int
  /// Those that were answered rightly.
  public var correct: Int
  /// The standard error of the value; nil where there are too few questions.
  public var standardError: Double?
  /// Questions whose output said no answer that could be read.
  public var unanswered: Int
  /// The accuracy of choices by log-probability over length, summed up as the value is.
  public var normalizedAccuracy: Double?
  /// The accuracy by every rule of extraction, where text is written.
  public var rules: [String: RuleAccuracy]?
  /// The accuracy of every subject, where there are subjects.
  public var subjects: [String: SubjectAccuracy]?
  /// The accuracies of choices that are asked in all orders: `acc_1`, `acc_4`, `perf_4`.
  public var circular: [String: Double]?
  /// Choices decided by less than 1e-5.
  public var close: Int
  /// Questions asked whose key is not published.
  public var withoutKey: Int
  /// Items that this way of asking leaves out.
  public var leftOut: Int
  /// Questions whose prompt was cut on the left because it did not fit.
  public var truncated: Int

  /// A rule's accuracy.
  public struct RuleAccuracy: Codable, Sendable, Hashable {
    /// The share of right answers by this rule.
    public var value: Double?
    /// The number of right answers.
    public var correct: Int
    /// Outputs in which it read no answer.
    public var unanswered: Int
  }

  /// A subject's accuracy.
  public struct SubjectAccuracy: Codable, Sendable, Hashable {
    /// The share of right answers.
    public var value: Double?
    /// Questions.
    public var count: Int
    /// Right answers.
    public var correct: Int
    /// The standard error of the share.
    public var standardError: Double?
    /// The accuracy by log-probability over length.
    public var normalizedAccuracy: Double?

    enum CodingKeys: String, CodingKey {
      case value, count, correct
      case standardError = "stderr"
      case normalizedAccuracy = "acc_norm"
    }
  }

  enum CodingKeys: String, CodingKey {
    case benchmark, variant, shots, extraction, metric, value, count, correct, unanswered, rules, subjects, circular, close, truncated
    case standardError = "stderr"
    case normalizedAccuracy = "acc_norm"
    case withoutKey = "without_key"
    case leftOut = "left_out"
  }
}

extension EvaluationResult {
  /// Sums up a board.
  /// - Parameters:
  ///   - benchmark: what was asked.
  ///   - variant: the way of asking.
  ///   - shots: what was shown before questions.
  ///   - extraction: the names of the rules, or of what decides, that counted, in order of appearance.
  ///   - board: the verdicts.
  ///   - leftOut: items that were not asked.
  ///   - truncated: questions whose prompt was cut.
  public init(
    _ benchmark: any Benchmark, _ variant: any Variant, shots: Shots, extraction: [String], board: Scoreboard, leftOut: Int, truncated: Int
  ) {
    self.benchmark = benchmark.name
    self.variant = variant.title(with: shots)
    self.shots = shots.count
    self.extraction = extraction.joined(separator: ", ")
    metric = variant.metric.rawValue
    count = board.accuracy.count
    correct = board.accuracy.correct
    unanswered = board.unanswered
    let groups = board.subjects.map(\.accuracy)
    let normalizedGroups = board.subjects.map(\.normalized)
    switch variant.metric {
    case .meanOfSubjects where !groups.isEmpty:
      value = groups.unweightedMean
      standardError = groups.unweightedStandardError
      normalizedAccuracy = normalizedGroups.unweightedMean
    case .pooledSubjects where !groups.isEmpty:
      value = board.accuracy.value
      standardError = groups.pooledStandardError
      normalizedAccuracy = board.normalized.value
    default:
      value = board.accuracy.value
      standardError = board.accuracy.standardError
      normalizedAccuracy = board.normalized.value
    }
    if !board.rules.isEmpty {
      rules = Dictionary(
        uniqueKeysWithValues: board.rules.map {
          ($0.name, RuleAccuracy(value: $0.accuracy.value, correct: $0.accuracy.correct, unanswered: $0.unanswered))
        })
    }
    if !board.subjects.isEmpty {
      subjects = Dictionary(
        uniqueKeysWithValues: board.subjects.map {
          (
            $0.name,
            SubjectAccuracy(
              value: $0.accuracy.value, count: $0.accuracy.count, correct: $0.accuracy.correct, standardError: $0.accuracy.standardError,
              normalizedAccuracy: $0.normalized.value)
          )
        })
    }
    if board.circular.asPublished.count > 0 {
      circular = [
        "acc_1": board.circular.asPublished.value, "acc_4": board.circular.allOrders.value, "perf_4": board.circular.perfect.value,
      ].compactMapValues(\.self)
    }
    close = board.close
    withoutKey = board.withoutKey
    self.leftOut = leftOut
    self.truncated = truncated
  }
}

extension EvaluationResult {
  /// The mean loss of a dataset's responses, which is no fraction: in nats, the mean of the samples' own means.
  /// - Parameters:
  ///   - losses: a sample's mean over its labels each.
  ///   - template: what wrote the prompts.
  ///   - skipped: samples without a label.
  ///   - truncated: samples that were cut.
  public init(losses: [Double], template: String, skipped: Int, truncated: Int) {
    benchmark = "loss"
    variant = template
    shots = 0
    extraction = "none"
    metric = "mean loss of the responses, nats a label"
    count = losses.count
    correct = 0
    unanswered = 0
    close = 0
    withoutKey = skipped
    leftOut = 0
    self.truncated = truncated
    guard !losses.isEmpty else { return }
    let mean = losses.reduce(0, +) / Double(losses.count)
    value = mean
    guard losses.count > 1 else { return }
    let squares = losses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    standardError = (squares / Double(losses.count - 1) / Double(losses.count)).squareRoot()
  }
}

extension Variant {
  /// The variant in words: `opencompass gen_1d7fe4, own shots`.
  public func title(with shots: Shots) -> String {
    (name == Harness.name ? name : "opencompass \(name)") + (shots.areOwn ? ", own shots" : "")
  }
}
