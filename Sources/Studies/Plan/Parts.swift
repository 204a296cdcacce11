import Ground
import Runs

/// A part of a task that a step writes into a file: which samples, and how long they are.
struct PlannedPart: Sendable {
  /// The step.
  let step: String
  /// The task.
  let task: String
  /// The samples; empty where the data is not there.
  let samples: [PlannedSample]
  /// Whether they are held out.
  let isHeldOut: Bool
  /// How long they are.
  let size: PartSize

  init(_ step: String, _ task: String, _ samples: [PlannedSample], isHeldOut: Bool, size: PartSize? = nil) {
    self.step = step
    self.task = task
    self.samples = samples
    self.isHeldOut = isHeldOut
    self.size =
      size
      ?? PartSize(
        samples: samples.count, tokens: samples.reduce(0) { $0 + $1.tokens }, labels: samples.reduce(0) { $0 + $1.labels })
  }
}

/// Which samples each part of each task has: decided once, before anything is computed.
struct StudyParts {
  let study: Study
  private(set) var material: StudyMaterial
  /// Probe and questions of the tasks whose patterns are measured.
  private var held: [String: (probe: PlannedPart, questions: PlannedPart)] = [:]

  init(_ study: Study, _ material: StudyMaterial) throws {
    self.study = study
    self.material = material
    for task in study.tasks where !task.has(.target) && material.heldOut[task.name] != nil { held[task.name] = try halves(of: task) }
  }

  /// Whether values are reported on held-out samples of the tasks that patterns are measured on.
  private var reportsLosses: Bool { study.make.contains("figure-5") }

  /// The held-out samples of a task, one part for patterns and one for losses; equal questions are on one side.
  private func halves(of task: Study.Task) throws -> (PlannedPart, PlannedPart) {
    let side = material.heldOut[task.name] ?? TaskSide(reading: DataSettings([]))
    let total = side.count
    var probe = study.budgets.probe ?? (reportsLosses ? (total + 1) / 2 : total)
    var questions = reportsLosses ? study.budgets.questions ?? total - min(total, probe) : 0
    if probe + questions > total {
      let share = Double(total) / Double(max(1, probe + questions))
      probe = min(total, max(1, Int(Double(probe) * share)))
      questions = reportsLosses ? total - probe : 0
    }
    let names = ("parts/\(task.name)/probe", "parts/\(task.name)/questions")
    if let declared = side.declared {
      return (
        PlannedPart(names.0, task.name, [], isHeldOut: true, size: declared.scaled(to: probe)),
        PlannedPart(names.1, task.name, [], isHeldOut: true, size: declared.scaled(to: questions))
      )
    }
    guard total > 0 else { throw RunError("the task '\(task.name)' has no held-out samples with a response; give it some") }
    var generator = SeededGenerator(seed: study.splitSeed, stream: "study held out \(task.name)")
    let drawn = generator.shuffled(side.samples)
    let measured = drawn.prefix(probe)
    let seen = Set(measured.map(\.question))
    let asked = drawn.dropFirst(probe).filter { !seen.contains($0.question) }.prefix(questions)
    func inOrder(_ samples: some Sequence<PlannedSample>) -> [PlannedSample] { samples.sorted { $0.place < $1.place } }
    return (
      PlannedPart(names.0, task.name, inOrder(measured), isHeldOut: true),
      PlannedPart(names.1, task.name, inOrder(asked), isHeldOut: true)
    )
  }

  /// The held-out samples on which a task's patterns are measured.
  func probe(_ task: Study.Task) throws -> PlannedPart {
    guard let part = held[task.name]?.probe else { throw RunError("the task '\(task.name)' has no held-out samples; give it 'test'") }
    return part
  }

  /// The held-out samples on which values are reported.
  func questions(_ task: Study.Task) throws -> PlannedPart {
    if let part = held[task.name]?.questions { return part }
    guard let side = material.heldOut[task.name], side.count > 0 else {
      throw RunError("the task '\(task.name)' has no questions with an answer; give it 'test'")
    }
    return PlannedPart("parts/\(task.name)/questions", task.name, side.samples, isHeldOut: true, size: side.declared)
  }

  /// Everything that a task can be trained on.
  func all(_ task: Study.Task) -> PlannedPart {
    let side = material.training[task.name] ?? TaskSide(reading: DataSettings([]))
    return PlannedPart("parts/\(task.name)/all", task.name, side.samples, isHeldOut: false, size: side.declared)
  }

  /// What is chosen from, drawn where there is more than the budget.
  func pool(_ task: Study.Task) -> PlannedPart {
    let all = all(task)
    let name = "parts/\(task.name)/pool"
    guard let budget = study.budgets.pool, all.size.samples > budget else {
      return PlannedPart(name, task.name, all.samples, isHeldOut: false, size: all.size)
    }
    guard !all.samples.isEmpty else { return PlannedPart(name, task.name, [], isHeldOut: false, size: all.size.scaled(to: budget)) }
    var generator = SeededGenerator(seed: study.splitSeed, stream: "study pool \(task.name)")
    let samples = generator.positions(budget, outOf: all.samples.count).map { all.samples[$0] }
    return PlannedPart(name, task.name, samples, isHeldOut: false)
  }

  /// How many samples the tasks of a set are trained on: as many as the smallest training part has.
  func trainingCount(ofSet set: String) -> Int {
    let counts = study.tasks([.basic, .complex, .candidate], of: set).map { material.training[$0.name]?.count ?? 0 }
    let least = counts.min() ?? 0
    return min(least, study.budgets.train ?? least)
  }

  /// Training samples drawn by seed.
  func training(_ task: Study.Task, count: Int, seed: UInt64) throws -> PlannedPart {
    let side = material.training[task.name] ?? TaskSide(reading: DataSettings([]))
    let name = "parts/\(task.name)/train-\(count)-seed-\(seed)"
    guard side.count > 0, count > 0 else { throw RunError("the task '\(task.name)' has no training samples with a response; give it some") }
    if let declared = side.declared { return PlannedPart(name, task.name, [], isHeldOut: false, size: declared.scaled(to: count)) }
    var generator = SeededGenerator(seed: seed, stream: "study training \(task.name)")
    let samples = generator.positions(count, outOf: side.samples.count).map { side.samples[$0] }
    return PlannedPart(name, task.name, samples, isHeldOut: false)
  }

  /// A part's samples in folds, equal questions in one.
  func folds(of part: PlannedPart, _ count: Int, seed: UInt64) -> [(others: PlannedPart, own: PlannedPart)] {
    let size = part.size
    let count = min(count, size.samples)
    func names(_ fold: Int) -> (String, String) {
      ("\(part.step)/fold-\(fold)-of-\(count)/others", "\(part.step)/fold-\(fold)-of-\(count)/own")
    }
    guard !part.samples.isEmpty else {
      return (0..<count).map { fold in
        let own = size.samples * (fold + 1) / count - size.samples * fold / count
        return (
          PlannedPart(names(fold).0, part.task, [], isHeldOut: false, size: size.scaled(to: size.samples - own)),
          PlannedPart(names(fold).1, part.task, [], isHeldOut: false, size: size.scaled(to: own))
        )
      }
    }
    var generator = SeededGenerator(seed: seed, stream: "study folds \(part.task)")
    var fold: [UInt64: Int] = [:]
    for question in generator.shuffled(Array(Set(part.samples.map(\.question))).sorted()) { fold[question] = fold.count % count }
    return (0..<count).compactMap { number in
      let own = part.samples.filter { fold[$0.question] == number }
      let others = part.samples.filter { fold[$0.question] != number }
      guard !own.isEmpty, !others.isEmpty else { return nil }
      return (
        PlannedPart(names(number).0, part.task, others, isHeldOut: false),
        PlannedPart(names(number).1, part.task, own, isHeldOut: false)
      )
    }
  }

  /// The run that writes a part.
  func run(_ part: PlannedPart, out: String) -> PartRun {
    let side = part.isHeldOut ? material.heldOut[part.task] : material.training[part.task]
    var hash = Fingerprint()
    for sample in part.samples { hash.add(sample.content) }
    let contents = part.samples.isEmpty ? "declared \(part.size.samples)" : hash.digits
    return PartRun(
      task: part.task, contents: contents, count: part.size.samples, out: out, reading: side?.reading ?? DataSettings([]),
      places: part.samples.map(\.place))
  }

  // MARK: Leaks

  /// Makes sure that no question on which a value is reported is a sample that patterns, shares, choices or training come from.
  /// - Returns: what is to be told of samples that were taken out.
  /// - Throws: `RunError` where there is one and the study does not drop it.
  mutating func keepQuestionsApart() throws -> [String] {
    var asked: [UInt64: String] = [:]
    var cores: [UInt64: (task: String, times: Int)] = [:]
    for task in study.tasks {
      let isReported =
        task.has(.target) ? study.make.contains { ["table-2", "table-3", "distance-bins", "datamodelling"].contains($0) } : reportsLosses
      guard isReported, material.heldOut[task.name] != nil, let questions = try? questions(task) else { continue }
      for sample in questions.samples {
        asked[sample.question] = task.name
        // What stands in many questions is no question, but what goes before them.
        cores[sample.core, default: (task.name, 0)].times += 1
      }
    }
    guard !asked.isEmpty else { return [] }
    func question(_ sample: PlannedSample) -> String? {
      asked[sample.question] ?? cores[sample.core].flatMap { $0.times == 1 ? $0.task : nil }
    }
    var notes: [String] = []
    func take(_ task: Study.Task, _ samples: [PlannedSample], _ what: String) throws -> Set<Int> {
      let leaks = samples.filter { question($0) != nil }
      guard let first = leaks.first, let other = question(first) else { return [] }
      let count = leaks.count == 1 ? "1 sample" : "\(leaks.count) samples"
      guard study.leaks == .drop else {
        throw RunError(
          "\(count) of the \(what) of '\(task.name)' \(leaks.count == 1 ? "is" : "are") among the questions on which '\(other)' is reported, the first of them \(first.beginning.debugDescription): nothing may be measured, chosen or trained on them; take them out of the data, or let the study do so by \(setting: Setting("leaks", value: "drop"))"
        )
      }
      notes.append("\(count) of the \(what) of \(task.name) left out, because \(other) is reported on the same questions")
      return Set(leaks.map(\.place))
    }
    for task in study.tasks {
      let places = try take(task, material.training[task.name]?.samples ?? [], task.roles == [.pool] ? "pool" : "training part")
      if !places.isEmpty { material.drop(from: task.name, heldOut: false, places) }
      guard let probe = held[task.name]?.probe else { continue }
      let measured = try take(task, probe.samples, "probe")
      if !measured.isEmpty {
        held[task.name]?.probe = PlannedPart(
          probe.step, task.name, probe.samples.filter { !measured.contains($0.place) }, isHeldOut: true)
      }
    }
    return notes
  }
}
