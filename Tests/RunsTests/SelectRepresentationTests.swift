import CheckpointFiles
import FineTuning
import Foundation
import Ground
import Runs
import Selection
import Testing

/// `represent` and `select` together: what the one writes the other reads, under a model.
@Suite struct SelectRepresentationTests {
  private func represent(
    _ kind: RepresentationFile.Kind, _ out: String, model: String = Examples.model, limit: Int,
    change: (inout RepresentRun) -> Void = { _ in }
  ) throws -> RepresentationFile {
    var run = RepresentRun(model: model, data: [Examples.problems], representation: kind, out: out)
    (run.model.elementType, run.model.threads, run.data.limit) = (.float32, 1, limit)
    change(&run)
    _ = try run.run()
    return try RepresentationFile(at: URL(filePath: out))
  }

  private func select(
    _ kind: RepresentationFile.Kind, target: RepresentationFile?, pool: RepresentationFile, in folder: TemporaryFolder,
    change: (inout SelectRun) -> Void = { _ in }
  ) throws -> SelectResult {
    var run = SelectRun(
      target: target?.url.path(percentEncoded: false), pool: [pool.url.path(percentEncoded: false)], poolData: [Examples.problems], top: 3,
      out: folder.path("chosen.jsonl"))
    run.representation = kind.rawValue
    change(&run)
    let listener = Listener()
    let result = try run.run(listener.monitor)
    #expect(!listener.notes.contains { $0.hasPrefix("warning") })
    return result
  }

  @Test func aSampleIsMostLikeItself() throws {
    let folder = try TemporaryFolder()
    let target = try represent(.embedding, folder.path("t.safetensors"), limit: 2)
    let pool = try represent(.embedding, folder.path("p.safetensors"), limit: 8)
    let best = try select(.embedding, target: target, pool: pool, in: folder) { $0.algorithm = "best" }
    #expect(Set(best.chosen.prefix(2).map(\.index)) == [0, 1])
    for chosen in best.chosen.prefix(2) { #expect(abs(chosen.score - 1) < 1e-5 && chosen.target == "sample \(chosen.index)") }
    #expect(try select(.embedding, target: target, pool: pool, in: folder).chosen.count == 3)
    // Losses rank by themselves.
    let losses = try represent(.loss, folder.path("l.safetensors"), limit: 8)
    let values = try (0..<8).map { try losses.rows[0].row($0)[0] }
    let greatest = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }.prefix(3)
    #expect(try select(.loss, target: nil, pool: losses, in: folder).chosen.map(\.index) == Array(greatest))
  }

  @Test func gradientsAreWeighedByTheirCheckpoints() throws {
    let folder = try TemporaryFolder()
    var training = TrainingRun(model: Examples.model, data: [Examples.problems], out: folder.path("warm"))
    (training.data.limit, training.model.elementType, training.model.threads) = (8, .float32, 1)
    (training.training.steps, training.training.epochs, training.training.batchSize) = (2, nil, 2)
    (training.training.gradientAccumulation, training.training.learningRate) = (1, 1e-3)
    (training.training.saveInterval, training.training.keptCheckpoints) = (1, 2)
    (training.training.lowRank, training.training.recordsWindows) = (LowRankSettings(rank: 2), false)
    _ = try training.runRecording()
    let target = try represent(.gradient, folder.path("t.safetensors"), model: folder.path("warm"), limit: 2) {
      ($0.dimension, $0.role) = (96, .target)
    }
    let pool = try represent(.gradient, folder.path("p.safetensors"), model: folder.path("warm"), limit: 7) { $0.dimension = 96 }
    let found = try select(.gradient, target: target, pool: pool, in: folder) { $0.top = 7 }

    // LESS's formula, checkpoint by checkpoint.
    func cosine(_ one: [Float], _ other: [Double]) -> Double {
      let (x, product) = (one.map(Double.init), zip(one, other).reduce(0) { $0 + Double($1.0) * $1.1 })
      return product / (x.reduce(0) { $0 + $1 * $1 } * other.reduce(0) { $0 + $1 * $1 }).squareRoot()
    }
    var influence = [Double](repeating: 0, count: 7)
    for checkpoint in pool.rows.indices {
      let rows = try (0..<2).map { try target.rows[checkpoint].row($0) }
      let mean = rows[0].indices.map { (Double(rows[0][$0]) + Double(rows[1][$0])) / 2 }
      for sample in 0..<7 {
        influence[sample] += try pool.weights[checkpoint] / pool.weights.reduce(0, +) * cosine(pool.rows[checkpoint].row(sample), mean)
      }
    }
    #expect(pool.rows.count == 2 && found.chosen.map(\.index) == (0..<7).sorted { (influence[$1], $0) < (influence[$0], $1) })
    for chosen in found.chosen { #expect(abs(chosen.score - influence[chosen.index]) < 1e-9) }

    let other = try represent(.gradient, folder.path("o.safetensors"), model: folder.path("warm"), limit: 2) {
      ($0.dimension, $0.role, $0.seed) = (96, .target, 5)
    }
    let error = #expect(throws: SelectionError.self) { try select(.gradient, target: other, pool: pool, in: folder) }
    #expect(error?.description.contains("differ in projection") == true)
  }
}
