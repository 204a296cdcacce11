import ActivationPatterns
import Foundation
import Ground
import Runs
import Selection

extension Planner {
  /// What is likened: a target's samples and a pool's, drawn by one seed, none of them in both.
  struct Compared {
    var own: PlannedPart
    var pool: [PlannedPart]

    /// How long the pool is.
    var poolSize: PartSize {
      pool.reduce(PartSize()) {
        PartSize(samples: $0.samples + $1.size.samples, tokens: $0.tokens + $1.size.tokens, labels: $0.labels + $1.size.labels)
      }
    }
  }

  /// Pool and targets of a seed: of each task first the samples that stand for it as a target, then those of the pool among what is left.
  /// - Parameters:
  ///   - tasks: of the pool.
  ///   - samples: that stand for a target.
  func poolParts(_ tasks: [Study.Task], without own: [PlannedPart], seed: UInt64) throws -> [PlannedPart] {
    let asked = Set(own.flatMap { $0.samples.map(\.question) })
    return try tasks.map { task in
      let all = parts.all(task)
      let left = all.samples.filter { !asked.contains($0.question) }
      let available = all.samples.isEmpty ? all.size.samples : left.count
      let count = min(available, study.budgets.pool ?? available)
      guard count > 0 else { throw RunError("the task '\(task.name)' has no samples left for the pool; give it more, or its target fewer") }
      let name = "parts/\(task.name)/likened-\(count)-seed-\(seed)"
      guard !all.samples.isEmpty else { return PlannedPart(name, task.name, [], isHeldOut: false, size: all.size.scaled(to: count)) }
      var generator = SeededGenerator(seed: seed, stream: "study likened \(task.name)")
      return PlannedPart(name, task.name, generator.positions(count, outOf: left.count).map { left[$0] }, isHeldOut: false)
    }
  }

  /// Plans everything that methods need to compare a target with a pool under a model.
  /// - Parameters:
  ///   - prefix: of the target's steps.
  ///   - poolPrefix: of the pool's, the same for every target that is compared under this model.
  ///   - source: the model.
  /// - Returns: the files, and the steps that write them.
  mutating func sources(
    for methods: [Study.Method], _ prefix: String, poolPrefix: String, _ model: PlannedModel, _ source: Source, _ compared: Compared,
    seed: UInt64
  ) throws -> (sources: LikenessSources, steps: [String]) {
    let own = compared.own
    let ownFile = try write(own)
    let files = try compared.pool.map { (step: $0.step, file: try write($0)) }
    var sources = LikenessSources(targetData: ownFile, poolData: files.map(\.file), score: study.score)
    var steps = [own.step] + files.map(\.step)
    func names(_ kind: String) -> (own: String, pool: String) { ("\(prefix)/own/\(kind)", "\(poolPrefix)/pool/\(kind)") }
    let size = compared.poolSize
    for kind in Representations.all where kind is any FileRepresentation && methods.contains(where: { $0.representation == kind.name }) {
      let names = names(kind.name)
      switch kind {
      case is PatternRepresentation:
        let asked = methods.filter { $0.representation == kind.name }.flatMap { $0.scores.isEmpty ? [study.score] : $0.scores }
        let scores = Score.allCases.filter(asked.contains)
        sources.target[kind.name] = try pattern(
          names.own, model, source, on: [(own.step, ownFile)], own.size, task: own.task, scores: scores)
        sources.pool[kind.name] = try pattern(names.pool, model, source, on: files, size, task: "pool", scores: scores)
      case is GradientRepresentation:
        let warm = try warmUp(model, files.map(\.file), files.map(\.step), size, seed: seed, prefix: "\(poolPrefix)/warm-up")
        sources.target[kind.name] = try represent(
          names.own, .gradient, model, warm, [ownFile], [own.step], own.size, role: .target)
        sources.pool[kind.name] = try represent(
          names.pool, .gradient, model, warm, files.map(\.file), files.map(\.step), size, role: .pool)
      default:
        guard let file = RepresentationFile.Kind(rawValue: kind.name) else { continue }
        if kind.hasTarget {
          sources.target[kind.name] = try represent(names.own, file, model, source, [ownFile], [own.step], own.size)
        }
        sources.pool[kind.name] = try represent(names.pool, file, model, source, files.map(\.file), files.map(\.step), size)
      }
      steps += (sources.target[kind.name] == nil ? [] : [names.own]) + [names.pool]
    }
    return (sources, steps)
  }
}
