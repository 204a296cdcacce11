import ActivationPatterns
public import Foundation
import Ground

/// Activation patterns: how much the loss of a sample depends on each attention head. Likeness is Pearson correlation over all L · H heads (equation 5).
public struct PatternRepresentation: FileRepresentation {
  /// `pattern` in settings.
  public let name = "pattern"
  /// Patterns are correlated with the target's.
  public let hasTarget = true
  /// A row is the levels of all heads, [L · H].
  public let isOfHeads = true

  /// The representation.
  public init() {}

  /// Opens per-sample pattern files of one model and score; the target may keep only its mean.
  /// - Throws: `SelectionError` where they were measured differently or keep no samples.
  public func open(target: URL?, pool: [URL], _ options: RepresentationOptions) throws -> any OpenRepresentation {
    guard let target else { throw SelectionError("patterns are compared with a target's; give its pattern as \(setting: .target)") }
    return try OpenPatterns(target: SamplePatterns(at: target), pool: pool.map { try SamplePatterns(at: $0) }, options)
  }
}

private struct OpenPatterns: OpenRepresentation {
  let targetPattern: SamplePatterns
  let patterns: [SamplePatterns]
  let compared: Score
  let standardises: Bool

  var target: SampleFile? { SampleFile(targetPattern) }
  var pool: [SampleFile] { patterns.map { SampleFile($0) } }
  var score: Score? { compared }

  init(target: SamplePatterns, pool: [SamplePatterns], _ options: RepresentationOptions) throws {
    targetPattern = target
    patterns = pool
    standardises = options.standardises
    guard let score = options.score ?? target.scores.first else { throw SelectionError("\(target.url.lastPathComponent) has no score") }
    compared = score
    try SampleFile.requireAlike(([target] + pool).map { SampleFile($0) })
    if let other = pool.first(where: { ($0.layers, $0.heads) != (target.layers, target.heads) }) {
      throw SelectionError(
        "\(target.path) and \(other.path) differ in model (\(target.layers) layers × \(target.heads) heads; \(other.layers) × \(other.heads)); measure both under one model"
      )
    }
    _ = try target.mean(score)
    for file in pool { _ = try file.levels(score) }
  }

  func likeness(view: TargetView) throws -> any Likeness {
    let rows = SampleRows(try patterns.flatMap { try $0.levels(compared) })
    guard rows.count > 0 else { throw SelectionError("\(patterns[0].path) holds no sample; measure a pool that has some") }
    let standard = standardises ? try ColumnMoments(of: rows) : nil
    let targets: [(name: String, row: [Double])]
    if view == .mean {
      targets = [(TargetView.meanName, try targetPattern.mean(compared))]
    } else {
      targets = try SampleRows(targetPattern.levels(compared)).means(of: view, in: SampleFile(targetPattern))
    }
    return PatternLikeness(
      vectors: try VectorLikeness(
        [rows], to: [targets.map(\.row)], named: targets.map(\.name), by: .correlation, standardisedBy: standard),
      heads: targetPattern.heads)
  }
}

/// A correlation that says which heads it is made of.
private struct PatternLikeness: Likeness {
  let vectors: VectorLikeness
  let heads: Int

  var sampleCount: Int { vectors.sampleCount }
  var targetNames: [String] { vectors.targetNames }

  func forEachBlock(_ body: (_ first: Int, _ values: UnsafeBufferPointer<Double>) throws -> Void) throws {
    try vectors.forEachBlock(body)
  }

  func strongestParts(_ count: Int, sample: Int, target: Int) throws -> [HeadPart] {
    let parts = try vectors.parts(sample: sample, target: target)
    return parts.indices.sorted { (parts[$1], $0) < (parts[$0], $1) }.prefix(count)
      .map { HeadPart(layer: $0 / heads, head: $0 % heads, part: parts[$0]) }
  }
}

extension SamplePatterns {
  fileprivate var path: String { url.path(percentEncoded: false) }
}

extension SampleRows {
  /// The mean row of every target that a view tells apart, with its name.
  func means(of view: TargetView, in file: SampleFile) throws -> [(name: String, row: [Double])] {
    guard count > 0 else { throw SelectionError("\(file.path) holds no sample; measure a target that has some") }
    // Named as in the data, and not by its place in the file.
    return try view.groups(of: count) { place in "sample \(file.index?[place] ?? Int64(place))" }.map { group in
      var sum = [Double](repeating: 0, count: width)
      for member in group.members {
        let row = try row(member)
        for column in 0..<width { sum[column] += row[column] }
      }
      return (group.name, sum.map { $0 / Double(max(1, group.members.count)) })
    }
  }
}
