public import CheckpointFiles
import Ground
import Foundation
public import Torch

/// A model folder made ready: its decoder, its configuration, where it came from.
public final class LanguageModel {
  /// The folder as it was named.
  public let folder: ModelFolder
  /// The folder of configuration and weights: another one where `folder` holds adapters only.
  public let base: ModelFolder
  /// Its `config.json`, as the architecture understands it: missing keys have transformers' defaults.
  public let configuration: ModelConfiguration
  /// The decoder.
  public let decoder: any CausalDecoder
  /// Things worth telling the user, such as a computation in another type than the checkpoint's.
  public let notes: [String]

  /// Loads a folder.
  ///
  /// - Parameters:
  ///   - folder: a Hugging Face model folder, or one of PEFT's with adapters, whose base model is then loaded too.
  ///   - elementType: what to compute in; nil for the checkpoint's own type, or bfloat16 where that is float16. Weights that have it stay in the mapped
  ///     file.
  ///   - device: where to compute.
  ///   - conversionLimit: the most bytes that weights may take in memory, converted from the type of their file, on a processor; a quarter of the
  ///     machine's memory where nil. Beyond it matrices stay in the mapped file and are converted a part at a time whenever they are used,
  ///     which costs some percent of speed, and `notes` says so.
  public init(_ folder: ModelFolder, elementType: ElementType? = nil, device: Device = .cpu, conversionLimit: Int? = nil) throws {
    self.folder = folder
    let adapter = AdapterFolder.isAdapter(folder) ? try AdapterFolder(folder) : nil
    let base = try adapter?.base ?? folder
    self.base = base
    let file = try ModelConfiguration(of: base)
    let architecture = try Architecture.named(in: file, model: base.name)
    let (configuration, keyNotes) = try architecture.understand(file)
    self.configuration = configuration
    var notes = (adapter?.notes ?? []) + keyNotes
    let files = try WeightFiles(of: base)
    let (type, typeNote) = LanguageModel.computeType(
      asked: elementType, stored: try LanguageModel.storedType(of: files, base), device: device)
    if let typeNote { notes.append(typeNote) }
    let converted = LanguageModel.convertedBytes(of: files, type)
    let convertsAtUse = device == .cpu && converted > conversionLimit ?? (MachineMemory.total ?? 0) / 4
    if convertsAtUse, let stored = try? LanguageModel.storedType(of: files, folder) {
      notes.append(
        "the weights stay \(stored) in their files and are converted to \(type) a part at a time (all at once they would take \(converted >> 20) MiB)"
      )
    }
    let weights = WeightLoader(files, elementType: type, device: device, convertsAtUse: convertsAtUse)
    decoder = try withoutGradients { try architecture.build(configuration, weights, base.name) }
    try adapter?.attach(to: decoder)
    self.notes = notes + weights.notes
  }

  /// Where the tokenizer lies: beside the adapters where they bring one, else with the base model.
  public var tokenizerFolder: ModelFolder { LanguageModel.bringsTokenizer(folder) ? folder : base }

  /// Where the tokenizer of a folder lies, without loading the model: as ``tokenizerFolder``.
  /// - Throws: `ModelError` where the base model of adapters without a tokenizer is not there.
  public static func tokenizerFolder(of folder: ModelFolder) throws -> ModelFolder {
    guard AdapterFolder.isAdapter(folder), !bringsTokenizer(folder) else { return folder }
    return try AdapterFolder(folder).base
  }

  private static func bringsTokenizer(_ folder: ModelFolder) -> Bool {
    ["tokenizer.json", "tokenizer.model", "vocab.json"].contains(where: folder.contains)
  }

  /// What a checkpoint is computed in. float16 overflows in attention's scores and underflows in gradients, so it is computed in bfloat16 unless
  /// somebody asks for it on a device that can.
  ///
  /// - Parameters:
  ///   - asked: what the user asks for; nil for the checkpoint's own type.
  ///   - stored: the checkpoint's own type.
  ///   - device: where to compute.
  /// - Returns: the type, and a sentence where it is neither the one asked for nor the checkpoint's own.
  public static func computeType(asked: ElementType?, stored: ElementType, device: Device) -> (type: ElementType, note: String?) {
    let type = asked ?? stored
    guard type == .float16, asked == nil || device == .cpu else { return (type, nil) }
    return (.bfloat16, "float16 is computed in bfloat16, as it overflows in attention's scores; float32 is the most accurate")
  }

  /// The type of most of the folder's numbers.
  public static func storedType(of folder: ModelFolder) throws -> ElementType { try storedType(of: WeightFiles(of: folder), folder) }

  /// What the tensors that have another floating-point type would take in this one.
  private static func convertedBytes(of files: WeightFiles, _ type: ElementType) -> Int {
    files.locations.values.reduce(0) { sum, location in
      let converts = location.elementType.isFloatingPoint && location.elementType != type
      return sum + (converts ? location.elementCount * type.byteWidth : 0)
    }
  }

  /// The type of most of the checkpoint's numbers.
  private static func storedType(of files: WeightFiles, _ folder: ModelFolder) throws -> ElementType {
    var bytes: [ElementType: Int] = [:]
    for location in files.locations.values where location.elementType.isFloatingPoint {
      bytes[location.elementType, default: 0] += location.byteCount
    }
    guard let type = bytes.max(by: { ($0.value, $0.key.rawValue) < ($1.value, $1.key.rawValue) })?.key else {
      throw ModelError("\(folder.name) has no floating-point weights; download the model again")
    }
    return type
  }
}
