import ActivationPatterns
import Foundation
import Ground
import Selection
import Testing

/// A folder of pattern files and representations, removed afterwards.
final class SampleFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "selection-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a per-sample pattern.
  /// - Parameter mean: in the place of the samples' own.
  func pattern(
    _ name: String, _ rows: [[Float]], layers: Int, heads: Int, mean: [Float]? = nil, score: Score = .magnitude, index: [Int64]? = nil,
    change: (inout Provenance) -> Void = { _ in }
  ) throws -> URL {
    let file = url.appending(path: name)
    let levels = try SampleLevels(sampleCount: rows.count, entryCount: layers * heads, values: rows.flatMap(\.self))
    var provenance = Provenance(model: "m", modelFingerprint: "f", dataFingerprint: "d", maxLength: 512, loss: "sample", dtype: "float32")
    change(&provenance)
    let own = try mean ?? (levels.mean() ?? [Double](repeating: 0, count: layers * heads)).map { Float($0) }
    try ActivationPattern(
      provenance: provenance, levels: [score: .init(mean: HeadMatrix(layers: layers, heads: heads, values: own), samples: levels)],
      samples: .init(loss: rows.map { _ in 1 }, index: index ?? rows.indices.map(Int64.init), ids: nil)
    ).write(to: file)
    return file
  }

  /// Writes a representation of as many tensors as there are rows of rows.
  func representation(
    _ kind: RepresentationFile.Kind, _ name: String, _ rows: [[[Float]]], role: RepresentationFile.Role? = nil, weights: [Double] = [1],
    change: (inout RepresentationWriter) -> Void = { _ in }
  ) throws -> URL {
    let file = url.appending(path: name)
    let count = rows.first?.count ?? 0
    var writer = RepresentationWriter(
      kind, provenance: Provenance(model: "m", modelFingerprint: "f", dtype: "float32"), width: rows.first?.first?.count ?? 1,
      index: (0..<count).map(Int64.init), ids: (0..<count).map(String.init), contents: [UInt64](repeating: 0, count: count))
    writer.weights = weights
    writer.role = role
    writer.projection = kind == .gradient ? "rademacher, seed 0" : nil
    change(&writer)
    try writer.write(to: file) { tensor, sink in
      for row in rows[tensor] { try row.withUnsafeBytes { try sink.write($0) } }
    }
    return file
  }
}

/// Every likeness, [N][T].
func all(_ likeness: any Likeness) throws -> [[Double]] {
  var rows: [[Double]] = []
  let targets = likeness.targetNames.count
  try likeness.forEachBlock { first, values in
    #expect(first == rows.count && values.count % targets == 0)
    for row in 0..<values.count / targets { rows.append(Array(values[row * targets..<(row + 1) * targets])) }
  }
  #expect(rows.count == likeness.sampleCount)
  return rows
}

/// What `scripts/goldens/selection.py` wrote.
struct SelectionGoldens: Decodable {
  struct Patterns: Decodable {
    var layers, heads: Int
    var pool, target: [[Float]]
    var mean: [Float]
    var pearson, pearsonStandardised: [Double?]
    var pearsonEach: [[Double?]]
    var top, topStandardised, best: [Int]
    var roundRobin, roundRobinGroups, groups: [[Int]]
    var parts: [Double]
  }
  struct Gradients: Decodable {
    var weights, influence: [Double]
    var pool, target: [[[Float]]]
    var groups: [[Int]]
    var influenceGroups: [[Double]]
    var bestGroups: [Int]
  }
  struct Embeddings: Decodable {
    var pool, target: [[Float]]
    var cosine: [Double]
    var cosineEach: [[Double]]
    var cosineStandardised: [Double]
    var roundRobin: [[Int]]
  }
  struct BM25: Decodable {
    var pool, target: [String]
    var words: [[String]]
    var scoresEach: [[Double]]
    var scores: [Double]
  }
  var patterns: Patterns
  var gradients: Gradients
  var embeddings: Embeddings
  var bm25: BM25

  static func read() throws -> SelectionGoldens {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/selection", withExtension: "json"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(SelectionGoldens.self, from: Data(contentsOf: url))
  }
}

/// The greatest difference; infinite where one is defined and the other not.
func difference(_ found: [Double], _ expected: [Double?]) -> Double {
  guard found.count == expected.count else { return .infinity }
  return zip(found, expected).reduce(0) { worst, pair in
    guard let value = pair.1 else { return pair.0.isNaN ? worst : .infinity }
    return max(worst, pair.0.isNaN ? .infinity : abs(pair.0 - value))
  }
}
