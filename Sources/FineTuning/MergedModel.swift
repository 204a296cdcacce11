import Ground
public import CheckpointFiles
public import Foundation
public import LanguageModels
import Torch

/// A model with its adapters added to its weights.
public enum MergedModel {
  /// Writes W + (α / r) · B A for every layer with an adapter and W for all others, computed in float32 one tensor at a time.
  /// - Parameters:
  ///   - model: loaded in any type, its adapters attached; the weights' exact values are read from the base model's files.
  ///   - elementType: what the weights are rounded to.
  ///   - folder: made where it is missing. Files of an earlier model that Headway wrote there are replaced or deleted, others are not.
  public static func write(_ model: LanguageModel, elementType: ElementType, to folder: URL) throws {
    let locations = try WeightFiles(of: model.base).locations
    let weights = model.decoder.parameters.map { parameter in
      WeightWriter.Weight(name: parameter.storedName, shape: parameter.tensor.shape, elementType: elementType) {
        // A tied table may lie under the projection's name.
        guard let location = locations[parameter.storedName] ?? locations["lm_head.weight"], location.shape == parameter.tensor.shape else {
          throw ModelError("\(model.base.name) lacks the weight '\(parameter.storedName)'; download the model again")
        }
        let value = try Tensor(mapping: location)
        guard let adapter = parameter.adapter else { return try finite(value, parameter, elementType) }
        let change = try adapter.weightChange()
        return try finite(
          value.converted(to: .float32) + (parameter.isTransposed ? change.transposed(0, 1) : change), parameter, elementType)
      }
    }
    let output = OutputFolder(folder)
    let names =
      WeightWriter.names(of: weights) + WeightWriter.companions(of: model.base) + WeightWriter.tokenizerFiles(of: model.tokenizerFolder)
    try output.make()
    try output.claim(names)
    try WeightWriter.write(weights, to: folder)
    try WeightWriter.writeCompanions(of: model.base, elementType: elementType, to: folder)
    if model.tokenizerFolder != model.base { try WeightWriter.writeTokenizer(of: model.tokenizerFolder, to: folder) }
    try output.removeOwn(except: names)
  }

  /// The value, rounded to the type it is written in.
  /// - Throws: `ModelError` where that holds numbers that are not finite.
  private static func finite(_ value: Tensor, _ parameter: Parameter, _ type: ElementType) throws -> Tensor {
    let rounded = try value.converted(to: type)
    if try rounded.isFinite() { return rounded }
    let reason =
      try value.isFinite()
      ? "lie beyond the range of \(type); save the model in float32"
      : "are not finite (NaN or infinite) in the base model or its sum with the adapter; download the base model again, or take an earlier adapter"
    throw ModelError("the merged weight '\(parameter.storedName)' holds numbers that \(reason)")
  }
}
