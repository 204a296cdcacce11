import Foundation
public import Torch

/// A model folder made ready: its decoder, its configuration, where it came from.
public final class LanguageModel {
  /// The folder.
  public let folder: ModelFolder
  /// Its `config.json`.
  public let configuration: Configuration
  /// The decoder.
  public let decoder: any Decoder
  /// Things worth telling the user, such as a computation in another type than the checkpoint's.
  public let notes: [String]

  /// Loads a folder.
  ///
  /// - Parameters:
  ///   - folder: a Hugging Face model folder.
  ///   - elementType: what to compute in; nil for the checkpoint's own type. Weights that have it stay in the mapped file. float16 on a processor
  ///     is computed in bfloat16, and `notes` says so.
  ///   - device: where to compute.
  public init(_ folder: ModelFolder, elementType: ElementType? = nil, device: Device = .cpu) throws {
    self.folder = folder
    configuration = try Configuration(of: folder)
    let architecture = try Architecture.named(in: configuration, model: folder.name)
    let files = try WeightFiles(of: folder)
    var type = try elementType ?? LanguageModel.storedType(of: files, folder)
    var notes: [String] = []
    if type == .float16, device == .cpu {
      type = .bfloat16
      notes.append("float16 is computed in bfloat16 on a processor; ask for --dtype float32 for full accuracy")
    }
    let weights = WeightLoader(files, elementType: type, device: device)
    let configuration = configuration
    decoder = try withoutGradients { try architecture.build(configuration, weights, folder.name) }
    self.notes = notes
  }

  /// The type of most of the folder's numbers.
  public static func storedType(of folder: ModelFolder) throws -> ElementType { try storedType(of: WeightFiles(of: folder), folder) }

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
