public import Foundation

/// The local cache of the Hugging Face hub, where `hf download` puts models and datasets.
public struct HuggingFaceCache: Sendable, Hashable {
  /// What a repository holds.
  public enum Kind: String, Sendable, Hashable {
    /// A model.
    case model = "models"
    /// A dataset.
    case dataset = "datasets"
  }

  /// The folder of repositories; nil where the environment names no place for it.
  public let folder: URL?

  /// The cache where huggingface_hub has it: HF_HUB_CACHE, else `hub` in HF_HOME, else `huggingface/hub` in XDG_CACHE_HOME or `~/.cache`.
  public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func place(_ name: String) -> URL? {
      environment[name].flatMap { $0.isEmpty ? nil : URL(filePath: $0, directoryHint: .isDirectory) }
    }
    let home = place("HF_HOME") ?? (place("XDG_CACHE_HOME") ?? place("HOME")?.appending(path: ".cache"))?.appending(path: "huggingface")
    folder = place("HF_HUB_CACHE") ?? home?.appending(path: "hub", directoryHint: .isDirectory)
  }

  /// Whether a text has the form `owner/name` of a repository.
  public static func isRepositoryName(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("--") }
  }

  /// The path of a model or dataset changed; a name of a repository stays as it is, and so does `-`, standard input.
  public static func changedPath(_ name: String, _ change: (String) -> String) -> String {
    if name == "-" { return name }
    return FileManager.default.fileExists(atPath: (name as NSString).expandingTildeInPath) || !isRepositoryName(name) ? change(name) : name
  }

  /// The folder of a repository `owner/name`, which need not exist; nil where the text is no such name.
  public func repository(_ kind: Kind, named name: String) -> URL? {
    guard HuggingFaceCache.isRepositoryName(name) else { return nil }
    return folder?.appending(
      path: "\(kind.rawValue)--\(name.replacingOccurrences(of: "/", with: "--"))", directoryHint: .isDirectory)
  }

  /// The snapshot of a repository's folder that is read: the one that `refs/main` names, else the only one; nil where neither tells.
  ///
  /// A reference is one name inside `snapshots`, whatever its file says: it never leads out of the repository.
  public static func snapshot(of repository: URL) -> URL? {
    let snapshots = repository.appending(path: "snapshots", directoryHint: .isDirectory)
    func folder(_ name: String) -> URL? {
      let url = snapshots.appending(path: name, directoryHint: .isDirectory)
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: url.path(percentEncoded: false), isDirectory: &isFolder) && isFolder.boolValue
        ? url : nil
    }
    // A commit is 40 digits; a file that holds much more is no reference.
    if let reference = try? InputFile(at: repository.appending(path: "refs/main")).read(upTo: 1024),
      let text = String(validating: reference, as: UTF8.self)
    {
      let name = text.trimmingCharacters(in: .whitespacesAndNewlines)
      if !name.isEmpty, !name.hasPrefix("."), !name.contains("/"), !name.utf8.contains(0), let found = folder(name) { return found }
    }
    let all =
      (try? FileManager.default.contentsOfDirectory(atPath: snapshots.path(percentEncoded: false)))?.filter { !$0.hasPrefix(".") } ?? []
    return all.count == 1 ? folder(all[0]) : nil
  }
}
