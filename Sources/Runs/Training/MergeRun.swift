public import CheckpointFiles
import FineTuning
import Foundation
public import Ground
import LanguageModels
import Torch

/// Adds adapters to the weights of their base model: a folder of adapters in, a plain model folder out.
public struct MergeRun: Run, RecordedSettings {
  /// `headway merge` and the keys of its record.
  public static let form: SettingsForm<MergeRun> = SettingsForm(
    "merge", MergeRun(adapter: "", out: ""),
    [
      .source("adapter", \.adapter), .folder("out", \.out), .setting("save_dtype", \.savedType), .flag("overwrite", \.overwrite),
    ])

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

  /// Refuses types in which no model is written.
  /// - Throws: `SettingsError`.
  public func validate() throws {
    if let savedType, ![.float32, .bfloat16].contains(savedType) {
      throw SettingsError("\(setting: Setting("save_dtype")) takes float32 or bfloat16, not \(savedType)")
    }
  }

  /// Adds (α / r) · B A to each weight W in float32 and writes the sum, one tensor at a time.
  /// - Throws: `RunError` where the folder holds no adapters, `ModelError`, `OutputError`.
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
