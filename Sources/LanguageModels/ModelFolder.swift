public import Foundation
import Ground

/// A Hugging Face model folder: found by path, or by `owner/name` in the local Hugging Face cache.
public struct ModelFolder: Sendable, Hashable {
  /// The folder itself.
  public let url: URL
  /// As the user named it.
  public let name: String

  /// Finds the folder that `name` means.
  ///
  /// - Parameters:
  ///   - name: a path, or `owner/name` of a repository that was downloaded into the cache.
  ///   - environment: where HF_HUB_CACHE, HF_HOME and HOME are looked up.
  public init(named name: String, environment: [String: String] = ProcessInfo.processInfo.environment) throws {
    self.name = name
    let path = (name as NSString).expandingTildeInPath
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
      guard isDirectory.boolValue else {
        guard !name.hasSuffix(".gguf") else {
          throw ModelError("\(name) is a GGUF file, which is made for llama.cpp; name the folder with the model's safetensors")
        }
        throw ModelError("\(name) is a file, but a model is a folder with config.json, weights and a tokenizer; name the folder")
      }
      url = URL(filePath: path, directoryHint: .isDirectory)
      return
    }
    let cache = HuggingFaceCache(environment: environment)
    guard HuggingFaceCache.isRepositoryName(name) else {
      throw ModelError(
        "\(name.isEmpty ? "no model is named" : "there is no folder \(name)"); name a Hugging Face model folder, or owner/name of a downloaded one"
      )
    }
    guard let repository = cache.repository(.model, named: name), let snapshot = HuggingFaceCache.snapshot(of: repository) else {
      let place = cache.folder.map { " \($0.path(percentEncoded: false))" } ?? ""
      throw ModelError(
        "there is no folder \(name), and no current snapshot of a model of that name in the Hugging Face cache\(place); get it with: hf download \(name.shellWord)"
      )
    }
    url = snapshot
  }

  /// A file of the folder.
  public func file(_ name: String) -> URL { url.appending(path: name) }

  /// Whether the folder holds this file.
  public func contains(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name).path(percentEncoded: false)) }
}
