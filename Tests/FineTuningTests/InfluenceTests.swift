import CheckpointFiles
import Foundation
import Goldens
import Ground
import LanguageModels
import Testing
import Torch

@testable import FineTuning

/// Gradients of samples, their direction under Adam and their projection, held against PEFT, LESS's formula and numpy (scripts/goldens/representations.py).
@Suite struct InfluenceTests {
  private func numbers() throws -> SafetensorsFile { try SafetensorsFile(at: GoldenRun.fixtures.appending(path: "influence.safetensors")) }

  private func rows(_ values: [Float], _ width: Int) -> [[Float]] {
    stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
  }

  /// The gradients of a model's samples, by the names of PEFT's file, from a model that computes in this type.
  private func gradients(
    _ name: String, _ type: ElementType, batchTokens: Int
  ) throws -> (found: [String: [Float]], golden: SafetensorsFile) {
    let golden = try SafetensorsFile(at: GoldenRun.fixtures.appending(path: "\(name)/gradients.safetensors"))
    let samples = try golden.int64s("index").map { index in try GoldenRun(name, "training").samples[Int(index)] }
    let model = try LanguageModel(GoldenRun(name, "lora").base, elementType: type)
    try AdapterFolder(ModelFolder(named: GoldenRun.fixtures.appending(path: "\(name)/lora").path(percentEncoded: false)))
      .attach(to: model.decoder)
    let found = try AdapterGradients(model.decoder)
    let rows = try found.rows(of: samples, batchTokens: batchTokens)
    #expect(rows.allSatisfy { $0.count == found.count })
    var byName: [String: [Float]] = [:]
    var place = 0
    for weight in model.decoder.parameters.compactMap(\.adapter).flatMap({ [$0.down, $0.up] }) {
      byName["base_model.model.\(weight.storedName)"] = rows.flatMap { $0[place..<place + weight.tensor.count] }
      place += weight.tensor.count
    }
    #expect(place == found.count)
    return (byName, golden)
  }

  /// A weight's gradients are held to 2e-5 of its greatest one in float32 (PyTorch's own float32 gradients are as far from its float64 ones), together or
  /// alone; and to 6e-2 of the norm in bfloat16, eight bits of which add up on the way through the layers.
  @Test(arguments: GoldenRun.names, [1, 1000])
  func areThoseOfPEFT(name: String, batchTokens: Int) throws {
    let (found, golden) = try gradients(name, .float32, batchTokens: batchTokens)
    let expected = golden.tensors.map(\.name).filter { $0 != "index" }
    #expect(Set(found.keys) == Set(expected) && !expected.isEmpty)
    for weight in expected {
      let distance = relativeDistance(try #require(found[weight]), try golden.floats(weight))
      #expect(distance < 2e-5, "\(weight)")
    }
  }

  @Test(arguments: GoldenRun.names)
  func areThoseOfPEFTInBfloat16(name: String) throws {
    let (found, golden) = try gradients(name, .bfloat16, batchTokens: 1000)
    var (apart, norm) = (0.0, 0.0)
    for (weight, values) in found {
      for (one, other) in zip(values, try golden.floats(weight)) {
        apart += Double(one - other) * Double(one - other)
        norm += Double(other) * Double(other)
      }
    }
    #expect((apart / norm).squareRoot() < 6e-2)
  }

  /// Float32 operation by operation as PyTorch's: at most a few units of the last place apart (2⁻²³ · 4).
  @Test func adamsDirectionIsThatOfLESS() throws {
    let golden = try numbers()
    let moments = AdamMoments(first: try golden.floats("first"), second: try golden.floats("second"), OptimizerSettings())
    for (gradient, expected) in zip(rows(try golden.floats("gradient"), 300), rows(try golden.floats("adam"), 300)) {
      var found = gradient
      moments.direct(&found)
      for (one, other) in zip(found, expected) { #expect(abs(one - other) <= abs(other) * 0x1p-21) }
    }
  }

  @Test func signsAreThoseOfNumpy() throws {
    let golden = try numbers()
    let projection = RandomProjection(dimension: 100, seed: 5)
    let whole = projection.signs(rows: 0..<300)
    #expect(whole == (try golden.floats("signs")))
    #expect(projection.signs(rows: 37..<41) == Array(whole[3700..<4100]))
    #expect(RandomProjection(dimension: 100, seed: 6).signs(rows: 0..<300) != whole)
  }

  /// One product in float32: 1e-6 of the greatest number.
  @Test func projectionsAreThoseOfNumpy() throws {
    let golden = try numbers()
    let gradients = rows(try golden.floats("gradient"), 300)
    let projection = RandomProjection(dimension: 100, seed: 5)
    let expected = rows(try golden.floats("projected"), 100)
    for (found, expected) in zip(rows(try projection.project(gradients), 100), expected) {
      #expect(relativeDistance(found, expected) < 1e-6)
    }
    for (gradient, expected) in zip(gradients, expected) {
      #expect(relativeDistance(try projection.project([gradient]), expected) < 1e-6)
    }
    #expect(try projection.project([]).isEmpty)
  }

  /// Many blocks add up to what one product gives, and inner products are kept as well as chance allows: the standard deviation of a cosine is 1 / √D.
  @Test func innerProductsAreKept() throws {
    let random = try RandomTensors(seed: 3)
    let (a, b) = (try random.normal([5000]).floats(), try random.normal([5000]).floats())
    let c = zip(a, b).map { 0.6 * $0 + 0.8 * $1 }
    func cosine(_ x: [Float], _ y: [Float]) -> Double {
      func product(_ x: [Float], _ y: [Float]) -> Double { zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
      return product(x, y) / (product(x, x) * product(y, y)).squareRoot()
    }
    let projection = RandomProjection(dimension: 8192, seed: 0)
    let found = rows(try projection.project([a, b, c]), 8192)
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
      let exact = cosine([a, b, c][one], [a, b, c][other])
      #expect(abs(cosine(found[one], found[other]) - exact) < 4 / 8192.0.squareRoot())
    }
  }

  // MARK: Trainings

  private func train(in folder: URL, steps: Int = 8, saveEvery: Int = 2, keep: Int = 10, lowRank: Bool = true) throws -> GoldenRun {
    let golden = try GoldenRun("llama-head-dim", "training")
    var settings = golden.trainingSettings
    settings.steps = steps
    settings.saveInterval = saveEvery
    settings.keptCheckpoints = keep
    if lowRank { settings.lowRank = LowRankSettings(rank: 2, targets: ["all-linear"]) }
    try TrainingFolder(folder).make()
    _ = try golden.trainer(settings, in: folder).run(savedType: .float32)
    return golden
  }

  @Test func checkpointsAreChosenAndWeighed() throws {
    let scratch = try ScratchFolder()
    _ = try train(in: scratch.url)
    let folder = TrainingFolder(scratch.url)
    let lines = try StepMetrics.read(from: folder.metrics)
    let rates = Dictionary(uniqueKeysWithValues: lines.compactMap { line in line.lr.map { (line.step, $0) } })
    func mean(_ steps: ClosedRange<Int>) -> Double { steps.reduce(0) { $0 + (rates[$1] ?? .nan) } / Double(steps.count) }
    let all = try WarmUp(folder, .all)
    #expect(all.checkpoints.map(\.step) == [2, 4, 6, 8] && all.missing.isEmpty)
    #expect(all.checkpoints.map(\.weight) == [mean(1...2), mean(3...4), mean(5...6), mean(7...8)])
    let two = try WarmUp(folder, .stretches(2))
    #expect(two.checkpoints.map(\.step) == [4, 8] && two.checkpoints.map(\.weight) == [mean(1...4), mean(5...8)])
    let eight = try WarmUp(folder, .stretches(8))
    #expect(eight.checkpoints.map(\.step) == [2, 4, 6, 8] && eight.missing == [1...1, 3...3, 5...5, 7...7])
    #expect(try WarmUp(folder, .stretches(1000)).checkpoints.map(\.step) == [2, 4, 6, 8])
    // A checkpoint alone, and rates that are lost.
    let checkpoint = #expect(throws: TrainingError.self) { try WarmUp(TrainingFolder(folder.checkpoint(4)), .all) }
    #expect(checkpoint?.description.contains("one checkpoint of a training") == true)
    try FileManager.default.removeItem(at: folder.metrics)
    let lost = #expect(throws: TrainingError.self) { try WarmUp(folder, .all) }
    #expect(lost?.description.contains("lacks the learning rate of step 1") == true)
  }

  @Test func whatIsNoTrainingOfAdaptersIsRefused() throws {
    let scratch = try ScratchFolder()
    let empty = #expect(throws: TrainingError.self) { try WarmUp(TrainingFolder(scratch.url), .all) }
    #expect(empty?.description.contains("holds no checkpoints of a training") == true)
    _ = try train(in: scratch.url, steps: 2, lowRank: false)
    let whole = #expect(throws: TrainingError.self) { try WarmUp(TrainingFolder(scratch.url), .all) }
    #expect(whole?.description.contains("trained whole") == true)
  }

  /// The moments are those of the checkpoint's optimiser, in the order of the gradients: one more update by the gradient of a window moves them to
  /// where a training that went on has them.
  @Test func momentsFollowTheGradients() throws {
    let scratch = try ScratchFolder()
    let golden = try train(in: scratch.url, steps: 3, saveEvery: 1)
    let folder = TrainingFolder(scratch.url)
    let checkpoints = try WarmUp(folder, .all).checkpoints
    let model = try LanguageModel(ModelFolder(named: checkpoints[1].url.path(percentEncoded: false)), elementType: .float32)
    let gradients = try AdapterGradients(model.decoder)
    // The window of the third update: samples 12 to 17, the mean over all their labels.
    let window = Array(golden.samples[12..<18])
    let labels = window.reduce(0) { $0 + $1.labelCount }
    var sum = [Float](repeating: 0, count: gradients.count)
    for (sample, row) in zip(window, try gradients.rows(of: window, batchTokens: 1000)) {
      for place in row.indices { sum[place] += row[place] * Float(sample.labelCount) / Float(labels) }
    }
    let norm = sum.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let clipped = sum.map { Double($0) / max(1, norm / 1.0) }
    func moments(_ number: Int) throws -> (first: [Float], second: [Float]) {
      let stored = TrainingCheckpoint(url: checkpoints[number].url)
      let weights = model.decoder.parameters.compactMap(\.adapter).flatMap { [$0.down, $0.up] }.map { ($0.storedName, $0.tensor.shape) }
      func memory(_ name: String) throws -> [Float] { try stored.memory(name, of: weights).flatMap { try $0.floats() } }
      return (try memory("first"), try memory("second"))
    }
    let (before, after) = (try moments(1), try moments(2))
    let first = zip(before.first, clipped).map { Float(0.9 * Double($0) + 0.1 * $1) }
    #expect(relativeDistance(first, after.first) < 1e-4)
    let second = zip(before.second, clipped).map { Float(0.999 * Double($0) + 0.001 * $1 * $1) }
    #expect(relativeDistance(second, after.second) < 1e-4)
  }
}
