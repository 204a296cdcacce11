public import Foundation

/// A folder that Headway fills with a model and everything about its run. It keeps a list of the files that it wrote on top, in
/// `headway/files.json`, so that it never takes somebody else's for its own.
public struct OutputFolder: Sendable, Hashable {
  /// The folder, which need not exist yet.
  public let url: URL

  /// The folder at this place.
  public init(_ url: URL) { self.url = url }

  /// `headway/`, what is known about the run.
  public var records: URL { url.appending(path: OutputFolder.recordsName, directoryHint: .isDirectory) }

  private static let recordsName = "headway"
  private struct Contents: Codable { var files: [String] }
  private var path: String { url.path(percentEncoded: false) }
  private var list: URL { records.appending(path: "files.json") }

  /// Makes the folder, `headway/` and an empty list, as far as they are missing.
  /// - Throws: `FileError`.
  public func make() throws {
    try Folders.make(records)
    if FileKind(of: list.path(percentEncoded: false)) == nil { try write([]) }
  }

  /// The names of files in the folder that Headway wrote; empty where there is no list.
  public var own: Set<String> {
    guard isOwnRecords, let data = try? InputFile.contents(of: list, limit: .max),
      let contents = try? JSONDecoder().decode(Contents.self, from: data)
    else {
      return []
    }
    return Set(contents.files.filter { !$0.isEmpty && !$0.contains("/") && $0 != "." && $0 != ".." && $0 != OutputFolder.recordsName })
  }

  /// The names of everything in the folder that Headway did not write, sorted. A journal beside a file on the list is of a run that was to write that.
  public var foreign: [String] {
    let own = own
    return names.filter { name in
      if name == OutputFolder.recordsName { return !isOwnRecords }
      return name != OutputLock.nameInFolder && PartialName(name) == nil && !own.contains(name)
        && !RunJournal.isJournal(url.appending(path: name), besideOneOf: own)
    }
  }

  /// Whether Headway has written something here already.
  public var isUsed: Bool {
    let records = (try? FileManager.default.contentsOfDirectory(atPath: records.path(percentEncoded: false))) ?? []
    return !own.isEmpty || records.contains { $0 != list.lastPathComponent && PartialName($0) == nil }
  }

  /// Puts names on the list, before files of these names are written or replaced.
  /// - Throws: `OutputError` where a name is there that Headway did not write, `FileError` where the list cannot be written.
  public func claim(_ names: [String]) throws {
    let own = own
    for name in names where !own.contains(name) && FileKind(of: url.appending(path: name).path(percentEncoded: false)) != nil {
      throw OutputError.inTheWay(url.appending(path: name).path(percentEncoded: false), .unmarked("a file of the model"))
    }
    try write(own.union(names))
  }

  /// Deletes the files on the list, but for those of these names, and takes them off it.
  /// - Throws: `FileError` where the list cannot be written.
  public func removeOwn(except kept: some Sequence<String> = []) throws {
    let all = own
    let stale = all.subtracting(kept)
    guard !stale.isEmpty else { return }
    // An index goes before the files that it names, so that readers never find it alone.
    for name in stale.sorted(by: { ($0.hasSuffix(".json") ? 0 : 1, $0) < ($1.hasSuffix(".json") ? 0 : 1, $1) }) {
      unlink(url.appending(path: name).path(percentEncoded: false))
    }
    try write(all.subtracting(stale))
  }

  private func write(_ names: Set<String>) throws {
    try AtomicFile.write(HeadwayJSON.document(Contents(files: names.sorted()), isIndented: true), to: list)
  }

  /// Whether `headway/` is there, no link, and Headway's: with a list, or empty where a run was killed before it wrote one.
  private var isOwnRecords: Bool {
    let folder = url.appending(path: OutputFolder.recordsName).path(percentEncoded: false)
    guard FileKind(of: folder) == .folder else { return false }
    if FileKind(of: list.path(percentEncoded: false)) == .file { return true }
    return (try? FileManager.default.contentsOfDirectory(atPath: folder))?.allSatisfy { PartialName($0) != nil } ?? false
  }

  private var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

/// Making folders.
public enum Folders {
  /// Makes a folder and those above it, as far as they are missing.
  /// - Returns: the paths of those that were made, the outermost first.
  /// - Throws: `FileError`.
  @discardableResult
  public static func make(_ url: URL) throws -> [String] {
    let path = url.path(percentEncoded: false)
    var missing: [String] = []
    var place = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    while !place.isEmpty, FileIdentity(at: place) == nil {
      missing.append(place)
      place = (place as NSString).deletingLastPathComponent
    }
    var made: [String] = []
    var status = stat()
    if missing.isEmpty, stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
      throw FileError(path: path, operation: "make the folder", reason: "a file is there", remedy: "choose another place")
    }
    for place in missing.reversed() {
      if mkdir(place, 0o777) == 0 {
        made.append(place)
      } else if errno != EEXIST {
        throw FileError(path: place, operation: "make the folder", code: errno)
      }
    }
    return made
  }
}
