import ActivationPatterns
import Foundation
import Ground
import Runs
import Synchronization
import Testing

/// Small pattern files in a folder of their own, removed afterwards.
final class PatternFiles {
  let folder: URL
  private var generator = SeededGenerator(seed: 7, stream: "pattern files")

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "runs-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appending(path: name).path(percentEncoded: false) }

  /// A number in [0, 1).
  func uniform() -> Double { Double(generator.next() >> 11) * 0x1p-53 }

  /// Writes a pattern of 3 layers × 4 heads whose sample levels are these, [N][12].
  func write(
    _ name: String, _ rows: [[Double]], model: String, task: String = "t", dtype: String = "float32", contents: [UInt64]? = nil
  ) throws {
    let levels = try SampleLevels(sampleCount: rows.count, entryCount: 12, values: rows.flatMap { $0.map(Float.init) })
    let contents = contents ?? rows.indices.map { Fingerprint(of: "\(task) \($0)").value }
    let provenance = Provenance(
      model: model, modelFingerprint: model, task: task, format: "pairs", dataFingerprint: task,
      samplesFingerprint: Provenance.fingerprint(ofSamples: contents), samples: rows.count, maxLength: 512, loss: "sample", dtype: dtype)
    try ActivationPattern(
      provenance: provenance, levels: [.magnitude: .init(layers: 3, heads: 4, samples: levels)],
      samples: .init(
        loss: rows.map { _ in 1 }, index: rows.indices.map(Int64.init), ids: rows.indices.map { "\(task)-\($0)" }, contents: contents)
    ).write(to: folder.appending(path: name))
  }

  /// Writes a base model's pattern of a task and a fine-tuned one's, and their change `NAME.safetensors`: heads change by `profile`, samples about it.
  func writeChange(_ name: String, _ profile: [Double], samples: Int = 40) throws {
    let before = (0..<samples).map { _ in profile.map { _ in 1.0 } }
    let after = (0..<samples).map { _ in profile.map { 1 + $0 + 0.02 * uniform() } }
    try write("\(name)-before.safetensors", before, model: "base", task: name)
    try write("\(name)-after.safetensors", after, model: "\(name)-tuned", task: name)
    _ = try ChangeRun(
      before: path("\(name)-before.safetensors"), after: path("\(name)-after.safetensors"), out: path("\(name).safetensors")
    ).run()
  }
}

/// Puts the shards of a pattern in the place of its file, the last of them without a sample.
/// - Returns: their paths.
@discardableResult
func cutIntoShards(_ path: String, _ count: Int = 4) throws -> [String] {
  let url = URL(filePath: path)
  let pattern = try ActivationPattern.read(from: url)
  let samples = try #require(pattern.samples)
  let total = samples.loss.count
  let shards = try (1...count).map { try #require(PatternShard($0, of: count)) }
  for shard in shards {
    func border(_ number: Int) -> Int { min(total, number * total / max(1, count - 1)) }
    let range = border(shard.number - 1)..<border(shard.number)
    var provenance = pattern.provenance
    provenance.samples = range.count
    if shard.number > 1 {
      provenance.skipped = provenance.skipped.map { _ in 0 }
      provenance.tokens = provenance.tokens.map { _ in 0 }
    }
    try shard.write(
      PatternShard.Contents(
        provenance: provenance, identity: RunIdentity(), places: range, total: total, keepsSamples: true, layers: pattern.layers,
        heads: pattern.heads,
        levels: pattern.levels.compactMapValues { levels in
          try levels.samples.map { all in
            try SampleLevels(sampleCount: range.count, entryCount: all.entryCount, values: range.flatMap { try all.row($0) })
          }
        },
        samples: .init(
          loss: Array(samples.loss[range]), index: Array(samples.index[range]), ids: samples.ids.map { Array($0[range]) },
          contents: samples.contents.map { Array($0[range]) })), to: shard.url(of: url))
  }
  for file in [url, SampleIdentifiers.url(beside: url)] { try FileManager.default.removeItem(at: file) }
  return shards.map { $0.path(of: path) }
}

/// A monitor that keeps what it is told.
final class Telling: Sendable {
  private let kept = Mutex<(notes: [String], warnings: [String])>(([], []))
  var notes: [String] { kept.withLock { $0.notes } }
  var warnings: [String] { kept.withLock { $0.warnings } }
  var monitor: RunMonitor {
    RunMonitor(
      note: { text in self.kept.withLock { $0.notes.append(text.description) } },
      warn: { text in self.kept.withLock { $0.warnings.append(text.description) } })
  }
}

/// The same settings or results, by way of JSON.
func again<Value: Codable>(_ value: Value) throws -> Value {
  try JSONDecoder().decode(Value.self, from: HeadwayJSON.document(value))
}
