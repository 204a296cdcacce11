import Foundation
public import Torch

/// The weight files of a model folder: one file, or the shards that an index names. Tensors are looked up by name, and stay on disk until then.
public struct WeightFiles: Sendable {
  /// Where a tensor lies.
  public struct Location: Sendable {
    let file: SafetensorsFile
    /// Its name, type, shape and bytes.
    public let entry: TensorEntry
  }
  /// Every tensor by its name in the files.
  public let locations: [String: Location]
  /// The files, in the order of their names.
  public let files: [SafetensorsFile]

  /// Opens the folder's `model.safetensors`, or the shards of `model.safetensors.index.json`.
  public init(of folder: ModelFolder) throws {
    if folder.contains("model.safetensors.index.json") {
      self = try WeightFiles(index: "model.safetensors.index.json", of: folder)
    } else if folder.contains("model.safetensors") {
      self = try WeightFiles([SafetensorsFile(at: folder.file("model.safetensors"))])
    } else {
      throw ModelError(
        "\(folder.url.path(percentEncoded: false)) holds no weights (model.safetensors or model.safetensors.index.json); download the model again"
      )
    }
  }

  private init(_ files: [SafetensorsFile]) throws {
    var locations: [String: Location] = [:]
    for file in files {
      for entry in file.tensors {
        if let other = locations[entry.name] {
          throw ModelError("the tensor '\(entry.name)' is in both \(other.file.path) and \(file.path); download the model again")
        }
        locations[entry.name] = Location(file: file, entry: entry)
      }
    }
    self.files = files
    self.locations = locations
  }

  private struct Index: Decodable {
    var weight_map: [String: String]
  }

  private init(index name: String, of folder: ModelFolder) throws {
    let path = folder.file(name).path(percentEncoded: false)
    guard let data = try? Data(contentsOf: folder.file(name)), let index = try? JSONDecoder().decode(Index.self, from: data) else {
      throw ModelError("\(path) is not an index of weight files (a JSON object with 'weight_map'); download it again")
    }
    let names = Set(index.weight_map.values).sorted()
    guard !names.isEmpty else { throw ModelError("\(path) names no weight file; download it again") }
    for file in names {
      guard WeightFiles.staysInside(file) else {
        throw ModelError("\(path) names '\(file)', which lies outside the model's folder; do not use this model")
      }
      guard folder.contains(file) else {
        throw ModelError("\(path) names the weight file '\(file)', which is not there; download the model again")
      }
    }
    let files = try WeightFiles(names.map { try SafetensorsFile(at: folder.file($0)) })
    for (tensor, file) in index.weight_map.sorted(by: { $0.key < $1.key }) {
      guard let location = files.locations[tensor], location.file.url.lastPathComponent == file else {
        throw ModelError("\(path) places the tensor '\(tensor)' in '\(file)', where it is not; download the model again")
      }
    }
    self = files
  }

  /// Whether a name of an index stays in its folder: a plain file name, no path. (What it is may be a link: the Hugging Face cache is made of them.)
  static func staysInside(_ name: String) -> Bool {
    !name.isEmpty && !name.contains("/") && !name.contains("\\") && !name.contains("\0") && name != ".." && name != "."
  }
}
