import Foundation
import Ground

/// Finds the data files behind what the user named: a file, a folder of files, or a dataset's folder in the Hugging Face cache.
enum DataFiles {
  /// The files of the paths, in the paths' order; a folder's files in the byte order of their names.
  /// - Parameters:
  ///   - split: keeps a folder's files of that published split only; `all` keeps every file.
  ///   - cache: where a path that is not there is looked up as `owner/name`.
  static func find(_ paths: [URL], split: String?, cache: HuggingFaceCache) throws(DataError) -> [DataFile] {
    var files: [DataFile] = []
    for var path in paths {
      if let piped = try piped(path) {
        files.append(piped)
        continue
      }
      if isFolder(path.path(percentEncoded: false)) == nil, let cached = try cachedDataset(path.relativePath, cache) { path = cached }
      guard let isFolder = isFolder(path.path(percentEncoded: false)) else {
        let remedy =
          path.relativePath.contains(":/") ? "data is read from this machine, so download it first and name the file" : "check the path"
        throw .file(path.relativePath, problem: "there is no such file or folder; \(remedy)")
      }
      if isFolder {
        files.append(contentsOf: try inFolder(path, split: split))
      } else {
        let file = DataFile(path)
        if let split, split != "all", self.split(of: [file.plainName]).map({ matches($0, split) }) != true {
          throw .options(
            "\(file.name) is a single file that is not named after the split '\(split)'; leave \(setting: .split) out, or name its folder")
        }
        files.append(file)
      }
    }
    return files
  }

  /// Standard input or a named pipe, copied where it can be read again; nil for anything else.
  private static func piped(_ path: URL) throws(DataError) -> DataFile? {
    let name = path.relativePath
    do throws(FileError) {
      guard let copy = try PipeCopy.file(of: name) else { return nil }
      return DataFile(copy, name: PipeCopy.isStandardInput(name) ? PipeCopy.standardInput : name, isPiped: true)
    } catch {
      throw .file(error.path, problem: "cannot \(error.operation == "write" ? "be written" : "be read"): \(error.reason); \(error.remedy)")
    }
  }

  private static func inFolder(_ folder: URL, split: String?) throws(DataError) -> [DataFile] {
    let root = try snapshot(of: folder)
    var listing = FolderListing(name: folder.relativePath)
    try listing.list(root.path(percentEncoded: false))
    var paths = listing.files
    paths.sort { $0.joined(separator: "/").utf8.lexicographicallyPrecedes($1.joined(separator: "/").utf8) }
    // Notes often lie beside the data, so plain text is data only where nothing else is.
    let structured = paths.filter { !isPlainText($0) }
    if !structured.isEmpty { paths = structured }
    guard !paths.isEmpty else {
      throw .file(folder.relativePath, problem: "the folder holds no data file (.jsonl, .json, .csv, .tsv, .parquet, .txt, plain or .gz)")
    }
    if root != folder { try checkConfigurations(paths, of: folder) }
    let splits = paths.map { self.split(of: $0) }
    let names = Set(splits.compactMap(\.self)).sorted()
    if let split, split != "all" {
      paths = zip(paths, splits).filter { pair in pair.1.map { matches($0, split) } ?? false }.map(\.0)
      guard !paths.isEmpty else {
        let found = names.isEmpty ? "none of its files is named after a split" : "it holds \(names.joined(separator: ", "))"
        throw .options("\(folder.relativePath) has no split '\(split)'; \(found)")
      }
    } else if split == nil, names.count > 1 {
      throw .options(
        "\(folder.relativePath) holds the splits \(names.joined(separator: ", ")); name one with \(setting: .split), or all of them with \(setting: .split.set(to: "all"))"
      )
    }
    return paths.map { components in
      var url = root
      var name = folder.relativePath
      if name.hasSuffix("/") { name.removeLast() }
      for component in components {
        url.append(component: component)
        name += "/" + component
      }
      return DataFile(url, name: name)
    }
  }

  // MARK: Folders

  /// Whether a path leads to a folder; nil where nothing is there.
  static func isFolder(_ path: String) -> Bool? {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) ? isFolder.boolValue : nil
  }

  /// The current snapshot of a dataset in the Hugging Face cache (`datasets--owner--name`), or the folder itself.
  private static func snapshot(of folder: URL) throws(DataError) -> URL {
    let snapshots = folder.appending(component: "snapshots")
    guard folder.lastPathComponent.hasPrefix("datasets--"), isFolder(snapshots.path(percentEncoded: false)) == true else { return folder }
    guard let snapshot = HuggingFaceCache.snapshot(of: folder) else {
      throw .file(folder.relativePath, problem: "the cached dataset has no current snapshot; name a folder in 'snapshots'")
    }
    return snapshot
  }

  /// The folder of a dataset `owner/name`. Nil where the text is no such name; an error with the command to run where it is not in the cache.
  static func cachedDataset(_ name: String, _ cache: HuggingFaceCache) throws(DataError) -> URL? {
    // A name with a data file's ending is a path that is not there.
    let endings = [".jsonl", ".json", ".csv", ".tsv", ".parquet", ".txt", ".gz", ".ndjson"]
    guard HuggingFaceCache.isRepositoryName(name), !endings.contains(where: { name.lowercased().hasSuffix($0) }) else { return nil }
    if let place = cache.repository(.dataset, named: name), isFolder(place.path(percentEncoded: false)) == true { return place }
    throw .file(
      name,
      problem:
        "there is no such file or folder, nor such a dataset in the Hugging Face cache; fetch it with: hf download --repo-type dataset \(name.shellWord)"
    )
  }

  /// Configurations of a hub dataset (`main`, `socratic`) hold the same questions in other forms, so one must be chosen.
  private static func checkConfigurations(_ paths: [[String]], of folder: URL) throws(DataError) {
    let names = Set(paths.compactMap { $0.count > 1 ? $0[0] : nil }).subtracting(["data"]).filter { splitName($0) == nil }.sorted()
    if names.count > 1 {
      throw .options(
        "\(folder.relativePath) holds the configurations \(names.joined(separator: ", ")); name the folder of one, inside 'snapshots'")
    }
  }

  private static func isPlainText(_ components: [String]) -> Bool {
    guard let name = components.last?.lowercased() else { return false }
    return name.hasSuffix(".txt") || name.hasSuffix(".txt.gz")
  }

  // MARK: Splits

  private static let splitNames: Set = ["train", "validation", "valid", "val", "dev", "test", "trial"]

  /// The split that a name says by its first or last word: `train-00000-of-00002`, `algebra_dev`, `ARC-Easy-Test`.
  private static func splitName(_ name: String) -> String? {
    let words = name.lowercased().prefix { $0 != "." }.split { $0 == "-" || $0 == "_" }.map(String.init)
    return [words.first, words.last].compactMap(\.self).first { splitNames.contains($0) }
  }

  /// The split that a path inside a folder belongs to: by the file's name, else by the innermost folder named after one.
  private static func split(of components: [String]) -> String? {
    components.reversed().lazy.compactMap(splitName).first
  }

  /// Whether a published split is the one that the user names; `validation` is also called `valid` and `val`.
  private static func matches(_ published: String, _ asked: String) -> Bool {
    let validation: Set = ["validation", "valid", "val"]
    return published == asked.lowercased() || (validation.contains(published) && validation.contains(asked.lowercased()))
  }
}
