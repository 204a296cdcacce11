import CheckpointFiles
import Foundation
import Goldens
import Ground
import LanguageModels
import Ranks
import Testing
import Torch

@testable import FineTuning

/// Several ranks learn what one does from the same windows.
@Suite(.serialized) struct RankTrainingTests {
  /// Six batches a window, with everything that ranks do together switched on.
  private func settings(_ golden: GoldenRun, ranks: Int) -> TrainingSettings {
    var settings = golden.trainingSettings
    settings.batchSize = 1
    settings.gradientAccumulation = 6 / ranks
    settings.steps = 6
    settings.shuffles = true
    settings.saveInterval = 3
    settings.trackingInterval = 2
    settings.evaluationInterval = 3
    settings.noiseFloorWindows = 1
    return settings
  }

  private func numbers(_ file: URL) throws -> [String: [Float]] {
    let file = try SafetensorsFile(at: file)
    return try Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, try Tensor(mapping: $0, of: file).floats()) })
  }

  private func expectNear(_ file: String, _ folder: URL, _ other: URL, _ tolerance: Float) throws {
    let (found, expected) = (try numbers(folder.appending(path: file)), try numbers(other.appending(path: file)))
    #expect(found.keys == expected.keys)
    // A bias of keys changes no attention: what moves it is rounding.
    for (name, values) in expected where !name.hasSuffix("k_proj.bias") {
      let scale = values.map(abs).max() ?? 0
      let distance = zip(values, found[name] ?? []).map { abs($0 - $1) }.max() ?? .infinity
      #expect(found[name]?.count == values.count && distance <= tolerance * max(scale, 1e-4), "\(file) \(name): \(distance) of \(scale)")
    }
  }

  /// The losses of all steps to 1e-6; weights, moments and patterns to what other orders of the same float32 sums make of them.
  private func expectSameRun(_ folder: URL, _ other: URL, _ tolerance: Float = 1e-5) throws {
    let (lines, expected) = (
      try StepMetrics.read(from: TrainingFolder(folder).metrics), try StepMetrics.read(from: TrainingFolder(other).metrics)
    )
    #expect(lines.count == expected.count)
    for (line, wanted) in zip(lines, expected) {
      #expect(line.step == wanted.step && line.tokens == wanted.tokens && line.lr == wanted.lr)
      for (value, wanted) in [(line.loss, wanted.loss), (line.evalLoss, wanted.evalLoss), (line.gradNorm, wanted.gradNorm)] {
        #expect((value == nil) == (wanted == nil))
        #expect(abs((value ?? 0) - (wanted ?? 0)) <= 1e-6 * abs(wanted ?? 1) * Double(tolerance / 1e-5))
      }
    }
    for file in ["model.safetensors", "headway/checkpoints/step-6/optimizer.safetensors", "headway/patterns.safetensors"] {
      try expectNear(file, folder, other, tolerance)
    }
  }

  private func train(
    _ golden: GoldenRun, _ folder: URL, type: ElementType, ranks count: Int, stopsAfter: Int? = nil, resumingAfter: Int? = nil
  ) throws {
    let outcomes = try RanksInThreads.run(count) { ranks in
      var done = 0
      do {
        let trainer = try golden.trainer(settings(golden, ranks: count), in: folder, type: type, ranks: ranks, resumingAfter: resumingAfter)
        // Any of them may be the one that is told to stop.
        _ = try trainer.run(savedType: .float32) {
          done += 1
          return ranks.rank == count - 1 && done == stopsAfter
        }
      } catch is Trainer.Stopped {}
    }
    for outcome in outcomes { try outcome.get() }
  }

  @Test(
    arguments: [
      ("llama-head-dim", 2, .float32), ("llama-head-dim", 2, .bfloat16), ("gemma-multi-query", 3, .float32),
      ("opt-published", 3, .bfloat16),
    ] as [(String, Int, ElementType)])
  func ranksLearnWhatOneDoes(name: String, count: Int, type: ElementType) throws {
    let golden = try GoldenRun(name, "training")
    let alone = try ScratchFolder()
    _ = try golden.trainer(settings(golden, ranks: 1), in: alone.url, type: type).run(savedType: .float32)
    let together = try ScratchFolder()
    try train(golden, together.url, type: type, ranks: count)
    // In bfloat16 a last bit of a copy that falls the other way changes all that is computed with it.
    try expectSameRun(together.url, alone.url, type == .float32 ? 1e-5 : 2e-2)
  }

  /// Stopped on two ranks, gone on with on three, and on one.
  @Test(arguments: [3, 1]) func resumesOnAnotherNumberOfRanks(count: Int) throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let alone = try ScratchFolder()
    _ = try golden.trainer(settings(golden, ranks: 1), in: alone.url).run(savedType: .float32)
    let disturbed = try ScratchFolder()
    try train(golden, disturbed.url, type: .float32, ranks: 2, stopsAfter: 4)
    #expect(TrainingFolder(disturbed.url).savedSteps().first == 4)
    if count == 1 {
      _ = try golden.trainer(settings(golden, ranks: 1), in: disturbed.url, resumingAfter: 4).run(savedType: .float32)
    } else {
      try train(golden, disturbed.url, type: .float32, ranks: count, resumingAfter: 4)
    }
    try expectSameRun(disturbed.url, alone.url)
  }

  @Test func adaptersOverRanks() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    @Sendable func adapted(_ ranks: Int) -> TrainingSettings {
      var settings = settings(golden, ranks: ranks)
      settings.lowRank = LowRankSettings(rank: 4, dropout: 0.2)
      return settings
    }
    let alone = try ScratchFolder()
    _ = try golden.trainer(adapted(1), in: alone.url).run(savedType: .float32)
    let together = try ScratchFolder()
    let folder = together.url
    let outcomes = try RanksInThreads.run(2) { ranks in
      _ = try golden.trainer(adapted(2), in: folder, ranks: ranks).run(savedType: .float32)
    }
    for outcome in outcomes { try outcome.get() }
    try expectNear("adapter_model.safetensors", together.url, alone.url, 1e-5)
  }

  /// Every weight lies in one bucket, whole and beside no other; rows are of one length; what decays and what does not never meet.
  @Test func layoutsHoldEveryWeightOnce() {
    var generator = SeededGenerator(seed: 3, stream: "layouts")
    for _ in 0..<200 {
      let shapes = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
        (0..<Int.random(in: 1...2, using: &generator)).map { _ in Int.random(in: 1...40, using: &generator) }
      }
      let ranks = Int.random(in: 1...7, using: &generator)
      let layout = WeightShares.Layout(shapes: shapes, ranks: ranks, limit: 500)
      var taken = layout.rowLengths.map { [Bool](repeating: false, count: ranks * $0) }
      for (place, shape) in zip(layout.places, shapes) {
        #expect(place.count == shape.reduce(1, *) && layout.decays[place.bucket] == (shape.count >= 2))
        for element in place.offset..<place.offset + place.count {
          #expect(taken[place.bucket].indices.contains(element) && !taken[place.bucket][element])
          if taken[place.bucket].indices.contains(element) { taken[place.bucket][element] = true }
        }
      }
      #expect(layout.rowLengths.allSatisfy { $0 > 0 && $0.isMultiple(of: 16) })
    }
  }
}
