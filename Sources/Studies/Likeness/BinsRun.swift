import Foundation
import Ground
import Instructions
import LanguageModels
import Runs
import Tokenizers

/// Cuts a pool into bins of equal label tokens by its likeness to a target, the likest first, and writes each bin's samples.
struct BinsRun: Run {
  static let name = "bins"

  /// What is compared.
  var sources: LikenessSources
  /// By what likeness.
  var method: Study.Method
  /// B.
  var bins: Int
  /// A task whose samples are left out; nil for none.
  var excluded: String?
  /// The model whose tokenizer counts labels, and the fingerprint by which another is told.
  var model, modelFingerprint: String
  /// Where bin `n` goes: `FOLDER/bin-n.jsonl`.
  var folder: String

  func mappingPaths(_ change: (String) -> String) -> BinsRun {
    var run = self
    run.sources = sources.mappingPaths(change)
    (run.model, run.folder) = (change(model), change(folder))
    return run
  }

  /// The file of a bin.
  func file(_ bin: Int) -> String { "\(folder)/bin-\(bin).jsonl" }

  func run(_ monitor: RunMonitor) throws -> BinsResult {
    let texts = (pool: try sources.texts(ofPool: true), target: try sources.texts(ofPool: false))
    let seen = try SeenLikeness(method, sources, looksAtEach: false, texts, seed: 0)
    let values = try seen.values().map { $0[0] }
    let tokenizer = try Tokenizer.load(from: ModelFolder(named: model).url)
    let places = values.indices.filter { !values[$0].isNaN && (excluded == nil || texts.pool[seen.positions[$0]].task != excluded) }
    let labels = texts.pool.map { sample in
      sample.pieces.reduce(1) { $1.carriesLoss ? $0 + tokenizer.encode($1.text, addSpecialTokens: false).count : $0 }
    }
    let order = places.sorted { (-values[$0], $0) < (-values[$1], $1) }
    let cuts = try Self.cut(order.map { labels[seen.positions[$0]] }, into: bins)
    let place = URL(filePath: folder, directoryHint: .isDirectory)
    try Folders.make(place)
    Leftovers.remove(from: place)
    var result = BinsResult()
    for (number, range) in cuts.enumerated() {
      let writer = try InstructionWriter(to: URL(filePath: file(number)))
      for place in order[range] { try writer.write(texts.pool[seen.positions[place]]) }
      try writer.finish()
      let own = order[range].map { labels[seen.positions[$0]] }
      result.bins.append(
        .init(
          likeness: order[range].reduce(0) { $0 + values[$1] } / Double(range.count), samples: range.count, labels: own.reduce(0, +)))
    }
    return result
  }

  /// Ranges of samples whose labels add up to as nearly the same number as whole samples allow: a sample goes where the middle of its labels lies.
  /// - Throws: `RunError` where a bin would be empty.
  static func cut(_ labels: [Int], into bins: Int) throws -> [Range<Int>] {
    let total = labels.reduce(0, +)
    var ends = [Int](repeating: 0, count: bins)
    var before = 0
    for (place, count) in labels.enumerated() {
      let bin = min(bins - 1, (2 * before + count) * bins / max(1, 2 * total))
      ends[bin] = place + 1
      before += count
    }
    var ranges: [Range<Int>] = []
    var start = 0
    for end in ends {
      guard end > start else {
        throw RunError("\(labels.count) samples do not fill \(bins) bins of equal label tokens; give a larger pool, or ask for fewer bins")
      }
      ranges.append(start..<end)
      start = end
    }
    return ranges
  }
}

/// What `BinsRun` cut, the nearest bin first.
struct BinsResult: Codable, Sendable {
  struct Bin: Codable, Sendable {
    /// The mean likeness of its samples.
    var likeness: Double
    /// Its samples.
    var samples: Int
    /// Their label tokens.
    var labels: Int
  }

  var bins: [Bin] = []
}
