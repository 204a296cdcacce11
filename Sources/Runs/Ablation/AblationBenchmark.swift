import Evaluation
import Foundation
import Ground
import LanguageModels
import Probing

/// Asks a benchmark's questions with sets of heads switched off, one set after another, resumable.
struct AblationBenchmark {
  private let questions: BenchmarkQuestions
  private let measurement: BenchmarkMeasurement

  init(_ questions: BenchmarkQuestions, _ measurement: BenchmarkMeasurement) {
    self.questions = questions
    self.measurement = measurement
  }

  /// For each set, which of the questions that count are answered rightly.
  func run(
    _ sets: [HeadSet], journalOutput: URL?, identity: RunIdentity, resume: Bool, overwrites: Bool, _ monitor: RunMonitor
  ) throws -> [[Bool]] {
    if let question = questions.questions.first(where: { if case .generation = $0.task { true } else { false } }) {
      throw SettingsError(
        "\(questions.benchmark.name) is answered by writing text in the variant \(questions.variant.name) (the item at index \(question.index)); name a \(setting: .variant) that compares options"
      )
    }
    var found: [[Bool]] = []
    var journal: RunJournal?
    if let journalOutput {
      journal = try RunJournal.open(beside: journalOutput, identity: identity, resume: resume, overwrites: overwrites) { record in
        var record = record
        let set = Int(record.integer(UInt32.self))
        guard set == found.count, set < sets.count, record.remaining <= questions.questions.count else { return false }
        found.append((0..<record.remaining).map { _ in record.integer(UInt8.self) == 1 })
        return true
      }
    }
    let shape = measurement.model.decoder.shape
    while found.count < sets.count {
      var asking = measurement
      asking.gates = sets[found.count].heads.isEmpty ? nil : gates(sets[found.count], shape)
      let done = found.count
      var told = monitor
      told.progress = { now in
        monitor.progress(
          RunProgress(
            stage: "benchmark", completed: done, total: sets.count, unit: "sets of heads",
            figures: ["\(now.completed)/\(now.total ?? 0) questions"]))
      }
      let replies = try asking.run(questions.questions, nil, told)
      let rights = zip(questions.questions, replies).compactMap { $1.verdict(on: $0).isCorrect }
      var record = JournalRecord()
      record.put(UInt32(done))
      for isRight in rights { record.put(UInt8(isRight ? 1 : 0)) }
      try journal?.append(record)
      found.append(rights)
    }
    return found
  }

  /// Ones, and zeros for the heads of a set: for each layer `[H]`.
  private func gates(_ set: HeadSet, _ shape: DecoderShape) -> [[Float]] {
    var gates = [[Float]](repeating: [Float](repeating: 1, count: shape.attentionHeads), count: shape.layers)
    for head in set.heads { gates[head.layer][head.head] = 0 }
    return gates
  }
}

extension AblationResult {
  /// What a benchmark says with heads switched off.
  public struct Benchmark: Codable, Sendable, Equatable {
    /// Its name.
    public var name: String
    /// The variant in words.
    public var variant: String
    /// Shots before a question.
    public var shots: Int
    /// The share of right answers with all heads on, over all questions alike.
    public var accuracy: Double
    /// Its standard error.
    public var standardError: Double?
    /// Questions that count.
    public var count: Int

    enum CodingKeys: String, CodingKey {
      case name, variant, shots, accuracy, count
      case standardError = "stderr"
    }
  }

  /// Adds the change of accuracy to each item.
  /// - Parameter rights: which questions are answered rightly, with all heads on and then for every item and all of them together.
  mutating func add(_ rights: [[Bool]], of questions: BenchmarkQuestions, sets plan: AblationPlan) {
    guard let whole = rights.first, !whole.isEmpty else { return }
    let accuracy = Accuracy(correct: whole.count { $0 }, of: whole.count)
    benchmark = Benchmark(
      name: questions.benchmark.name, variant: questions.variant.title(with: questions.shots), shots: questions.shots.count,
      accuracy: accuracy.value ?? 0, standardError: accuracy.standardError, count: whole.count)
    func change(_ place: Int) -> (Double, Double?) {
      // Paired by question: most answers stay as they are.
      let differences = zip(rights[place], whole).map { ($0 ? 1.0 : 0) - ($1 ? 1.0 : 0) }
      let count = Double(differences.count)
      let mean = differences.reduce(0, +) / count
      let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (mean, count > 1 ? (squares / (count - 1) / count).squareRoot() : nil)
    }
    for place in items.indices where place + 1 < rights.count {
      (items[place].accuracyChange, items[place].accuracyError) = change(place + 1)
    }
    if plan.together != nil, rights.count == items.count + 2 {
      let (mean, error) = change(items.count + 1)
      together?.accuracyChange = mean
      together?.accuracyError = error
    }
  }
}
