package import ActivationPatterns
import FineTuning
package import Foundation
import Ground
package import Reports

/// Puts what is known of heads into the form that a page lets a reader go through.
package struct ExplorerBuilder {
  private var files: [PatternOrder.Entry] = []
  private var runs: [TrainingRecord] = []
  private var ablations: [(name: String, result: AblationResult)] = []
  private let score: Score?

  /// Nothing yet.
  /// - Parameter score: which score to look at, where files hold several.
  package init(score: Score? = nil) { self.score = score }

  /// Takes a pattern or a change, with the tokens that lie beside it.
  /// - Throws: `RunError` where these are damaged.
  package mutating func add(_ name: String, _ file: PatternFile, at url: URL) throws {
    add(.init(name: name, file: file, tokens: try TokenFile(beside: url, of: file.provenance)))
  }

  mutating func add(_ entry: PatternOrder.Entry) { files.append(entry) }

  /// Takes a training run of a folder, where one lies there.
  package mutating func add(trainingIn folder: URL, as name: String) throws {
    if let record = try TrainingRecord(folder, name: name) { add(record) }
  }

  mutating func add(_ run: TrainingRecord) { runs.append(run) }

  /// Takes an ablation.
  package mutating func add(_ name: String, _ result: AblationResult) { ablations.append((name, result)) }

  /// What a page says of it first: what was measured, and what came of it, in at most three sentences.
  package var summary: [String] { summary(fits: [], evaluations: []) }

  func summary(
    fits: [(name: String, fit: FitResult)], evaluations: [(name: String, outcome: EvaluationOutcome)]
  ) -> [String] {
    ReportSummary(
      order: PatternOrder(files), score: score, trainings: runs, fits: fits, ablations: ablations, evaluations: evaluations
    ).sentences
  }

  /// The most samples of a head that are listed, and of all heads of a page.
  private static let samplesOfAHead = 5
  private static let samplesOfAPage = 60_000
  /// The most steps of a training run.
  private static let steps = 60

  /// Reads what the files hold of samples.
  /// - Throws: `PatternError`.
  package func explorer() throws -> HeadExplorer {
    let order = PatternOrder(files)
    let heads = order.entries.reduce(0) { $0 + $1.file.layers * $1.file.heads }
    let listed = max(1, min(Self.samplesOfAHead, Self.samplesOfAPage / max(1, heads)))
    var rows = try order.rows.map { row in
      HeadExplorer.Row(
        name: Self.name(of: row, among: order.rows), about: Self.about(row), maps: try row.compactMap { try map(of: $0, listed) })
    }
    rows += runs.map { run in HeadExplorer.Row(name: run.name, about: run.about, run: run.explored(most: Self.steps)) }
    return HeadExplorer(
      rows: rows.filter { !$0.maps.isEmpty || $0.run != nil },
      ablations: ablations.map { name, result in
        HeadExplorer.Ablation(
          name: name, about: "\(result.aboutWords), \(result.samples) samples, \(result.about.dtype)",
          heads: result.items.compactMap { item in
            guard let layer = item.layer, let head = item.head else { return nil }
            return .init(
              layer: layer, head: head, change: item.trueChange, interval: item.trueInterval.map { ($0.low, $0.high) },
              prediction: item.prediction)
          })
      })
  }

  /// The task, where no other row has it; else the files' names.
  private static func name(of row: [PatternOrder.Entry], among rows: [[PatternOrder.Entry]]) -> String {
    let task = row.lazy.compactMap(\.file.provenance.task).first { !$0.isEmpty }
    guard let task else { return row.map(\.name).joined(separator: ", ") }
    guard rows.count(where: { $0.contains { $0.file.provenance.task == task } }) > 1, let first = row.first else { return task }
    return "\(task), \(first.file.provenance.model.map(name(ofModel:)) ?? first.name)"
  }

  /// A model's folder without the path to it; of a training run's checkpoint the run's folder and the step.
  static func name(ofModel model: String) -> String {
    let url = URL(filePath: model)
    let checkpoints = url.deletingLastPathComponent()
    guard checkpoints.lastPathComponent == "checkpoints" else { return url.lastPathComponent }
    let run = checkpoints.deletingLastPathComponent().deletingLastPathComponent()
    return "\(run.lastPathComponent), \(url.lastPathComponent)"
  }

  private static func about(_ row: [PatternOrder.Entry]) -> String {
    let counts = Set(row.compactMap(\.file.provenance.samples)).sorted()
    let sides = row.map { $0.side == .alone ? "pattern" : $0.side.name }
    return [sides.joined(separator: ", "), counts.isEmpty ? nil : "\(counts.map(String.init).joined(separator: " or ")) samples"]
      .compactMap(\.self).joined(separator: "; ")
  }

  private func map(of entry: PatternOrder.Entry, _ listed: Int) throws -> HeadExplorer.Map? {
    guard let score = score.flatMap({ entry.file.scores.contains($0) ? $0 : nil }) ?? entry.file.scores.first,
      let matrix = entry.file.matrix(score)
    else { return nil }
    let isChange = entry.file.kind != "pattern"
    var map = HeadExplorer.Map(
      name: entry.name, side: entry.side.name, about: Self.about(entry.file),
      valueName: isChange ? "\(entry.file.kind) of \(score)" : score.rawValue, layers: matrix.layers, heads: matrix.heads,
      isChange: isChange, values: matrix.values.map { $0.isNaN ? nil : $0 },
      errors: try errors(entry.file, score).map { $0.map { 1.96 * $0 } })
    guard case .pattern(let pattern) = entry.file else { return map }
    if let levels = pattern.levels[score]?.samples, let samples = pattern.samples {
      let strongest = try levels.strongest(listed, at: Array(0..<matrix.count)).samples
      let numbers = Set(strongest.flatMap { $0.map(\.number) }).sorted()
      let places = Dictionary(uniqueKeysWithValues: numbers.enumerated().map { ($1, $0) })
      map.samples = numbers.map { .init(index: samples.index[$0], id: samples.ids?[$0], loss: Double(samples.loss[$0])) }
      map.strongest = strongest.map { $0.map { .init(sample: places[$0.number] ?? 0, level: Double($0.level)) } }
    }
    map.passages = entry.tokens?.samples.map(\.passage) ?? []
    return map
  }

  private static func about(_ file: PatternFile) -> String {
    let from = file.provenance
    let model: String?
    if case .change = file {
      model = [from.other["before_model"], from.other["after_model"]].compactMap { $0.map(name(ofModel:)) }.joined(separator: " → ")
    } else {
      model = from.model.map(name(ofModel:))
    }
    return [model, from.samples.map { "\($0) samples" }, from.dtype].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ", ")
  }

  private func errors(_ file: PatternFile, _ score: Score) throws -> [Double]? {
    switch file {
    case .pattern(let pattern): return try pattern.levels[score]?.samples?.standardErrors()
    case .change(let change):
      // A ratio of means has no standard error of this kind.
      guard !change.isRelative, let before = change.levels[score]?.before, let after = change.levels[score]?.after else { return nil }
      return try before.standardErrors(ofDifferenceTo: after)
    }
  }
}

extension SampleTokens {
  /// The sample as a page goes through it.
  var passage: HeadExplorer.Passage {
    .init(
      sample: .init(index: Int64(index), id: id, loss: loss), texts: texts, labels: labels,
      heads: heads.map { .init(layer: $0.layer, head: $0.head, values: $0.signed.map(Double.init)) })
  }
}
