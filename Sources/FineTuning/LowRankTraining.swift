import Ground
import Foundation
import LanguageModels
import Torch

extension LowRankSettings {
  /// Gives the target layers new adapters: A drawn uniformly from ±√(1 / inputs) (Kaiming's uniform with a = √5, as PEFT), B zero, so that the
  /// model computes what it did before.
  /// - Throws: `TrainingError` where a target is no linear layer of the model, or the rank is beyond a target's own.
  func attach(to decoder: any CausalDecoder, seed: UInt64) throws -> [LowRankAdapter] {
    let linear = decoder.parameters.filter(\.isLinear)
    func name(_ parameter: Parameter) -> String {
      LowRankAdapter.layerName(of: parameter).split(separator: ".").last.map(String.init) ?? ""
    }
    let known = Set(linear.map(name))
    let wanted = targets == ["all-linear"] ? known : Set(targets)
    if let unknown = wanted.subtracting(known).sorted().first {
      throw TrainingError(
        "\(setting: Setting("lora_targets")) names '\(unknown)', but the model's linear layers are \(known.sorted().joined(separator: ", ")); name some of them, or all-linear"
      )
    }
    let chosen = linear.filter { wanted.contains(name($0)) }
    func limit(_ parameter: Parameter) -> Int { parameter.tensor.shape.min() ?? 0 }
    if let narrow = chosen.min(by: { limit($0) < limit($1) }), rank > limit(narrow) {
      throw TrainingError(
        "adapters of rank \(rank) are larger than the layer \(LowRankAdapter.layerName(of: narrow)) \(narrow.tensor.shape) that they change; choose a rank of at most \(limit(narrow)), or other layers"
      )
    }
    return try chosen.map { parameter in
      let (outputs, inputs) = parameter.linearShape
      let layer = LowRankAdapter.layerName(of: parameter)
      let stream = Fingerprint(of: layer).value
      let bound = 1 / Double(inputs).squareRoot()
      let down = try RandomTensors(seed: seed ^ stream).uniform([rank, inputs], from: -bound, to: bound)
      let adapter = LowRankAdapter(
        layer: layer, down: try down.moved(to: parameter.tensor.device),
        up: try Tensor.zeros([outputs, rank], on: parameter.tensor.device), scale: alpha / Double(rank), dropout: dropout)
      parameter.adapter = adapter
      return adapter
    }
  }

  /// The layers' names as `adapter_config.json` lists them.
  func targetNames(of decoder: any CausalDecoder) -> [String] {
    let names = decoder.parameters.filter { $0.adapter != nil }.compactMap {
      LowRankAdapter.layerName(of: $0).split(separator: ".").last.map(String.init)
    }
    return Set(names).sorted()
  }
}
