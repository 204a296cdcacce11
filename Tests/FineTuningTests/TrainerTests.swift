import Ground
import ActivationPatterns
import CheckpointFiles
import Foundation
import Goldens
import LanguageModels
import Probing
import Testing
import Torch

@testable import FineTuning

@Suite struct TrainerTests {
  /// A short run with everything switched on.
  private func settings(_ golden: GoldenRun, steps: Int = 9) -> TrainingSettings {
    var settings = golden.trainingSettings
    settings.steps = steps
    settings.shuffles = true
    settings.seed = 7
    settings.saveInterval = 2
    settings.keptCheckpoints = 3
    return settings
  }

  private func weights(_ folder: URL) throws -> Data { try Data(contentsOf: folder.appending(path: "model.safetensors")) }
  private func metrics(_ folder: URL) throws -> [StepMetrics] {
    try StepMetrics.read(from: TrainingFolder(folder).metrics).map {
      var line = $0
      line.tokensPerSecond = nil
      return line
    }
  }

  @Test(arguments: ["llama-head-dim", "opt-published"])
  func aResumedRunEndsWithTheSameBits(name: String) throws {
    let golden = try GoldenRun(name, "training")
    let undisturbed = try ScratchFolder()
    _ = try golden.trainer(settings(golden), in: undisturbed.url, type: .bfloat16).run(savedType: .float32)
    let disturbed = try ScratchFolder()
    var done = 0
    #expect(throws: Trainer.Stopped.self) {
      _ = try golden.trainer(settings(golden), in: disturbed.url, type: .bfloat16).run(savedType: .float32) {
        done += 1
        return done == 5
      }
    }
    // A killed process would have lost step 5's checkpoint: what it wrote after step 4 is dropped and made again.
    let folder = TrainingFolder(disturbed.url)
    #expect(folder.savedSteps() == [5, 4, 2])
    try FileManager.default.removeItem(at: folder.checkpoint(5))
    _ = try golden.trainer(settings(golden), in: disturbed.url, type: .bfloat16, resumingAfter: 4).run(savedType: .float32)
    #expect(try weights(disturbed.url) == weights(undisturbed.url))
    #expect(try metrics(disturbed.url) == metrics(undisturbed.url))
    #expect(try Data(contentsOf: folder.patterns) == Data(contentsOf: TrainingFolder(undisturbed.url).patterns))
    #expect(folder.savedSteps() == [9, 8, 6])
  }

  private func adapter(_ folder: URL) throws -> Data { try Data(contentsOf: folder.appending(path: "adapter_model.safetensors")) }

  @Test(arguments: [ElementType.float32, .bfloat16]) func adaptersResumeWithTheSameBitsUnderDropout(type: ElementType) throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    var settings = settings(golden, steps: 6)
    settings.lowRank = LowRankSettings(rank: 4, dropout: 0.2)
    let undisturbed = try ScratchFolder()
    _ = try golden.trainer(settings, in: undisturbed.url, type: type).run(savedType: .float32)
    let disturbed = try ScratchFolder()
    #expect(throws: Trainer.Stopped.self) {
      _ = try golden.trainer(settings, in: disturbed.url, type: type).run(savedType: .float32) { true }
    }
    _ = try golden.trainer(settings, in: disturbed.url, type: type, resumingAfter: 1).run(savedType: .float32)
    #expect(try adapter(disturbed.url) == adapter(undisturbed.url))
    #expect(try metrics(disturbed.url) == metrics(undisturbed.url))
    settings.checkpointsActivations = true
    let recomputed = try ScratchFolder()
    _ = try golden.trainer(settings, in: recomputed.url, type: type).run(savedType: .float32)
    let losses = try (metrics(recomputed.url), metrics(undisturbed.url))
    for (one, other) in zip(losses.0, losses.1) {
      // Recomputed with the same masks: the losses differ by rounding, not by what dropout leaves out.
      #expect(abs((one.loss ?? 0) - (other.loss ?? 1)) < (type == .float32 ? 1e-5 : 1e-2))
    }
  }

  /// A checkpoint's adapters are the float32 masters whatever the model computes in, and so is what the best evaluation leaves.
  @Test func checkpointsOfAdaptersInBFloat16HoldTheMasters() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let scratch = try ScratchFolder()
    var settings = settings(golden, steps: 8)
    settings.lowRank = LowRankSettings(rank: 4)
    settings.learningRate = 0.5
    settings.evaluationInterval = 1
    settings.patience = 2
    let folder = TrainingFolder(scratch.url)
    var samples = Trainer.Samples(training: golden.samples)
    samples.evaluation = Array(golden.samples.suffix(5))
    let trainer = try Trainer(
      LanguageModel(golden.base, elementType: .bfloat16), base: golden.base, elementType: .bfloat16, settings: settings, samples: samples,
      folder: folder, identity: RunIdentity())
    var masters: [Int: [[Float]]] = [:]
    let summary = try trainer.run(
      savedType: .float32,
      progress: { now in masters[now.metrics.step] = try trainer.weights.masters.map { try $0.floats() } })
    func stored(_ folder: URL) throws -> [[Float]] {
      let tensors = try AdapterFolder.tensors(in: folder)
      return try trainer.weights.parameters.map { try #require(tensors[$0.storedName]).floats() }
    }
    let last = try #require(folder.savedSteps().first)
    let kept = try stored(folder.checkpoint(last))
    #expect(kept == masters[last])
    // bfloat16 has no lower 16 bits.
    #expect(kept.joined().contains { $0.bitPattern & 0xffff != 0 })
    // At this rate the evaluation gets worse, so that training stops early and the best weights come back.
    let best = try #require(summary.bestStep)
    #expect(best != last)
    #expect(try stored(scratch.url) == masters[best])
    #expect(try stored(folder.best(best)) == masters[best])
  }

  /// libtorch's own generator keeps 32 bits of its seed, which made masks of the seed and the step repeat after 4,096 updates.
  @Test func dropoutDoesNotRepeatItself() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let model = try LanguageModel(golden.base, elementType: .float32)
    var settings = golden.trainingSettings
    settings.recordsWindows = false
    let lowRank = LowRankSettings(rank: 4, dropout: 0.5)
    let adapters = try lowRank.attach(to: model.decoder, seed: 3)
    for adapter in adapters { adapter.up.tensor = try RandomTensors(seed: 1).normal(adapter.up.tensor.shape).requiringGradient() }
    let pass = WindowPass(decoder: model.decoder, settings: settings, adapters: adapters)
    func loss(_ step: Int) throws -> Double { try pass.run(Array(golden.samples.prefix(2)), step: step).loss }
    let losses = try [0, 1, 4096, 8192, 1 << 32].map(loss)
    #expect(Set(losses).count == losses.count)
    #expect(try loss(4096) == losses[2])
  }

  @Test func aResumeWithOtherSettingsNamesThem() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let scratch = try ScratchFolder()
    var settings = settings(golden, steps: 4)
    _ = try golden.trainer(settings, in: scratch.url).run(savedType: .float32)
    settings.learningRate = 2e-3
    settings.optimizer.weightDecay = 0
    let error = #expect(throws: TrainingError.self) { _ = try golden.trainer(settings, in: scratch.url, resumingAfter: 4) }
    let text = try #require(error?.description)
    #expect(text.contains("lr: 0.001 → 0.002") && text.contains("weight_decay: 0.01 → 0"), "\(text)")
  }

  @Test func packingByTokensLearnsTheSame() throws {
    let golden = try GoldenRun("gemma-multi-query", "training")
    var lines: [[StepMetrics]] = []
    for tokens in [nil, 1, 40, 10_000] as [Int?] {
      let scratch = try ScratchFolder()
      var settings = settings(golden, steps: 4)
      settings.batchTokens = tokens
      _ = try golden.trainer(settings, in: scratch.url).run(savedType: .float32)
      lines.append(try metrics(scratch.url))
    }
    for other in lines.dropFirst() {
      for (one, two) in zip(lines[0], other) {
        #expect(one.tokens == two.tokens)
        #expect(abs((one.loss ?? 0) - (two.loss ?? 1)) < 1e-5)
        #expect(abs((one.windowGini ?? 0) - (two.windowGini ?? 1)) < 1e-4)
      }
    }
  }

  /// In bfloat16, where tied tables get the gradient of both their ends, and biases and learned positions theirs.
  @Test(arguments: ["llama-head-dim", "gemma-multi-query", "opt-published", "gpt2-published"])
  func batchesSideBySideChangeNoBit(name: String) throws {
    let golden = try GoldenRun(name, "training")
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    func window(threads: Int, checkpoints: Bool) throws -> (loss: Double, levels: [Double]?, sums: [[Float]]) {
      try Engine.setThreads(threads)
      let decoder = try LanguageModel(golden.base, elementType: .float32).decoder
      var settings = golden.trainingSettings
      settings.batchSize = 1
      settings.gradientAccumulation = golden.samples.count
      settings.checkpointsActivations = checkpoints
      let weights = try TrainableWeights(decoder.parameters, elementType: .bfloat16)
      let sums = try weights.masters.map { try Tensor.zeros($0.shape) }
      try weights.collectGradients(into: sums)
      let plan = MemoryPlan(decoder, settings, elementType: .bfloat16, lengths: golden.samples.map(\.tokens.count), available: 8 << 30)
      let pass = WindowPass(decoder: decoder, settings: settings, lanes: plan.lanes)
      let found = try pass.run(golden.samples, step: 0)
      return (found.loss, found.levels, try sums.map { try $0.floats() })
    }
    for checkpoints in [false, true] {
      let alone = try window(threads: 1, checkpoints: checkpoints)
      for threads in [2, 3] {
        let together = try window(threads: threads, checkpoints: checkpoints)
        #expect(together.loss == alone.loss)
        #expect(together.levels == alone.levels)
        #expect(together.sums == alone.sums)
      }
    }
  }

  @Test func batchesSideBySideTakeWhatIsFree() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let decoder = try LanguageModel(golden.base, elementType: .float32).decoder
    func plan(available: Int) -> MemoryPlan {
      MemoryPlan(
        decoder, golden.trainingSettings, elementType: .bfloat16, lengths: [10, 20, 30, 40, 50, 60], available: available, threads: 2)
    }
    func total(available: Int) -> Int { plan(available: available).total }
    let alone = total(available: 0)
    #expect(total(available: alone) == alone)
    let together = total(available: 8 << 30)
    #expect(together > alone)
    #expect(total(available: together) == together)
    #expect(total(available: together - 1) == alone)
    #expect(plan(available: together).parts.contains { $0.name.hasPrefix("activations of 2 batches of ") })
  }

  @Test func aLossThatIsNoNumberStopsWithTheLastGoodWeights() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let scratch = try ScratchFolder()
    var settings = settings(golden)
    settings.learningRate = 1e30
    settings.clip = 0
    settings.warmupRatio = 0
    settings.schedule = .constant
    let error = #expect(throws: TrainingError.self) { _ = try golden.trainer(settings, in: scratch.url).run(savedType: .float32) }
    #expect(try #require(error?.description).contains("lower lr"))
    #expect(TrainingFolder(scratch.url).savedSteps().first == 1)
  }

  /// Before any update the rate is not to blame: the model's weights or the element type are, as for patterns and ablations.
  @Test(arguments: [(Float.nan, "the weight 'model.norm.weight' holds"), (3e38, "compute with dtype float64")])
  func aModelThatIsNotFiniteIsNamedAtTheFirstStep(value: Float, part: String) throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let scratch = try ScratchFolder()
    let model = try LanguageModel(golden.base, elementType: .float32)
    let weight = try #require(model.decoder.parameters.first { $0.name == "model.norm.weight" })
    weight.tensor = try Tensor.full(Double(value), shape: weight.tensor.shape)
    let trainer = try Trainer(
      model, base: golden.base, elementType: .float32, settings: settings(golden), samples: .init(training: golden.samples),
      folder: TrainingFolder(scratch.url), identity: RunIdentity())
    let error = #expect(throws: NotFiniteError.self) { _ = try trainer.run(savedType: .float32) }
    #expect(try #require(error?.description).contains(part))
    #expect(TrainingFolder(scratch.url).savedSteps().isEmpty)
  }

  @Test func aResumeWithOtherThreadsIsWarnedOf() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let scratch = try ScratchFolder()
    let settings = settings(golden, steps: 2)
    let before = Engine.threads
    defer { try? Engine.setThreads(before) }
    let first = try golden.trainer(settings, in: scratch.url)
    #expect(first.warnings.isEmpty)
    _ = try first.run(savedType: .float32)
    #expect(try golden.trainer(settings, in: scratch.url, resumingAfter: 2).warnings.isEmpty)
    try Engine.setThreads(before + 1)
    let warnings = try golden.trainer(settings, in: scratch.url, resumingAfter: 2).warnings
    #expect(warnings.count == 1)
    #expect(warnings.first?.description.contains("on \(before) threads and continues on \(before + 1)") == true)
  }

  @Test func trackingBeginsWithTheBaseModel() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let scratch = try ScratchFolder()
    var settings = settings(golden, steps: 5)
    settings.trackingInterval = 2
    settings.evaluationInterval = 2
    settings.noiseFloorWindows = 2
    let folder = TrainingFolder(scratch.url)
    var samples = Trainer.Samples(training: golden.samples)
    samples.probe = Array(golden.samples.prefix(5))
    samples.evaluation = Array(golden.samples.suffix(5))
    let trainer = try Trainer(
      LanguageModel(golden.base, elementType: .float32), base: golden.base, elementType: .bfloat16, settings: settings, samples: samples,
      folder: folder, identity: RunIdentity())
    _ = try trainer.run(savedType: .bfloat16)
    let lines = try metrics(scratch.url)
    #expect(lines.map(\.step) == [0, 1, 2, 3, 4, 5])
    #expect(abs((lines[0].correlation ?? 0) - 1) < 1e-12 && lines[0].mse == 0 && lines[0].loss == nil && lines[0].evalLoss != nil)
    #expect(lines.filter { $0.correlation != nil }.map(\.step) == [0, 2, 4, 5])
    #expect(try #require(lines[5].correlation) < 1)
    #expect(abs((lines[1].windowCorrelation ?? 0) - 1) < 1e-12)
    let patterns = try TrackedPatterns(
      from: folder.patterns, layers: trainer.decoder.shape.layers, heads: trainer.decoder.shape.attentionHeads)
    #expect(patterns.probe.map(\.step) == [0, 2, 4, 5])
    // The standard errors are those that `pattern` finds of the same samples under the same weights.
    let measured = try PatternMeasurement(
      Probe(LanguageModel(golden.base, elementType: .float32).decoder, scores: [.magnitude]), batchTokens: 2048
    ).run(samples.probe).samples.map { ($0.levels[.magnitude] ?? []).map(Double.init) }
    let (count, errors) = (Double(measured.count), try #require(patterns.probe[0].errors))
    for (place, error) in errors.enumerated() {
      let mean = measured.reduce(0) { $0 + $1[place] } / count
      let variance = measured.reduce(0) { $0 + ($1[place] - mean) * ($1[place] - mean) } / (count - 1)
      #expect(abs(error - (variance / count).squareRoot()) <= 1e-5 * error)
    }
    #expect(patterns.windows.map(\.step) == [1, 2, 3, 4, 5])
    #expect(patterns.noiseFloor.count == 2)
    // The first window's own gates give the base model's pattern of those samples, but for bfloat16.
    let first = trainer.order.window(0, in: trainer.order.order(ofEpoch: 0)).map { golden.samples[$0] }
    let base = try PatternTracker.meanMagnitudes(
      of: first.filter { $0.labelCount > 0 }, LanguageModel(golden.base, elementType: .float32).decoder, batchTokens: 64)
    #expect(relativeDistance(patterns.windows[0].levels.map { Float($0) }, base.map { Float($0) }) < 0.05)
  }

  /// What the summary compares is of the same samples.
  @Test func theSummaryComparesLossesOfTheSameSamples() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let windows = (golden.samples.count + golden.trainingSettings.windowSize - 1) / golden.trainingSettings.windowSize
    func run(_ steps: Int, evaluates: Bool = false) throws -> (LossComparison, [StepMetrics], Trainer) {
      let scratch = try ScratchFolder()
      var settings = settings(golden, steps: steps)
      settings.evaluationInterval = evaluates ? 2 : nil
      var samples = Trainer.Samples(training: golden.samples)
      samples.evaluation = Array(golden.samples.prefix(7))
      let trainer = try Trainer(
        LanguageModel(golden.base, elementType: .float32), base: golden.base, elementType: .float32, settings: settings, samples: samples,
        folder: TrainingFolder(scratch.url), identity: RunIdentity())
      let summary = try trainer.run(savedType: .float32)
      let loss = try #require(summary.loss)
      return (loss, try metrics(scratch.url), trainer)
    }
    let (first, lines, trainer) = try run(3)
    #expect(first.basis == .firstWindow && first.before == lines[0].loss)
    let members = trainer.order.window(0, in: trainer.order.order(ofEpoch: 0)).map { golden.samples[$0] }
    let after = try withoutGradients {
      let batch = PackedBatch(members.filter { $0.labelCount > 0 })
      let pass = try ForwardPass(batch, on: .cpu, labelRowsOnly: true)
      return try trainer.decoder.labelLoss(of: trainer.decoder.hiddenStates(of: pass), batch).each.doubles()
    }
    #expect(abs(first.after - after.reduce(0, +) / Double(after.count)) < 1e-6)

    let (epochs, longer, _) = try run(2 * windows + 1)
    #expect(epochs.basis == .epochs)
    // Windows of more labels count more, so the means lie among the windows' losses and not at their plain mean.
    let parts = [longer[0..<windows], longer[windows..<2 * windows]].map { $0.compactMap(\.loss) }
    for (part, mean) in zip(parts, [epochs.before, epochs.after]) {
      #expect(try #require(part.min()) < mean && mean < #require(part.max()))
      #expect(abs(mean - part.reduce(0, +) / Double(part.count)) < 0.2)
    }
    let (evaluated, evaluations, _) = try run(3, evaluates: true)
    #expect(evaluated == LossComparison(evaluations))
  }

  @Test func thePlanCountsTheTrackedPatterns() throws {
    let golden = try GoldenRun("llama-head-dim", "training")
    let decoder = try LanguageModel(golden.base, elementType: .float32).decoder
    var settings = settings(golden)
    func plan(_ type: ElementType = .bfloat16, probe: [Int]) -> MemoryPlan {
      MemoryPlan(decoder, settings, elementType: type, lengths: [10, 20], probeLengths: probe, available: 0)
    }
    let without = plan(probe: [1000, 1000, 1000])
    settings.trackingInterval = 5
    let with = plan(probe: [1000, 1000, 1000])
    // Two samples meet in a batch of 2,048 tokens; the logits become float32's, too.
    let logits = 3 * decoder.labelChunk * decoder.shape.vocabularySize * 2
    #expect(with.total - without.total == 2000 * decoder.activationBytesPerToken(in: .float32) + logits)
    #expect(with.parts.contains { $0.name.hasPrefix("tracked patterns, 2000 tokens") })
    #expect(plan(probe: []).total == without.total)
    // However long a sample is, its activations stay within the limit.
    let greatest = plan(probe: [1 << 30]).parts.first { $0.name.hasPrefix("tracked") }
    #expect(try #require(greatest).bytes <= ActivationMemory.limit)
    settings.lowRank = LowRankSettings(rank: 2)
    #expect(!plan(probe: []).parts.contains { $0.name.hasPrefix("their copies") })
  }
}

extension LossComparison {
  /// Of the evaluations of step 0 and of the last line.
  fileprivate init?(_ lines: [StepMetrics]) {
    guard let before = lines.first?.evalLoss, let after = lines.last?.evalLoss else { return nil }
    self.init(basis: .evaluation, before: before, after: after)
  }
}
