public import Foundation

/// Decides before any work is done whether a run may write where it was told to, and keeps other runs away until it has.
///
/// The rule: what Headway itself wrote as a finished result is replaced. A journal, a folder with a model or a run, and a file that Headway did
/// not write are not, unless `overwrites` says so. What the run reads is never an output, and beside an output nothing but Headway's own
/// files is touched, whatever is asked for. Files are told apart by what they hold and by device and inode, not by their names.
///
///     let outputs = OutputGuard(overwrites: overwrite, resumes: resume)
///     defer { outputs.release() }
///     try outputs.claim(file: target, as: .pattern, beside: [.journal(RunJournal.url(beside: target))])
///     try outputs.protect(model.inputFiles)
public final class OutputGuard {
  /// A file that goes with an output under a name of its own.
  public struct Companion: Sendable {
    let url: URL
    let kind: OutputKind
    let isJournal: Bool

    /// What an interrupted run found, which only `resumes` or `overwrites` touches.
    public static func journal(_ url: URL, as kind: OutputKind) -> Companion { Companion(url: url, kind: kind, isJournal: true) }
    /// A file that is written, replaced or deleted with the output.
    public static func part(_ url: URL, as kind: OutputKind) -> Companion { Companion(url: url, kind: kind, isJournal: false) }
  }

  /// Whether files that Headway did not write are replaced, and journals and earlier runs thrown away.
  public let overwrites: Bool
  /// Whether an interrupted run is gone on with.
  public let resumes: Bool

  /// Where a file lies or will lie, whatever its path is written like.
  private struct Place: Equatable {
    var folder: FileIdentity?
    var name: String

    init(_ destination: String) {
      folder = FileIdentity(at: OutputGuard.parent(of: destination))
      name = (destination as NSString).lastPathComponent
    }
  }

  private var locks: [OutputLock] = []
  private var places: [(place: Place, name: String)] = []
  private var files: [URL] = []
  private var folders: [URL] = []
  private var madeFolders: [String] = []

  /// A guard that holds nothing yet.
  public init(overwrites: Bool = false, resumes: Bool = false) {
    self.overwrites = overwrites
    self.resumes = resumes
  }

  deinit { release() }

  // MARK: Files

  /// Takes a file as an output. A pipe or a device is written to as it is.
  /// - Parameters:
  ///   - url: the file, which need not exist; its folder must.
  ///   - kind: what is written.
  ///   - companions: what lies beside it.
  /// - Throws: `OutputError` where the rule forbids it or another run writes there, `FileError` where the folder cannot be written to.
  public func claim(file url: URL, as kind: OutputKind, beside companions: [Companion] = []) throws {
    let path = url.path(percentEncoded: false)
    let name = OutputGuard.name(url)
    guard !path.isEmpty else { throw OutputError("the name of \(setting: .output) is empty; name a file") }
    var status = stat()
    let exists = stat(path, &status) == 0
    if !exists, errno != ENOENT { throw FileError(path: name, operation: "write", code: errno) }
    if exists {
      switch status.st_mode & S_IFMT {
      case S_IFREG: break
      case S_IFDIR: throw OutputError.isFolder(name)
      default: return
      }
    }
    let destination = OutputGuard.destination(of: path)
    try OutputGuard.requireFolder(of: destination)
    let place = Place(destination)
    if let other = places.first(where: { $0.place == place })?.name { throw OutputError.twice(other, name) }
    places.append((place, name))
    locks.append(try OutputLock(OutputLock.place(beside: destination), of: name))
    Leftovers.remove(from: URL(filePath: OutputGuard.parent(of: destination), directoryHint: .isDirectory))
    for companion in companions { try check(companion) }
    if exists, !overwrites, !kind.isOwn(url) { throw OutputError.foreign(name, kind) }
    files += [url] + companions.map(\.url)
  }

  private func check(_ companion: Companion) throws {
    let path = OutputGuard.name(companion.url)
    guard let kind = FileKind(of: companion.url) else { return }
    guard kind == .file, companion.kind.isOwn(companion.url) else { throw OutputError.inTheWay(path, companion.kind) }
    if companion.isJournal, !resumes, !overwrites { throw OutputError.journal(path) }
  }

  // MARK: Folders

  /// Takes a folder as an output; it is made where it is missing, and deleted again where it then stays empty.
  /// - Parameters:
  ///   - folder: the folder.
  ///   - canResume: whether it holds a run that can be gone on with.
  /// - Throws: `OutputError` where it holds anything that Headway did not write, or an earlier model or run that is neither gone on with nor
  ///   to be overwritten, or where another run writes there; `FileError` where it cannot be made or written to.
  public func claim(folder: OutputFolder, canResume: Bool = false) throws {
    let path = folder.url.path(percentEncoded: false)
    let name = OutputGuard.name(folder.url)
    var status = stat()
    // The path of a folder ends in a slash, with which a file is not found but refused.
    let isThere = stat(path, &status) == 0
    guard isThere ? status.st_mode & S_IFMT == S_IFDIR : errno != ENOTDIR || FileKind(of: folder.url) != .file else {
      throw OutputError("\(name) is not a folder; name a folder for \(setting: .output)")
    }
    madeFolders += try Folders.make(folder.url)
    locks.append(try OutputLock((path as NSString).appendingPathComponent(OutputLock.nameInFolder), of: name))
    Leftovers.remove(from: folder.url)
    // A run inside this one, such as a step of a demo, leaves its lock where it is killed.
    for name in folder.own { try OutputLock.removeLeftover(of: folder.url.appending(path: name)) }
    let foreign = folder.foreign
    guard foreign.isEmpty else {
      let shown = foreign.prefix(3).joined(separator: ", ") + (foreign.count > 3 ? " and \(foreign.count - 3) more" : "")
      throw OutputError("\(name) holds what Headway did not write (\(shown)); choose another folder, or move it away")
    }
    Leftovers.remove(from: folder.records)
    if folder.isUsed, !overwrites, !(resumes && canResume) {
      throw OutputError(
        canResume
          ? "\(name) holds an earlier run; continue it with \(setting: .resume), delete it with \(setting: .overwrite), or choose another folder"
          : "\(name) holds what Headway wrote earlier; replace it by \(setting: .overwrite), or choose another folder")
    }
    folders.append(folder.url)
  }

  // MARK: Inputs

  /// Makes sure that no output is something that the run reads.
  /// - Parameter inputs: files and folders, under whatever names and through whatever links; of a folder only itself counts.
  /// - Throws: `OutputError` naming both.
  public func protect(_ inputs: [URL]) throws {
    let outputs = files.compactMap { url in FileIdentity(at: url).map { ($0, url) } }
    for input in inputs {
      let name = OutputGuard.name(input)
      guard let identity = FileIdentity(at: input) else {
        // What is read under a name that no file has, such as a pattern in shards, would be hidden by a file of that name.
        let place = Place(OutputGuard.destination(of: input.path(percentEncoded: false)))
        if let output = places.first(where: { $0.place == place })?.name { throw OutputError.isInput(output, name) }
        continue
      }
      if let output = outputs.first(where: { $0.0 == identity })?.1 { throw OutputError.isInput(OutputGuard.name(output), name) }
      for folder in folders {
        guard let own = FileIdentity(at: folder) else { continue }
        if own == identity { throw OutputError.isInput(OutputGuard.name(folder), name) }
        if own.contains(input) { throw OutputError.holdsInput(OutputGuard.name(folder), name) }
      }
    }
  }

  /// Lets other runs write there again, and deletes folders that were made for nothing.
  public func release() {
    for lock in locks { lock.release() }
    locks = []
    for folder in madeFolders.reversed() { rmdir(folder) }
    madeFolders = []
  }

  // MARK: Places

  /// The file that a path leads to, links followed; the path itself where there is none yet.
  private static func destination(of path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// What messages call a file: as it was given, so that a person knows it again.
  private static func name(_ url: URL) -> String {
    let name = url.relativePath
    return name.count > 1 && name.hasSuffix("/") ? String(name.dropLast()) : name
  }

  private static func parent(of path: String) -> String {
    let parent = (path as NSString).deletingLastPathComponent
    return parent.isEmpty ? "." : parent
  }

  /// Fails now, not after an hour's work, where the folder of an output does not exist or cannot be written to.
  private static func requireFolder(of destination: String) throws {
    let folder = parent(of: destination)
    var status = stat()
    guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw OutputError("the folder \(folder) of \(setting: .output) does not exist; make it first, or choose another")
    }
    guard access(folder, W_OK | X_OK) == 0 else {
      throw OutputError("the folder \(folder) of \(setting: .output) cannot be written to; choose another, or change its permissions")
    }
  }
}
