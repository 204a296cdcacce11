import StrictJSON
public import CheckpointFiles
public import Foundation
import Ground

/// The weight files of a model folder: one file, or the shards that an index names, as safetensors or as PyTorch's `.bin`. Tensors are looked
/// up by name, and stay on disk until then.
public struct WeightFiles: Sendable {
  /// Every tensor by its name in the files.
  public let locations: [String: StoredTensor]
  /// The files, in the order of their names.
  public let files: [URL]

  /// A form in which weights are published.
  private struct Format {
    /// The file of a model in one piece; the index of one in several is `FILE.index.json`.
    let file: String
    let read: @Sendable (URL) throws -> [StoredTensor]
  }

  /// In the order in which they are looked for: safetensors first, since they can hold nothing but tensors.
  private static let formats = [
    Format(file: "model.safetensors") { url in
      let file = try SafetensorsFile(at: url)
      return file.tensors.map(file.stored)
    },
    Format(file: "pytorch_model.bin") { try PyTorchFile(at: $0).tensors },
  ]

  /// The files by which a folder with a whole model's weights is known.
  static let names = formats.flatMap { [$0.file, "\($0.file).index.json"] }

  /// Opens the folder's `model.safetensors`, or the shards of `model.safetensors.index.json`, or else `pytorch_model.bin`, or the shards of
  /// `pytorch_model.bin.index.json`.
  public init(of folder: ModelFolder) throws {
    for format in WeightFiles.formats {
      let index = "\(format.file).index.json"
      if folder.contains(index) {
        self = try WeightFiles(index: index, of: folder, format)
        return
      }
      if folder.contains(format.file) {
        self = try WeightFiles([folder.file(format.file)], format)
        return
      }
    }
    throw WeightFiles.missing(from: folder)
  }

  /// What a folder without weights that can be read holds instead, and what to do.
  private static func missing(from folder: ModelFolder) -> ModelError {
    let path = folder.url.path(percentEncoded: false)
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    for format in formats {
      let stem = format.file.prefix { $0 != "." } + "-"
      let kind = format.file.drop { $0 != "." }
      if let shard = names.first(where: { $0.hasPrefix(stem) && $0.hasSuffix(kind) }) {
        return ModelError("\(path) holds shards (\(shard)) but not their index \(format.file).index.json; download that file as well")
      }
    }
    if let file = names.first(where: { $0.hasSuffix(".gguf") }) {
      return ModelError("\(path) holds GGUF weights (\(file)), which are made for llama.cpp; use the folder with the model's safetensors")
    }
    let foreign = ["consolidated.", "tf_model", "flax_model", "rust_model", "model.onnx"]
    if let file = names.first(where: { name in foreign.contains { name.hasPrefix($0) } }) {
      return ModelError("\(path) holds weights in a form that Headway does not read (\(file)); use the folder with the model's safetensors")
    }
    let known = formats.map { "\($0.file), \($0.file).index.json" }.joined(separator: ", ")
    return ModelError("\(path) holds no weights (\(known)); download the model again")
  }

  private init(_ files: [URL], _ format: Format) throws {
    var locations: [String: StoredTensor] = [:]
    for file in files {
      for tensor in try format.read(file) {
        if let other = locations[tensor.name] {
          throw ModelError("the tensor '\(tensor.name)' is in both \(other.path) and \(tensor.path); download the model again")
        }
        locations[tensor.name] = tensor
      }
    }
    self.files = files
    self.locations = locations
  }

  private init(index name: String, of folder: ModelFolder, _ format: Format) throws {
    let path = folder.file(name).path(percentEncoded: false)
    let mapped = try MappedFile(at: folder.file(name))
    let index = withExtendedLifetime(mapped) { try? JSONParser().parse(mapped.bytes) }
    guard let fields = index?.object?["weight_map"]?.object?.fields else {
      throw ModelError("\(path) is not an index of weight files (a JSON object with 'weight_map'); download it again")
    }
    let places = try fields.map { field in
      guard let file = field.value.string else {
        throw ModelError("\(path) places the tensor '\(field.name)' in \(field.value.kind), not in a file; download it again")
      }
      return (tensor: field.name, file: file)
    }
    let names = Set(places.map(\.file)).sorted()
    guard !names.isEmpty else { throw ModelError("\(path) names no weight file; download it again") }
    for file in names {
      guard WeightFiles.staysInside(file) else {
        throw ModelError("\(path) names '\(file)', which lies outside the model's folder; do not use this model")
      }
      guard folder.contains(file) else {
        throw ModelError("\(path) names the weight file '\(file)', which is not there; download the model again")
      }
    }
    let files = try WeightFiles(names.map(folder.file), format)
    for (tensor, file) in places.sorted(by: { $0.tensor < $1.tensor }) {
      guard let location = files.locations[tensor], location.mapping.url.lastPathComponent == file else {
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
