import CheckpointFiles
import LanguageModels
import Torch

/// The share of weights that training changed (METHOD §3): exactly, and after rounding to the type they are saved in.
struct ChangedShare {
  /// The share of float32 masters that differ from the base model's values.
  private(set) var exact = 0.0
  /// The share that still differs when both are rounded to the saved type.
  private(set) var rounded = 0.0

  /// Compares tensor by tensor with the base model's files.
  init(of weights: TrainableWeights, base: ModelFolder, savedAs type: ElementType) throws {
    let locations = try WeightFiles(of: base).locations
    var total = 0
    var exactly = 0
    var afterRounding = 0
    for (index, parameter) in weights.parameters.enumerated() {
      let master = try weights.master(index)
      // A tied table may lie under the projection's name.
      guard let location = locations[parameter.storedName] ?? locations["lm_head.weight"], location.shape == master.shape else { continue }
      let before = try Tensor(mapping: location).converted(to: .float32).moved(to: master.device)
      total += master.count
      exactly += try master.countDifferent(from: before)
      afterRounding += try master.converted(to: type).countDifferent(from: before.converted(to: type))
    }
    guard total > 0 else { return }
    exact = Double(exactly) / Double(total)
    rounded = Double(afterRounding) / Double(total)
  }
}
