import Foundation
import Ground
import Instructions
import Runs
import Synchronization

@testable import Studies

/// The model and the data of `Examples/`, read in place.
enum Examples {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Examples")
  static let model = folder.appending(path: "model").path(percentEncoded: false)
  static let problems = folder.appending(path: "problems.jsonl").path(percentEncoded: false)
  static let stories = folder.appending(path: "stories.jsonl").path(percentEncoded: false)
}

/// A folder with small data, which goes when the test ends.
final class StudyFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "studies-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path(percentEncoded: false) }

  /// Writes pairs and gives their file.
  @discardableResult
  func write(_ name: String, _ pairs: [(String, String)]) throws -> String {
    let writer = try InstructionWriter(to: URL(filePath: path(name)))
    for (prompt, response) in pairs { try writer.write(Instruction(prompt: prompt, response: response)) }
    try writer.finish()
    return path(name)
  }

  /// Samples of a small task: sums, letters, whatever `kind` names.
  @discardableResult
  func task(_ kind: String, _ count: Int = 24) throws -> String {
    try write(
      "\(kind).jsonl",
      (0..<count).map { ("In \(kind) number \($0) what is \($0) plus \($0 * 3 % 7)?\n", "It is \($0 + $0 * 3 % 7) in \(kind).") })
  }

  /// A study's file.
  func study(_ text: String, _ changes: [String] = []) throws -> Study {
    try Study(text: text, name: "study.yaml", folder: url, changing: changes)
  }
}

/// A study that a test finishes in seconds.
enum TinyStudy {
  static func text(make: String, seeds: String = "[0, 1]") -> String {
    """
    study: Tiny
    make: \(make)
    models:
      - {name: tiny, path: "\(Examples.model)"}
    tasks:
      - {name: sums, role: [basic, pool], group: mathematics, data: sums.jsonl, format: pairs}
      - {name: letters, role: [basic, pool], group: text, data: letters.jsonl, format: pairs}
      - {name: both, role: complex, group: text, data: both.jsonl, format: pairs}
      - {name: goal, role: target, data: goal.jsonl, format: pairs, hold_out: 0.5}
    training: {lr: 1e-3, epochs: 1, warmup_ratio: 0, batch_size: 4, accumulate: 1, dtype: float32, max_length: 128}
    seeds: \(seeds)
    threads: 1
    figure_5: {every: 2}
    budgets: {train: 12, probe: 4, questions: 4}
    fit: {permutations: 20}
    table_2: {total: 8, keep: 2, folds: 2, samples: 8, random_draws: 2}
    table_3:
      choose: [4]
      samples: 6
      random_draws: 2
      warm_up_lr: 1e-3
      dimension: 64
      methods:
        - {representation: pattern, algorithm: mean}
        - {representation: pattern, algorithm: round-robin, standardise: true}
        - {representation: gradient}
        - {representation: embedding, algorithm: best}
        - {representation: bm25}
        - {representation: loss}
        - {representation: length}
    retrieval:
      samples: 4
      choose: [4]
      random_draws: 2
      methods:
        - {representation: pattern, algorithm: round-robin, score: token, standardise: true}
        - {representation: pattern, algorithm: mean, score: [magnitude, token], standardise: true, weigh: true}
        - {representation: embedding, algorithm: mean, standardise: true}
        - {representation: gradient}
        - {representation: bm25, algorithm: mean}
        - {representation: loss}
    distance_bins: {samples: 4, bins: 3, methods: [{representation: pattern}, {representation: length}]}
    datamodelling: {subsets: 3, trainings: 2, methods: [{representation: pattern, score: token}, {representation: bm25}, {representation: length}]}
    ablation: {samples: 3}
    """
  }

  /// Its data in a folder.
  static func write(to folder: StudyFolder) throws {
    for name in ["sums", "letters", "both", "goal"] { try folder.task(name) }
  }
}

/// Keeps what a run tells, and asks it to stop after some reports.
final class Listener: Sendable {
  private let state = Mutex((notes: [String](), reports: 0))
  private let limit: Int?

  init(stopAfter limit: Int? = nil) { self.limit = limit }

  var notes: [String] { state.withLock { $0.notes } }
  /// The steps that were done.
  var steps: [String] {
    notes.compactMap { note in note.hasPrefix("[") ? note.split(separator: " ").last.map(String.init) : nil }
  }

  var monitor: RunMonitor {
    RunMonitor(
      note: { text in self.state.withLock { $0.notes.append(text.description) } },
      warn: { text in self.state.withLock { $0.notes.append("warning: \(text)") } },
      progress: { _ in self.state.withLock { $0.reports += 1 } },
      shouldStop: { self.limit.map { limit in self.state.withLock { $0.reports >= limit } } ?? false })
  }
}
