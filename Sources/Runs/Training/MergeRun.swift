public import CheckpointFiles
import FineTuning
public import Foundation
import Ground
import LanguageModels
import Torch

/// Adds adapters to the weights of their base model: a folder of adapters in, a plain model folder out.
public struct MergeRun: Run {
  public static let name = "merge"

  /// A folder of adapters, or `owner/name` of downloaded ones.
  public var adapter: String
  /// The folder for the merged model.
  public var out: String
  /// The type the model is written in; the base model's where nil.
  public var savedType: ElementType?
  /// Whether to replace an earlier model or run in the folder.
  public var overwrite = false

  /// A merge with the defaults.
  public init(adapter: String, out: String) {
    self.adapter = adapter
    self.out = out
  }

  public func mappingPaths(_ change: (String) -> String) -> MergeRun {
    var run = self
    run.adapter = changedPath(adapter, change)
    run.out = change(out)
    return run
  }

  public var record: URL? { RunRecord.url(beside: URL(filePath: out, directoryHint: .isDirectory), isFolder: true) }

  public func validate() throws {
    if let savedType, ![.float32, .bfloat16].contains(savedType) {
      throw SettingsError("\(setting: Setting("save_dtype")) takes float32 or bfloat16, not \(savedType)")
    }
  }

  public func run(_ monitor: RunMonitor) throws -> MergeResult {
    try validate()
    let folder = try ModelFolder(named: adapter)
    guard AdapterFolder.isAdapter(folder) else {
      throw RunError("\(adapter) holds no adapters (adapter_config.json and adapter_model.safetensors); name a folder that does")
    }
    let target = TrainingFolder(URL(filePath: out, directoryHint: .isDirectory))
    let outputs = OutputGuard(overwrites: overwrite)
    defer { outputs.release() }
    try outputs.claim(folder: target.output)
    try outputs.protect(folder.inputs)
    var identity = RunIdentity()
    identity["model_fingerprint"] = try LanguageModel.fingerprint(of: folder)
    monitor.identify(identity)
    let model = try LanguageModel(folder)
    for note in model.notes { monitor.note("note: \(note)") }
    let type = try savedType ?? LanguageModel.storedType(of: model.base)
    try MergedModel.write(model, elementType: type, to: target.url)
    // Of an earlier training run there, only its model has been replaced.
    target.clearRecords()
    return MergeResult(
      out: out, base: model.base.name, layers: model.decoder.parameters.count { $0.adapter != nil }, savedAs: type.rawValue)
  }

  enum CodingKeys: String, CodingKey {
    case adapter, out, overwrite
    case savedType = "save_dtype"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    adapter = try values.decode(String.self, forKey: .adapter)
    out = try values.decode(String.self, forKey: .out)
    savedType = try values.decodeIfPresent(ElementType.self, forKey: .savedType)
    overwrite = try values.value(.overwrite, or: false)
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(adapter, forKey: .adapter)
    try values.encode(out, forKey: .out)
    try values.encodeIfPresent(savedType, forKey: .savedType)
    if overwrite { try values.encode(overwrite, forKey: .overwrite) }
  }
}

/// What `MergeRun` did, beside the folder that it wrote.
public struct MergeResult: Codable, Sendable, Hashable {
  /// The folder, as the run named it.
  public var out: String
  /// The base model.
  public var base: String
  /// Layers whose adapters were merged.
  public var layers: Int
  /// The type in which weights were saved.
  public var savedAs: String

  enum CodingKeys: String, CodingKey {
    case out, base, layers
    case savedAs = "saved_as"
  }
}
