import Foundation

/// The local cache of the Hugging Face hub, where `hf download --repo-type dataset` puts datasets.
struct HubCache: Sendable {
  /// The folder of repositories: HF_HUB_CACHE, else `hub` in HF_HOME, else `~/.cache/huggingface/hub`.
  let folder: URL?

  init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func place(_ name: String) -> URL? { environment[name].flatMap { $0.isEmpty ? nil : URL(filePath: $0) } }
    folder =
      place("HF_HUB_CACHE") ?? place("HF_HOME")?.appending(component: "hub")
      ?? place("HOME")?.appending(components: ".cache", "huggingface", "hub")
  }

  /// The folder of a dataset `owner/name`. Nil where the text is no such name; an error with the command to run where it is not in the cache.
  func folder(of name: String) throws(DataError) -> URL? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let isName = parts.count == 2 && parts.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("--") }
    // A name with a data file's ending is a path that is not there.
    let endings = [".jsonl", ".json", ".csv", ".parquet", ".txt", ".gz", ".ndjson"]
    guard isName, !endings.contains(where: { name.lowercased().hasSuffix($0) }) else { return nil }
    let place = folder?.appending(component: "datasets--\(parts[0])--\(parts[1])")
    if let place, DataFiles.isFolder(place.path(percentEncoded: false)) == true { return place }
    throw .file(
      name,
      problem:
        "there is no such file or folder, nor such a dataset in the Hugging Face cache; fetch it with: hf download --repo-type dataset \(name)"
    )
  }
}
