import Foundation
import Ground

/// The data files of a folder and the folders in it.
struct FolderListing {
  /// The folder's name in messages.
  let name: String
  /// The components of the files' paths behind the folder's.
  private(set) var files: [[String]] = []
  /// Folders that were listed: links may lead to one in many ways, or back to where they are.
  private var seen: Set<FileIdentity> = []

  private static let deepestFolder = 12

  init(name: String) { self.name = name }

  /// Adds the data files of a folder, each folder once.
  mutating func list(_ folder: String, components: [String] = []) throws(DataError) {
    guard components.count < Self.deepestFolder else { return }
    guard let identity = FileIdentity(at: URL(filePath: folder)) else { throw failure(components, "the folder is not there any more") }
    guard seen.insert(identity).inserted else { return }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    } catch {
      throw failure(components, "the folder cannot be listed: \(describe(error))")
    }
    for entry in names where !entry.hasPrefix(".") {
      let path = folder.hasSuffix("/") ? folder + entry : folder + "/" + entry
      switch DataFiles.isFolder(path) {
      case true: try list(path, components: components + [entry])
      case false: if Self.isData(entry) { files.append(components + [entry]) }
      case nil:
        // Names are read as UTF-8; one that is not leads nowhere.
        if entry.unicodeScalars.contains("\u{FFFD}") { throw failure(components + [entry], "its name is not UTF-8; rename it") }
        if Self.isData(entry) { throw failure(components + [entry], "the link leads nowhere; fetch the data again") }
      }
    }
  }

  private func failure(_ components: [String], _ problem: Message) -> DataError {
    .file(([name.hasSuffix("/") ? String(name.dropLast()) : name] + components).joined(separator: "/"), problem: problem)
  }

  private static func isData(_ name: String) -> Bool {
    let name = DataFile(URL(filePath: name), name: name).plainName
    let descriptions: Set = ["dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json"]
    return [".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt"].contains { name.hasSuffix($0) }
      && !descriptions.contains(name)
  }
}
