public import Foundation

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
        throw ModelError("\(name) is a file, but a model is a folder with config.json, weights and a tokenizer; name the folder")
      }
      url = URL(filePath: path, directoryHint: .isDirectory)
      return
    }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, !name.hasPrefix("."), parts.allSatisfy({ !$0.isEmpty && $0 != ".." && $0 != "." }) else {
      throw ModelError("there is no folder \(name); name a Hugging Face model folder, or owner/name of a downloaded one")
    }
    let cache = ModelFolder.cacheDirectory(environment)
    let repository = cache.appending(path: "models--\(parts[0])--\(parts[1])")
    guard let snapshot = ModelFolder.snapshot(in: repository) else {
      throw ModelError(
        "there is no folder \(name), and no model of that name in the cache \(cache.path(percentEncoded: false)); get it with: hf download \(name)"
      )
    }
    url = snapshot
  }

  /// A file of the folder.
  public func file(_ name: String) -> URL { url.appending(path: name) }

  /// Whether the folder holds this file.
  public func contains(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name).path(percentEncoded: false)) }

  private static func cacheDirectory(_ environment: [String: String]) -> URL {
    func value(_ key: String) -> String? { environment[key].flatMap { $0.isEmpty ? nil : $0 } }
    if let hub = value("HF_HUB_CACHE") { return URL(filePath: hub, directoryHint: .isDirectory) }
    if let home = value("HF_HOME") { return URL(filePath: home, directoryHint: .isDirectory).appending(path: "hub") }
    let home = value("HOME") ?? NSHomeDirectory()
    return URL(filePath: home, directoryHint: .isDirectory).appending(path: ".cache/huggingface/hub")
  }

  /// The snapshot that `refs/main` names, else the one most recently changed.
  private static func snapshot(in repository: URL) -> URL? {
    let snapshots = repository.appending(path: "snapshots")
    if let reference = try? String(contentsOf: repository.appending(path: "refs/main"), encoding: .utf8) {
      let commit = reference.trimmingCharacters(in: .whitespacesAndNewlines)
      let folder = snapshots.appending(path: commit, directoryHint: .isDirectory)
      if !commit.isEmpty, !commit.contains("/"), FileManager.default.fileExists(atPath: folder.path(percentEncoded: false)) {
        return folder
      }
    }
    let folders =
      (try? FileManager.default.contentsOfDirectory(at: snapshots, includingPropertiesForKeys: [.contentModificationDateKey])) ?? []
    func date(_ url: URL) -> Date {
      (try? url.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate) ?? .distantPast
    }
    return folders.max { date($0) < date($1) }
  }
}
