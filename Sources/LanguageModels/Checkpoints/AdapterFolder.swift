public import CheckpointFiles
import Ground
public import Foundation
public import Torch

/// A folder of low-rank adapters as PEFT writes and reads it: `adapter_config.json` and `adapter_model.safetensors`.
public struct AdapterFolder: Sendable {
  /// The folder.
  public let url: URL
  /// Its configuration.
  public let configuration: AdapterConfiguration
  /// What a user should know about its configuration.
  public let notes: [String]

  private static let weightsName = "adapter_model.safetensors"
  private static let configurationName = "adapter_config.json"
  /// The files that `write` writes.
  public static let names = [weightsName, configurationName]

  /// Whether a folder holds adapters instead of a whole model.
  public static func isAdapter(_ folder: ModelFolder) -> Bool {
    folder.contains(configurationName) && !WeightFiles.names.contains(where: folder.contains)
  }

  /// Reads the configuration.
  /// - Throws: `ModelError` where the file is wrong or asks for a kind of adapter that Headway does not compute.
  public init(_ folder: ModelFolder) throws {
    url = folder.url
    (configuration, notes) = try AdapterConfiguration.read(ModelConfiguration(of: folder, file: AdapterFolder.configurationName))
  }

  /// The folder of the model that the adapters belong to.
  public var base: ModelFolder {
    get throws {
      do {
        return try ModelFolder(named: configuration.base)
      } catch {
        throw ModelError(
          "\(url.path(percentEncoded: false))/adapter_config.json names the base model \(configuration.base): \(error.localizedDescription)"
        )
      }
    }
  }

  /// The model's name of a weight in PEFT's file, for instance `model.layers.0.self_attn.q_proj` of `base_model.model.….q_proj.lora_A.weight`.
  private static func storedName(_ layer: String, _ side: String) -> String { "\(prefix)\(layer).\(side).weight" }
  private static let prefix = "base_model.model."

  /// The tensors of a folder's adapters by the names of `LowRankAdapter`'s parameters, as they are stored.
  public static func tensors(in folder: URL) throws -> [String: Tensor] {
    let file = try SafetensorsFile(at: folder.appending(path: weightsName))
    var found: [String: Tensor] = [:]
    for entry in file.tensors where entry.name.hasPrefix(prefix) {
      found[String(entry.name.dropFirst(prefix.count))] = try Tensor(mapping: entry, of: file)
    }
    return found
  }

  /// Gives the decoder's layers their adapters, in float32.
  /// - Throws: `ModelError` where a tensor is missing, left over or misshapen, or holds numbers that are not finite.
  public func attach(to decoder: any CausalDecoder) throws {
    let location = url.appending(path: AdapterFolder.weightsName)
    let path = location.path(percentEncoded: false)
    let file = try SafetensorsFile(at: location)
    var left = Dictionary(file.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var found = 0
    for parameter in decoder.parameters where parameter.isLinear {
      let layer = LowRankAdapter.layerName(of: parameter)
      let names = (down: AdapterFolder.storedName(layer, "lora_A"), up: AdapterFolder.storedName(layer, "lora_B"))
      let entries = (down: left.removeValue(forKey: names.down), up: left.removeValue(forKey: names.up))
      guard let down = entries.down, let up = entries.up else {
        guard entries.down == nil, entries.up == nil, !configuration.targets(layer) else {
          throw ModelError("\(path) lacks '\(entries.down == nil ? names.down : names.up)'; save the adapters again")
        }
        continue
      }
      let (outputs, inputs) = parameter.linearShape
      guard down.shape == [configuration.rank, inputs], up.shape == [outputs, configuration.rank] else {
        throw ModelError(
          "\(path): the adapter of \(layer) is \(down.shape) and \(up.shape), which fits neither rank \(configuration.rank) nor the weight \([outputs, inputs]); use the model that it was trained on (\(configuration.base))"
        )
      }
      func read(_ entry: TensorEntry) throws -> Tensor {
        let tensor = try Tensor(mapping: entry, of: file)
        guard tensor.elementType.isFloatingPoint else {
          throw ModelError(
            "\(path): '\(entry.name)' holds \(tensor.elementType) instead of floating-point numbers; save the adapters again")
        }
        guard try tensor.isFinite() else {
          throw ModelError("\(path): '\(entry.name)' holds numbers that are not finite (NaN or infinite); take an earlier checkpoint")
        }
        return try tensor.converted(to: .float32).moved(to: parameter.tensor.device)
      }
      parameter.adapter = LowRankAdapter(
        layer: layer, down: try read(down), up: try read(up), scale: configuration.scale, dropout: configuration.dropout)
      found += 1
    }
    if let name = left.keys.sorted().first {
      throw ModelError(
        "\(path): '\(name)' belongs to no linear layer of the model; use the model that it was trained on (\(configuration.base))"
      )
    }
    guard found > 0 else { throw ModelError("\(path) holds no adapter; save the adapters again") }
  }

  /// Writes the decoder's adapters into a folder that exists.
  public static func write(
    _ decoder: any CausalDecoder, _ configuration: AdapterConfiguration, elementType: ElementType = .float32, to folder: URL
  ) throws {
    var configuration = configuration
    var sources: [WeightWriter.Weight] = []
    for parameter in decoder.parameters {
      guard let adapter = parameter.adapter else { continue }
      configuration.isTransposed = parameter.isTransposed
      let layer = LowRankAdapter.layerName(of: parameter)
      for (side, part) in [("lora_A", adapter.down), ("lora_B", adapter.up)] {
        sources.append(
          .init(name: storedName(layer, side), shape: part.tensor.shape, elementType: elementType) { try part.tensor.detached() })
      }
    }
    try WeightWriter.write(sources, to: folder, fileName: weightsName, shardLimit: .max)
    try AtomicFile.write(HeadwayJSON.document(configuration, isIndented: true), to: folder.appending(path: configurationName))
  }
}
