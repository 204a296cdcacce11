import FineTuning
import SmallWorld

/// How much of everything a demo does. Found on development seeds (docs/Small-world.md); a demo tells of seeds on which nothing was chosen.
struct DemoSettings: Sendable {
  var world: WorldFolder.Size
  /// Of pretraining; an update learns from `pretrainingWindow` texts.
  var pretrainingRate = 2e-3
  var pretrainingWindow = 32
  /// Of every fine-tuning.
  var rate = 1e-3
  var window = 16
  var epochs = 4
  /// The samples that a target task has of its own, where data is mixed or chosen for it.
  var targetSamples = 50
  /// Of training on these, which are few.
  var targetEpochs = 16
  /// The samples that are mixed or chosen for it.
  var chosenSamples = 100
  /// Random draws that a choice is compared with.
  var randomDraws = 3
  /// Samples on which heads are switched off.
  var ablated = 40
  var resamples = 400
  var permutations = 999

  static func of(_ size: DemoRun.Size) -> DemoSettings {
    switch size {
    case .standard: return DemoSettings(world: .standard)
    case .tiny:
      var settings = DemoSettings(world: .tiny)
      (settings.window, settings.epochs, settings.targetEpochs) = (8, 2, 2)
      (settings.targetSamples, settings.chosenSamples, settings.randomDraws) = (8, 12, 1)
      (settings.ablated, settings.resamples, settings.permutations) = (6, 40, 49)
      return settings
    }
  }

  /// Training on the world's text from the first weights.
  var pretraining: TrainingSettings {
    var training = TrainingSettings()
    training.learningRate = pretrainingRate
    (training.batchSize, training.gradientAccumulation) = (pretrainingWindow, 1)
    training.epochs = 1
    training.warmupRatio = 0.05
    training.optimizer.weightDecay = 0.01
    training.recordsWindows = false
    return training
  }

  /// Training on a task.
  /// - Parameter epochs: those of every task where nil.
  func fineTuning(seed: UInt64, epochs: Int? = nil) -> TrainingSettings {
    var training = TrainingSettings()
    training.learningRate = rate
    (training.batchSize, training.gradientAccumulation) = (window, 1)
    training.epochs = epochs ?? self.epochs
    training.seed = seed
    training.recordsWindows = false
    return training
  }
}
