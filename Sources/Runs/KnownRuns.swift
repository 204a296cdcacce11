extension RunRecord {
  /// Everything that a record can be of: a new run that writes results is one line here.
  public static let known: [any Run.Type] = [
    PatternRun.self, TrainingRun.self, MergeRun.self,
  ]
}
