import Foundation
import Ground
import Instructions
import Runs
import Selection

/// Chooses from a pool of several tasks by every method, and counts how many of the chosen are of the target's own task.
struct RetrievalRun: Run {
  static let name = "retrieval"

  /// What is compared.
  var sources: LikenessSources
  /// The target's task, by which the pool's samples know theirs.
  var task: String
  /// What chooses.
  var methods: [Study.Method]
  /// How many are chosen.
  var choose: [Int]
  /// Random choices.
  var draws: Int
  /// Seeds them.
  var seed: UInt64

  func mappingPaths(_ change: (String) -> String) -> RetrievalRun {
    var run = self
    run.sources = sources.mappingPaths(change)
    return run
  }

  func run(_ monitor: RunMonitor) throws -> RetrievalResult {
    let texts = (pool: try sources.texts(ofPool: true), target: try sources.texts(ofPool: false))
    let isOwn = texts.pool.map { $0.task == task }
    var rows: [RetrievalResult.Row] = []
    for method in methods {
      if monitor.shouldStop() { throw RunStopped(canResume: true) }
      let isRandom = method.representation == RandomRepresentation().name
      let algorithm = SelectionAlgorithms.named(method.algorithm ?? MeanSelection().name) ?? MeanSelection()
      var shares = [[Double]](repeating: [], count: choose.count)
      var chance = 0.0
      for draw in 0..<(isRandom ? draws : 1) {
        let seen = try SeenLikeness(
          method, sources, looksAtEach: algorithm.looksAtEach, texts, seed: seed &* 1000 &+ UInt64(draw))
        chance = Double(seen.positions.count { isOwn[$0] }) / Double(max(1, seen.positions.count))
        for (place, count) in choose.enumerated() {
          let chosen = try algorithm.choose(count, by: seen.likeness) { _ in true }
          guard chosen.count == count else { continue }
          shares[place].append(Double(chosen.count { isOwn[seen.positions[$0.sample]] }) / Double(count))
        }
      }
      for (count, found) in zip(choose, shares) {
        let share = found.isEmpty ? nil : found.reduce(0, +) / Double(found.count)
        rows.append(.init(method: method.name, choose: count, share: share, chance: chance))
      }
    }
    return RetrievalResult(rows: rows)
  }
}

/// What `RetrievalRun` found.
struct RetrievalResult: Codable, Sendable {
  struct Row: Codable, Sendable {
    /// The method's name.
    var method: String
    /// N, the samples that were chosen.
    var choose: Int
    /// The share of the target's own task among them; nil where the pool has fewer samples that are like anything.
    var share: Double?
    /// The share of the target's own task among all that were compared.
    var chance: Double
  }

  var rows: [Row]
}
