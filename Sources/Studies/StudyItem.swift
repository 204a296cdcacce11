import Evaluation
import ActivationPatterns
import Foundation
import Ground
import Runs

/// One table or figure of the paper: which steps it needs, and what is made of them. A new one is a file and a line in ``StudyItems``.
protocol StudyItem: Sendable {
  /// Its name: `table-1`.
  var name: String { get }
  /// Its heading on the page.
  var title: String { get }
  /// Plans the steps that it needs for a model.
  func plan(_ planner: inout Planner, _ model: PlannedModel) throws
  /// Makes it from the steps' results.
  func findings(_ results: StudyResults) throws -> StudyFindings
}

/// Every table and figure that a study can make.
public enum StudyItems {
  /// The paper's.
  static let paper: [any StudyItem] = [
    Table1(),
    Figure1(),
    Figure2(),
    Figure4(),
    Figure5(),
    Table2(),
    Table3(),
  ]
  /// Those that ask what a likeness and a level are worth, without any accuracy.
  static let worth: [any StudyItem] = [
    Retrieval(),
    DistanceBins(),
    Datamodelling(),
    LevelsAgainstAblation(),
  ]
  static var all: [any StudyItem] { paper + worth }

  /// Their names.
  public static var names: [String] { all.map(\.name) }
  /// The names of the paper's.
  public static var paperNames: [String] { paper.map(\.name) }
}

/// What the steps of a plan found, as tables and figures read it.
struct StudyResults: Sendable {
  let plan: StudyPlan
  let store: StepStore
  var study: Study { plan.study }

  init(_ plan: StudyPlan) {
    self.plan = plan
    store = StepStore(plan: plan)
  }

  /// The models that a table or figure is made for.
  func models(of item: some StudyItem) -> [Study.Model] { study.models.filter { study.makes(item.name, for: $0) } }

  /// The study's tasks of table 1 and figures 1, 2 and 5.
  var shownTasks: [Study.Task] { study.tasks([.basic, .complex], of: study.sets.first) }

  /// The levels or change that a step measured.
  func matrix(_ file: String, of step: String) throws -> HeadMatrix {
    let url = URL(filePath: plan.file(file, of: step))
    guard let matrix = try PatternFile.read(from: url).matrix(study.score) else {
      throw RunError("\(url.relativePath) has no score \(study.score.rawValue); delete the step's folder and run the study again")
    }
    return matrix
  }

  func pattern(_ step: String) throws -> HeadMatrix { try matrix("pattern.safetensors", of: step) }
  func change(_ step: String) throws -> HeadMatrix { try matrix("change.safetensors", of: step) }

  /// A target's value by a measure after a step; nil where the step could not be done or the measure does not belong to the target.
  func value(_ step: String, _ measure: Measure) throws -> Double? {
    let name = "\(step)/\(measure.rawValue)"
    guard plan.step(name) != nil, store.failure(name) == nil else { return nil }
    return try store.result(name, as: EvaluationOutcome.self).result.value
  }

  /// What an arm takes: the operations of a step and of all that it depends on.
  func operations(_ steps: [String]) -> Double { plan.closure(of: steps).reduce(0) { $0 + $1.cost.operations } }
}

/// How a target is valued.
enum Measure: String, Sendable, CaseIterable {
  /// The share of right answers: more is better.
  case accuracy
  /// The mean loss of responses in nats: less is better.
  case loss

  /// A difference with the sign by which more is better.
  func gain(_ value: Double, over other: Double) -> Double { self == .accuracy ? value - other : other - value }
}

/// The mean of matrices of one shape, entry by entry; undefined entries left out.
func mean(of matrices: [HeadMatrix]) throws -> HeadMatrix? {
  guard let first = matrices.first else { return nil }
  let values = first.values.indices.map { entry -> Double in
    let defined = matrices.map { $0.values[entry] }.filter { !$0.isNaN }
    return defined.isEmpty ? 0 : defined.reduce(0, +) / Double(defined.count)
  }
  return try HeadMatrix(layers: first.layers, heads: first.heads, values: values)
}

extension Array where Element == Double? {
  /// The values that are there; nil where one is missing, so that seeds stay paired.
  var complete: [Double]? { contains { $0 == nil } ? nil : compactMap(\.self) }
}
