public import Foundation
import Ground
import Torch
import Yams

/// What was done, beside what came of it: a run's resolved settings in YAML, from which `headway run` does it again.
///
/// Paths in a record are relative to its folder, so that a tree of models, data and results can be moved as a whole.
public enum RunRecord {
  /// The first line of every record, by which Headway knows its own.
  static let mark = "# Written by headway."

  /// Records are replaced, other files of the name are not.
  static let kind = OutputKind.text("a run record", beginningWith: mark)

  /// Where the record of a result is written: `headway/run.yaml` in a folder; beside a file `NAME.run.yaml`, or, where that is already the
  /// record of another file called NAME (`p.npz` and `p.safetensors`), `NAME.EXTENSION.run.yaml`. Nil beside a pipe or a device.
  public static func url(beside output: URL, isFolder: Bool = false) -> URL? {
    if isFolder { return output.appending(path: "headway/run.yaml") }
    var status = stat()
    if stat(output.path(percentEncoded: false), &status) == 0, status.st_mode & S_IFMT != S_IFREG { return nil }
    let (short, whole) = places(beside: output)
    if let found = existing(beside: output) { return found }
    return resultName(in: short) == nil ? short : whole
  }

  /// The record that lies beside a file and is its own; nil where there is none.
  public static func existing(beside output: URL) -> URL? {
    let (short, whole) = places(beside: output)
    return [whole, short].first { resultName(in: $0) == output.lastPathComponent }
  }

  private static func places(beside output: URL) -> (short: URL, whole: URL) {
    (output.deletingPathExtension().appendingPathExtension("run.yaml"), output.appendingPathExtension("run.yaml"))
  }

  /// The name of the file that a record is beside; nil where there is no record.
  private static func resultName(in record: URL) -> String? {
    guard kind.isOwn(record), let run = try? run(from: record) else { return nil }
    return run.output.map { URL(filePath: $0).lastPathComponent }
  }

  // MARK: Writing

  /// Makes sure that nothing but an earlier record lies where one will be.
  /// - Throws: `RunError`.
  static func claim(_ place: URL) throws {
    let path = place.path(percentEncoded: false)
    guard FileManager.default.fileExists(atPath: path), !kind.isOwn(place) else { return }
    throw RunError(
      "\(path), where the run's record would lie, is a file that Headway did not write; move it away, or choose another \(setting: .output)"
    )
  }

  /// The text of a record.
  /// - Parameters:
  ///   - place: where it will lie.
  ///   - seconds: how long the run took; nil for one that has only begun.
  static func text(of run: some Run, at place: URL, identity: RunIdentity, seconds: Double?) throws -> String {
    let folder = place.deletingLastPathComponent()
    var settings = try Yams.compose(yaml: YAMLEncoder().encode(run.resolved.mappingPaths { relative($0, to: folder) })) ?? Node.mapping([:])
    // Settings keep their order; a dictionary among them has none of its own.
    for (key, value) in settings.mapping ?? [:] {
      guard let map = value.mapping else { continue }
      settings.mapping?[key] = Node(map.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 })
    }
    // How a run was begun is no part of what it found.
    for key in ["resume", "overwrite"] { settings.mapping?[Node(key)] = nil }
    func facts(_ pairs: [(String, String)]) -> Node {
      Node(pairs.map { (Node($0.0), Node($0.1, Tag(.str), .doubleQuoted)) })
    }
    // A run without tensors did not wait for libtorch to start, and its record does not either.
    var versions = [("system", ProcessInfo.processInfo.operatingSystemVersionString)]
    if Engine.isLoaded {
      versions = [("libtorch", Engine.libtorchVersion), ("vector_code", Engine.vectorCode), ("threads", String(Engine.threads))] + versions
    }
    var record = [
      (Node("headway"), Node(RunRecord.version, Tag(.str), .doubleQuoted)),
      (Node("command"), Node(type(of: run).name)),
      (Node("settings"), readable(settings)),
      (Node("identity"), facts(identity.facts.map { ($0.name, $0.value) })),
      (Node("versions"), facts(versions)),
    ]
    if let seconds { record.append((Node("seconds"), Node(String(format: "%.3f", seconds)))) }
    return "\(mark) Again: headway run \(place.lastPathComponent)\n"
      + (try Yams.serialize(node: Node(record), width: -1, allowUnicode: true))
  }

  /// Headway's version, as records name it.
  public static let version = "0.1.0"

  // MARK: Reading

  /// The identity of the run whose record lies there; nil where none of this command does.
  static func identity(in place: URL, of command: String) -> RunIdentity? {
    guard kind.isOwn(place), let text = text(of: place),
      let record = try? ForeignYAML.node(text, named: "", remedy: "")?.mapping, record["command"]?.string == command
    else { return nil }
    var identity = RunIdentity()
    for fact in record["identity"]?.mapping ?? [:] {
      if let name = fact.key.string { identity[name] = fact.value.string }
    }
    return identity
  }

  /// Reads a record.
  /// - Parameters:
  ///   - url: the record.
  ///   - changes: settings in place of the record's own, each `key=value` with a value in YAML.
  ///   - runs: the runs that a record may ask for.
  /// - Returns: the run, its paths as seen from the working directory.
  /// - Throws: `RunError` where the file is no record, `SettingsError` where a changed setting is none.
  public static func run(from url: URL, changing changes: [String] = [], knowing runs: [any Run.Type] = known) throws -> any Run {
    let path = url.relativePath
    let remedy = "name a .run.yaml that a command wrote beside its result"
    guard let text = text(of: url) else { throw RunError("\(path) cannot be read as a run record; \(remedy)") }
    guard let mapping = try ForeignYAML.node(text, named: path, remedy: remedy)?.mapping, let command = mapping["command"]?.string,
      let settings = mapping["settings"], settings.mapping != nil
    else { throw RunError("\(path) has no 'command' and 'settings'; \(remedy)") }
    guard let type = runs.first(where: { $0.name == command }) else {
      throw RunError("\(path) is of the command '\(command)', which is none of \(runs.map { $0.name }.joined(separator: ", "))")
    }
    let recorded = try type.decoded(settings) { RunError("\(path): \($0)") }
    let folder = url.deletingLastPathComponent()
    return try changed(recorded.mappingPaths { resolved($0, from: folder) }, by: changes)
  }

  /// The text of a record; nil where it cannot be read.
  private static func text(of url: URL) -> String? {
    (try? InputFile.contents(of: url, limit: ForeignYAML.mostBytes)).flatMap { String(data: $0, encoding: .utf8) }
  }

  /// The run with settings changed; paths in changes are as seen from the working directory.
  private static func changed<Work: Run>(_ run: Work, by changes: [String]) throws -> Work {
    guard !changes.isEmpty else { return run }
    var settings = try Yams.compose(yaml: YAMLEncoder().encode(run)) ?? Node.mapping([:])
    let pairs = try changes.map(pair)
    for (key, value) in pairs {
      settings.mapping?[Node(key)] = value
      // What says the same in another way gives way, unless it is named, too.
      for others in (Work.self as? any RecordedSettings.Type)?.alternatives ?? [] where value.null == nil && others.contains(key) {
        for other in others where !pairs.contains(where: { $0.key == other }) { settings.mapping?[Node(other)] = nil }
      }
    }
    return try Work.decoded(settings) { SettingsError($0) }
  }

  /// The key and the value of `key=value`.
  private static func pair(_ change: String) throws -> (key: String, value: Node) {
    let parts = change.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty else {
      throw SettingsError("\(setting: Setting("set")) takes KEY=VALUE, not '\(change)'")
    }
    let value: Node?
    do { value = try Yams.compose(yaml: parts[1]) } catch {
      throw SettingsError("\(setting: Setting("set", value: change)): the value is not YAML (\(firstLine(error)))")
    }
    return (parts[0].replacing("-", with: "_"), value ?? Node("", Tag(.null)))
  }

  // MARK: Paths

  /// A path as seen from a folder. One that could be taken for a name in the Hugging Face cache begins with `./`.
  static func relative(_ path: String, to folder: URL) -> String {
    let seen = unmarked(path, from: folder)
    return HuggingFaceCache.isRepositoryName(seen) ? "./\(seen)" : seen
  }

  private static func unmarked(_ path: String, from folder: URL) -> String {
    let here = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory).standardizedFileURL.pathComponents
    let base = folder.absoluteURL.standardizedFileURL.pathComponents
    if base == here, !path.hasPrefix("/") { return path }
    let target = URL(filePath: path).absoluteURL.standardizedFileURL.pathComponents
    let shared = zip(base, target).prefix { $0 == $1 }.count
    // Nothing in common but the root: a path through `..` would only be harder to read.
    if shared <= 1, path.hasPrefix("/") { return path }
    let steps = Array(repeating: "..", count: base.count - shared) + target.dropFirst(shared)
    return steps.isEmpty ? "." : steps.joined(separator: "/")
  }

  /// A record's path as seen from the working directory.
  static func resolved(_ path: String, from folder: URL) -> String {
    let path = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
    guard !path.hasPrefix("/") else { return path }
    var place = folder.relativePath.split(separator: "/", omittingEmptySubsequences: true).filter { $0 != "." }
    var steps = path.split(separator: "/", omittingEmptySubsequences: true).filter { $0 != "." }[...]
    let root = folder.relativePath.hasPrefix("/") ? "/" : ""
    // `tuned/headway` and `..` are `tuned`, but where `headway` is a link.
    while steps.first == "..", let last = place.last, last != "..",
      FileKind(of: URL(filePath: root + place.joined(separator: "/"))) == .folder
    {
      steps.removeFirst()
      place.removeLast()
    }
    let joined = root + (place + steps).joined(separator: "/")
    return joined.isEmpty ? "." : joined
  }

  /// The node with numbers as a person writes them: `0.03` where the encoder writes `3e-2`.
  private static func readable(_ node: Node) -> Node {
    switch node {
    case .scalar(let scalar) where scalar.style == .plain && node.tag == Tag(.float):
      guard let number = Double(scalar.string) else { return node }
      return Node("\(number)", Tag(.float), .plain)
    case .mapping(let mapping): return Node(mapping.map { ($0.key, readable($0.value)) })
    case .sequence(let sequence): return Node(sequence.map(readable))
    default: return node
    }
  }

  private static func firstLine(_ error: any Error) -> String { "\(error)".split(separator: "\n").first.map(String.init) ?? "unreadable" }
}

extension Run {
  /// The run of settings in YAML.
  fileprivate static func decoded(_ settings: Node, _ problem: (Message) -> any Error) throws -> Self {
    let run: Self
    do { run = try YAMLDecoder().decode(Self.self, from: settings) } catch let error as DecodingError {
      throw problem("\(error.sentence)")
    }
    // A key that is misspelt would otherwise be passed over in silence.
    let known =
      try (Self.self as? any RecordedSettings.Type)?.names ?? Yams.compose(yaml: YAMLEncoder().encode(run))?.mapping?.keys.compactMap(
        \.string) ?? []
    let given = settings.mapping?.filter { $0.value.null == nil }.compactMap { $0.key.string } ?? []
    if let unknown = given.first(where: { !known.contains($0) && !["resume", "overwrite"].contains($0) }) {
      throw problem("'\(unknown)' is not a setting of \(name); it has \(Set(known).sorted().joined(separator: ", "))")
    }
    return run
  }
}

extension DecodingError {
  /// Which key is wrong, and how.
  package var sentence: String {
    func key(_ context: Context, _ last: (any CodingKey)? = nil) -> String {
      (context.codingPath + (last.map { [$0] } ?? [])).map(\.stringValue).joined(separator: ".")
    }
    switch self {
    case .keyNotFound(let missing, let context): return "the setting '\(key(context, missing))' is missing"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      let wanted = [
        "Int": "a whole number", "Double": "a number", "Bool": "true or false", "String": "a text", "Array<String>": "a list of texts",
      ]
      return "the setting '\(key(context))' takes \(wanted["\(type)"] ?? "another kind of value")"
    case .dataCorrupted(let context):
      return "the setting '\(key(context))' has a value that is none of its own: \(context.debugDescription)"
    @unknown default: return "\(self)"
    }
  }
}
