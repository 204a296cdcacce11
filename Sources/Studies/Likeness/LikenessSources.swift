import ActivationPatterns
import Foundation
import Ground
import Instructions
import Runs
import Selection

/// What likenesses are made of: files of target and pool for each representation that lies in files, and the texts of both.
struct LikenessSources: Codable, Sendable {
  /// The target's files, by representation.
  var target: [String: String] = [:]
  /// The pool's.
  var pool: [String: String] = [:]
  /// The target's texts.
  var targetData: String
  /// The pool's texts, a file a task.
  var poolData: [String]
  /// The score of a pattern where a method names none.
  var score = Score.magnitude

  func mappingPaths(_ change: (String) -> String) -> LikenessSources {
    var sources = self
    sources.target = target.mapValues(change)
    sources.pool = pool.mapValues(change)
    sources.targetData = change(targetData)
    sources.poolData = poolData.map(change)
    return sources
  }

  /// The samples of the pool, or of the target, in their order.
  func texts(ofPool isPool: Bool) throws -> [Instruction] {
    try Dataset(at: (isPool ? poolData : [targetData]).map { URL(filePath: $0) }, options: DatasetOptions(format: "pairs")).readAll()
  }
}

/// The likeness of a pool to a target by one method.
struct SeenLikeness {
  /// How alike they are.
  let likeness: any Likeness
  /// The position of each compared sample among the pool's texts.
  let positions: [Int]
  /// The position of each target sample among the target's texts; nil where there is no target.
  let targets: [Int]?

  /// Opens what a method compares.
  /// - Parameters:
  ///   - method: the method.
  ///   - looksAtEach: whether each sample of the target is told apart, rather than by the method's algorithm.
  ///   - texts: of the pool and of the target.
  ///   - seed: of what is drawn.
  init(
    _ method: Study.Method, _ sources: LikenessSources, looksAtEach: Bool, _ texts: (pool: [Instruction], target: [Instruction]),
    seed: UInt64
  ) throws {
    var options = RepresentationOptions()
    options.standardises = method.standardises
    options.seed = seed
    options.score = method.representation == PatternRepresentation().name ? method.scores.first ?? sources.score : nil
    let view: TargetView = looksAtEach ? .samples : .mean
    switch Representations.named(method.representation) {
    case let kind as any FileRepresentation:
      guard let pool = sources.pool[method.representation] else {
        throw RunError("the likeness '\(method.name)' has no file of the pool; plan its representation")
      }
      let target = sources.target[method.representation].map { URL(filePath: $0) }
      if method.scores.count > 1 || method.weighsByReliability, let target {
        let form = try PatternForm(method, target: target, pool: URL(filePath: pool), score: sources.score)
        (likeness, positions, targets) = (try form.likeness(view: view), form.poolIndex, form.targetIndex)
        return
      }
      let open = try kind.open(target: target, pool: [URL(filePath: pool)], options)
      likeness = try open.likeness(view: view)
      positions = open.pool.flatMap { $0.index ?? [] }.map(Int.init)
      targets = open.target?.index?.map(Int.init)
    case let kind as any TextRepresentation:
      likeness = try kind.likeness(target: texts.target, pool: { body in try texts.pool.forEach(body) }, view: view, options)
      positions = Array(texts.pool.indices)
      targets = kind.hasTarget ? Array(texts.target.indices) : nil
    default:
      throw RunError("there is no representation '\(method.representation)'; name one of \(Representations.names.joined(separator: ", "))")
    }
  }

  /// All likenesses, [samples][targets].
  func values() throws -> [[Double]] {
    let count = likeness.targetNames.count
    var rows = [[Double]](repeating: [], count: likeness.sampleCount)
    try likeness.forEachBlock { first, values in
      for row in 0..<values.count / count { rows[first + row] = (0..<count).map { values[row * count + $0] } }
    }
    return rows
  }
}
