/// How the verdicts on single questions become a benchmark's value.
public enum Metric: String, Sendable, Hashable, Codable {
  /// The share of right answers among all questions.
  case accuracy
  /// The mean of the subjects' accuracies, each subject counting the same: how OpenCompass sums up.
  case meanOfSubjects = "accuracy, mean of subjects"
  /// The share of right answers among all questions, its standard error pooled over subjects: how lm-evaluation-harness sums up a group.
  case pooledSubjects = "accuracy, questions of all subjects"
  /// The share of right answers among all questions in their published order; besides, of choices asked in all orders (MathBench).
  case circular = "accuracy, choices as published"
}
