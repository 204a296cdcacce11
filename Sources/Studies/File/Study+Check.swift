import Ground
import Runs

extension Study {
  /// The set of tasks that name none.
  static let mainSet = "main"

  /// The sets of tasks that are compared, in the order of the file. Table 1 and figures 1, 2 and 5 show the first.
  var sets: [String] {
    var found: [String] = []
    for task in tasks where task.has(.basic) || task.has(.complex) || task.has(.candidate) {
      if !found.contains(task.set) { found.append(task.set) }
    }
    return found
  }

  /// Tasks of a set that have one of these roles.
  func tasks(_ roles: [Role], of set: String? = nil) -> [Task] {
    tasks.filter { task in (set == nil || task.set == set) && roles.contains(where: task.has) }
  }

  /// The tasks that may go into a mixture of table 2.
  var mixtureCandidates: [Task] {
    table2.candidates.map { names in tasks.filter { names.contains($0.name) } } ?? tasks([.basic, .candidate], of: sets.first)
  }

  /// Whether a table or figure is made for a model.
  func makes(_ item: String, for model: Model) -> Bool { make.contains(item) && (model.make?.contains(item) ?? true) }

  /// Says what makes no sense together.
  func check(_ file: String) throws {
    func refuse(_ text: String) -> RunError { RunError("\(file): \(text)") }
    guard !models.isEmpty else { throw refuse("no model is named; give at least one in 'models'") }
    guard !tasks.isEmpty else { throw refuse("no task is named; give at least one in 'tasks'") }
    for (what, names) in [("models", models.map(\.name)), ("tasks", tasks.map(\.name))] {
      var seen: Set<String> = []
      for name in names {
        guard seen.insert(name).inserted else { throw refuse("two \(what) are called '\(name)'; give them different names") }
        guard name.wholeMatch(of: /[A-Za-z0-9._+-]+/) != nil, !name.hasPrefix(".") else {
          throw refuse("the name '\(name)' in \(what) becomes a folder's; use letters, digits, dots, dashes and underscores")
        }
      }
    }
    for (place, list) in [("make", make)] + models.map({ ("models.\($0.name): make", $0.make ?? []) }) {
      for item in list where !StudyItems.names.contains(item) {
        let remedy = nearest(to: item, among: StudyItems.names).map { "did you mean '\($0)'?" } ?? StudyItems.names.joined(separator: ", ")
        throw refuse("'\(place)' names '\(item)', which is no table or figure; \(remedy)")
      }
    }
    for (key, names) in [
      ("table_2: targets", table2.targets), ("table_2: candidates", table2.candidates), ("table_2: wrong", table2.wrong),
      ("table_3: targets", table3.targets), ("figure_1: task", figure1.task.map { [$0] }), ("retrieval: targets", retrieval.targets),
      ("distance_bins: targets", distanceBins.targets), ("datamodelling: targets", datamodelling.targets),
      ("ablation: tasks", ablation.tasks),
    ] {
      for name in names ?? [] where !tasks.contains(where: { $0.name == name }) {
        let remedy =
          nearest(to: name, among: tasks.map(\.name)).map { "did you mean '\($0)'?" } ?? tasks.map(\.name).joined(separator: ", ")
        throw refuse("'\(key)' names '\(name)', which is no task; \(remedy)")
      }
    }
    try checkArms(refuse)
    for task in tasks {
      let needsBoth = task.roles.contains { $0 != .pool && $0 != .candidate } || task.has(.candidate)
      if task.files.isEmpty, needsBoth, task.train.isEmpty || task.test.isEmpty {
        throw refuse("tasks.\(task.name) has only one of 'train' and 'test'; give both, or 'data' that is split")
      }
    }
  }

  /// Says what makes no sense of table 2's arms.
  private func checkArms(_ refuse: (String) -> RunError) throws {
    if let arm = table2.arms.enumerated().first(where: { table2.arms[..<$0.offset].contains($0.element) })?.element {
      throw refuse("'table_2: arms' names '\(arm.rawValue)' twice; name it once")
    }
    let hasWrong = table2.arms.contains(.wrongPair)
    guard hasWrong == !table2.wrong.isEmpty else {
      throw refuse(
        hasWrong
          ? "the arm 'wrong-pair' of table_2 has no tasks; name them in 'table_2: wrong'"
          : "'table_2: wrong' has no effect without the arm 'wrong-pair'; name it in 'table_2: arms', or leave 'wrong' out")
    }
    let candidates = mixtureCandidates.map(\.name)
    if let stranger = table2.wrong.first(where: { !candidates.contains($0) }) {
      throw refuse(
        "'table_2: wrong' names '\(stranger)', which is no candidate of table_2; the candidates are \(candidates.joined(separator: ", "))")
    }
  }
}
