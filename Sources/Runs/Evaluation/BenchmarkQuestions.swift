import Evaluation
import Foundation
import Ground
import Instructions

/// A benchmark's questions, made of its files.
struct BenchmarkQuestions: Sendable {
  let benchmark: any Benchmark
  let variant: any Variant
  let shots: Shots
  /// In the order of the data.
  let questions: [Question]
  /// Items that the variant does not ask.
  let leftOut: Int
  let dataset: Dataset
  /// The files of shots; nil where none were given.
  let shotData: Dataset?

  /// Reads data and shots, and says what a user should know before the model is asked.
  init(_ settings: BenchmarkSettings, _ data: DataSettings, _ benchmark: any Benchmark, _ variant: any Variant, _ monitor: RunMonitor)
    throws
  {
    self.benchmark = benchmark
    self.variant = variant
    dataset = try Self.dataset(data.files, data, try data.datasetOptions(), benchmark)
    var given: [Item]?
    if settings.shots.isEmpty {
      shotData = nil
    } else {
      let shots = try Self.dataset(
        settings.shots.map { TaskFile($0) }, data,
        DatasetOptions(format: data.format, map: data.map, split: data.split, skipBad: data.skipsBad), benchmark)
      try Self.requireOthers(shots, than: dataset)
      given = try Self.items(of: shots, benchmark, monitor)
      shotData = shots
    }
    shots = try Shots(for: variant, given: given, count: settings.shotCount)
    let items = try Self.items(of: dataset, benchmark, monitor)
    var questions: [Question] = []
    var leftOut = 0
    for item in items {
      let asked = try variant.questions(of: item, shots: shots)
      if asked.isEmpty { leftOut += 1 }
      questions += asked
    }
    self.questions = questions
    self.leftOut = leftOut
    guard !questions.isEmpty else {
      throw RunError(
        "\(dataset.name): none of its \(items.count) items is asked by the variant \(variant.name); give the benchmark's own files")
    }
    monitor.note("\(benchmark.name) as \(variant.title(with: shots)) asks it, \(shots.count) shots: \(questions.count) questions")
    if shots.areOwn { monitor.note("note: the shots are Headway's own; give the dataset's by \(setting: .shots)") }
    if leftOut > 0 { monitor.note("note: \(leftOut) items are left out, which this variant does not ask") }
  }

  private static func dataset(
    _ files: [TaskFile], _ data: DataSettings, _ options: DatasetOptions, _ benchmark: any Benchmark
  ) throws -> Dataset {
    var options = options
    // A benchmark's forms of publication are told apart by their file names: text is its last.
    let isText = files.allSatisfy { file in
      let name = file.path.lowercased()
      return name.hasSuffix(".txt") || name.hasSuffix(".txt.gz")
    }
    options.format = data.format ?? (isText ? benchmark.formats.last : benchmark.formats.first)
    return try Dataset(of: files.map(\.source), options: options)
  }

  private static func items(of dataset: Dataset, _ benchmark: any Benchmark, _ monitor: RunMonitor) throws -> [Item] {
    let reader = dataset.instructions()
    var items: [Item] = []
    while let sample = try reader.nextSample() { items.append(try benchmark.item(of: sample)) }
    if let warning = reader.limitWarning { monitor.warn(warning) }
    for error in reader.counts.skippedErrors { monitor.note("passed over: \(error)") }
    return items
  }

  /// Shots that are asked too would tell their answers.
  private static func requireOthers(_ shots: Dataset, than asked: Dataset) throws {
    let files = Set(asked.files.compactMap { FileIdentity(at: $0) })
    if let shared = shots.files.first(where: { file in FileIdentity(at: file).map(files.contains) ?? false }) {
      throw RunError(
        "\(shared.relativePath) is among the questions and in \(setting: .shots), so that answers would be shown; take shots from the dataset's training or dev part"
      )
    }
  }
}
