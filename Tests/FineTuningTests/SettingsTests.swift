import Foundation
import Ground
import Testing
import Torch

@testable import FineTuning

@Suite struct SettingsTests {
  private func coded(_ settings: TrainingSettings) throws -> TrainingSettings {
    try JSONDecoder().decode(TrainingSettings.self, from: JSONEncoder().encode(settings))
  }

  @Test func settingsAreReadBack() throws {
    var settings = TrainingSettings()
    #expect(try coded(settings) == settings)
    #expect(try JSONDecoder().decode(TrainingSettings.self, from: Data("{}".utf8)) == settings)
    settings.learningRate = 2.5e-4
    settings.batchSize = 3
    settings.gradientAccumulation = 7
    settings.batchTokens = 512
    settings.epochs = nil
    settings.steps = 11
    settings.schedule = .linear
    settings.warmupRatio = 0.1
    settings.optimizer.beta1 = 0.8
    settings.optimizer.beta2 = 0.95
    settings.optimizer.epsilon = 1e-6
    settings.optimizer.weightDecay = 0.1
    settings.clip = 0
    settings.seed = .max
    settings.shuffles = false
    settings.checkpointsActivations = true
    settings.lowRank = LowRankSettings(rank: 4, alpha: 3, dropout: 0.1, targets: ["o_proj", "up_proj"])
    settings.evaluationInterval = 5
    settings.patience = 2
    settings.saveInterval = 9
    settings.keptCheckpoints = 4
    settings.trackingInterval = 6
    settings.recordsWindows = false
    settings.noiseFloorWindows = 3
    #expect(try coded(settings) == settings)
    // Each of them is told, but for the two that change nothing of what is computed.
    func identity(_ settings: TrainingSettings) throws -> RunIdentity {
      var identity = RunIdentity()
      try settings.add(to: &identity)
      return identity
    }
    let difference = try identity(settings).difference(from: identity(TrainingSettings()))
    let differences = try #require(difference).description.split(separator: "; ").map(String.init)
    #expect(differences.count == TrainingSettings.names.count - 3)
    for text in [
      "lr: 1e-06 → 0.00025", "epochs: 3 → none", "steps: none → 11", "no_shuffle: no → yes", "lora_targets: none → o_proj,up_proj",
      "seed: 0 → 18446744073709551615",
    ] {
      #expect(differences.contains(text), "\(differences)")
    }
    #expect(try identity(settings).difference(from: identity(settings)) == nil)
  }

  @Test func anUnknownOptimiserIsNamed() throws {
    var settings = OptimizerSettings()
    settings.name = "adam"
    let error = #expect(throws: TrainingError.self) { _ = try settings.kind }
    #expect(error?.description.contains("'adam'; choose one of adamw") == true)
    let weights = [try Tensor.ones([2, 3]), try Tensor.ones([3])]
    for kind in OptimizerKind.all {
      settings.name = kind.name
      let optimizer = try settings.kind.make(weights, weights.map { $0.shape.count >= 2 }, settings)
      // What a memory plan counts is what is there.
      let bytes = optimizer.memory.reduce(0) { $0 + $1.value.reduce(0) { $0 + 4 * $1.count } }
      #expect(bytes == kind.memory.bytesPerWeight * 9)
      #expect(optimizer.gradients.map(\.shape) == weights.map(\.shape))
    }
  }
}
