public import CheckpointFiles
import Ground
public import Foundation
import Torch

/// A folder of low-rank adapters as PEFT writes and reads it: `adapter_config.json` and `adapter_model.safetensors`.
public struct AdapterFolder: Sendable {
  /// `adapter_config.json`, as far as Headway uses it.
  public struct Configuration: Sendable, Hashable {
    /// The rank r.
    public var rank: Int
    /// α.
    public var alpha: Double
    /// The dropout rate in training.
    public var dropout: Double
    /// The names of the layers that have adapters.
    public var targets: [String]
    /// Where the model is that the adapters belong to: a folder, or owner/name.
    public var base: String
    /// Whether the factor is α / √r in place of α / r.
    public var isRankStabilized = false

    /// A configuration of plain LoRA.
    public init(rank: Int, alpha: Double, dropout: Double, targets: [String], base: String) {
      self.rank = rank
      self.alpha = alpha
      self.dropout = dropout
      self.targets = targets
      self.base = base
    }

    /// The factor on B A.
    public var scale: Double { isRankStabilized ? alpha / Double(rank).squareRoot() : alpha / Double(rank) }
  }

  /// The folder.
  public let url: URL
  /// Its configuration.
  public let configuration: Configuration

  /// Whether a folder holds adapters instead of a whole model.
  public static func isAdapter(_ folder: ModelFolder) -> Bool {
    folder.contains("adapter_config.json") && !folder.contains("model.safetensors")
  }

  /// Reads the configuration.
  /// - Throws: `ModelError` where the file is wrong or asks for a kind of adapter that Headway does not compute.
  public init(_ folder: ModelFolder) throws {
    url = folder.url
    let file = try LanguageModels.Configuration(of: folder, file: "adapter_config.json")
    guard try (file.optionalString("peft_type") ?? "LORA") == "LORA" else { throw file.unsupported("adapters other than LoRA (peft_type)") }
    if try file.boolean("use_dora", default: false) { throw file.unsupported("DoRA adapters (use_dora)") }
    if let bias = try file.optionalString("bias"), bias != "none" { throw file.unsupported("trained biases (bias '\(bias)')") }
    for key in ["rank_pattern", "alpha_pattern"] {
      if try file.optionalSection(key)?.keys.isEmpty == false { throw file.unsupported("ranks that differ between layers (\(key))") }
    }
    if try file.optionalStrings("modules_to_save")?.isEmpty == false { throw file.unsupported("modules trained whole (modules_to_save)") }
    guard let base = try file.optionalString("base_model_name_or_path") else {
      throw file.wrong("base_model_name_or_path", "the base model")
    }
    var found = Configuration(
      rank: try file.size("r", limit: 1 << 16), alpha: try file.double("lora_alpha"), dropout: try file.optionalDouble("lora_dropout") ?? 0,
      targets: (try? file.optionalStrings("target_modules")) ?? [], base: base)
    found.isRankStabilized = try file.boolean("use_rslora", default: false)
    configuration = found
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
  private static func storedName(_ layer: String, _ side: String) -> String { "base_model.model.\(layer).\(side).weight" }

  /// Gives the decoder's layers their adapters, in float32.
  /// - Throws: `ModelError` where a tensor is missing, left over or misshapen.
  public func attach(to decoder: any Decoder) throws {
    let path = url.appending(path: "adapter_model.safetensors")
    let file = try SafetensorsFile(at: path)
    var left = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0) })
    for parameter in decoder.parameters where parameter.isLinear {
      let layer = LowRankAdapter.layerName(of: parameter)
      guard let down = left.removeValue(forKey: AdapterFolder.storedName(layer, "lora_A")),
        let up = left.removeValue(forKey: AdapterFolder.storedName(layer, "lora_B"))
      else { continue }
      let shape = parameter.tensor.shape
      guard down.shape == [configuration.rank, shape[1]], up.shape == [shape[0], configuration.rank] else {
        throw ModelError(
          "\(path.path(percentEncoded: false)): the adapter of \(layer) is \(down.shape) and \(up.shape), which fits neither rank \(configuration.rank) nor the weight \(shape); use the model that it was trained on (\(configuration.base))"
        )
      }
      func read(_ entry: TensorEntry) throws -> Tensor {
        try Tensor(mapping: entry, of: file).converted(to: .float32).moved(to: parameter.tensor.device)
      }
      parameter.adapter = LowRankAdapter(
        layer: layer, down: try read(down), up: try read(up), scale: configuration.scale, dropout: configuration.dropout)
    }
    if let name = left.keys.sorted().first {
      throw ModelError(
        "\(path.path(percentEncoded: false)): '\(name)' belongs to no linear layer of the model; use the model that it was trained on (\(configuration.base))"
      )
    }
  }

  /// Writes the decoder's adapters into a folder that exists.
  public static func write(_ decoder: any Decoder, _ configuration: Configuration, elementType: ElementType = .float32, to folder: URL)
    throws
  {
    var sources: [WeightWriter.Weight] = []
    for parameter in decoder.parameters {
      guard let adapter = parameter.adapter else { continue }
      let layer = LowRankAdapter.layerName(of: parameter)
      for (side, part) in [("lora_A", adapter.down), ("lora_B", adapter.up)] {
        sources.append(
          .init(name: storedName(layer, side), shape: part.tensor.shape, elementType: elementType) { try part.tensor.detached() })
      }
    }
    try WeightWriter.write(sources, to: folder, fileName: "adapter_model.safetensors", shardLimit: .max)
    struct File: Encodable {
      var kind = "LORA"
      var task = "CAUSAL_LM"
      var base: String
      var rank: Int
      var alpha: Double
      var dropout: Double
      var targets: [String]
      var bias = "none"
      var isTransposed = false
      var isForInference = true
      var isRankStabilized: Bool
      var isDecomposed = false

      enum CodingKeys: String, CodingKey {
        case bias
        case kind = "peft_type"
        case task = "task_type"
        case base = "base_model_name_or_path"
        case rank = "r"
        case alpha = "lora_alpha"
        case dropout = "lora_dropout"
        case targets = "target_modules"
        case isTransposed = "fan_in_fan_out"
        case isForInference = "inference_mode"
        case isRankStabilized = "use_rslora"
        case isDecomposed = "use_dora"
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let file = File(
      base: configuration.base, rank: configuration.rank, alpha: configuration.alpha, dropout: configuration.dropout,
      targets: configuration.targets, isRankStabilized: configuration.isRankStabilized)
    try AtomicFile.write(encoder.encode(file) + Data("\n".utf8), to: folder.appending(path: "adapter_config.json"))
  }
}
