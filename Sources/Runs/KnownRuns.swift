extension RunRecord {
  /// Everything that a record can be of: a new run is one line here.
  public static let known: [any Run.Type] = [
    AblationRun.self,
    ChangeRun.self,
    CorrelationRun.self,
    DataSummaryRun.self,
    DemoRun.self,
    EvaluationRun.self,
    ExplainRun.self,
    FitRun.self,
    GenerationRun.self,
    HeatMapRun.self,
    MergeRun.self,
    MixRun.self,
    PatternRun.self,
    ReportRun.self,
    RepresentRun.self,
    SelectRun.self,
    StatisticsRun.self,
    TrainingRun.self,
    WorldRun.self,
  ]
}
