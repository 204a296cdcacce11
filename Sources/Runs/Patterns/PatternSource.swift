import ActivationPatterns
import FineTuning
public import Foundation
import Ground
import Reports

/// A pattern or change file with the name that it goes by in results.
public struct PatternSource: NamedFile {
  /// The file, or the folder of a training run that tracked patterns.
  public var path: String
  /// The name in results in place of the file's own; nil for that.
  public let givenName: String?

  /// A file, with a name where its own is not to be used.
  public init(_ path: String, name: String? = nil) {
    self.path = path
    givenName = name
  }

  /// The file.
  public var url: URL { URL(filePath: path) }

  /// What it is called: the name given, or the file's without extension; that of the whole pattern for a shard's.
  public var name: String { givenName ?? PatternFile.name(of: url).deletingPathExtension().lastPathComponent }

  /// The files that are read: no run that reads them may write there.
  var files: [URL] { PatternFile.files(of: url) + [TrainingFolder(url).patterns] }

  /// The same with its path changed.
  func mappingPaths(_ change: (String) -> String) -> PatternSource {
    var source = self
    source.path = change(path)
    return source
  }

  /// Reads the file, or every step of a training run's tracked patterns, and the names they go by.
  func readAll() throws -> [(name: String, step: Int?, file: PatternFile)] {
    try PatternFile.readAll(from: url).map { step, file in (step.map { "\(name) step \($0)" } ?? name, step, file) }
  }
}

extension SettingKey {
  /// A pattern or change file, which a record must have.
  static func file(_ name: String, _ path: any WritableKeyPath<Settings, PatternSource> & Sendable) -> SettingKey {
    setting(name, path, isRequired: true).mapping { $0[keyPath: path] = $0[keyPath: path].mappingPaths($1) }
  }

  /// Pattern or change files, which a record must have.
  static func files(_ name: String, _ path: any WritableKeyPath<Settings, [PatternSource]> & Sendable) -> SettingKey {
    setting(name, path, isRequired: true).mapping { settings, change in
      settings[keyPath: path] = settings[keyPath: path].map { $0.mappingPaths(change) }
    }
  }
}

extension [PatternSource] {
  /// Whether a run reads the same patterns as another: a fingerprint of each one's bytes, by its name.
  func identity() throws -> RunIdentity {
    var identity = RunIdentity()
    for source in self {
      identity[source.name] = try PatternFile.fingerprint(of: source.url.isFolder ? PatternSeries.url(inFolder: source.url) : source.url)
    }
    return identity
  }

  /// Each pattern once, where a shell has put the names of all its shards.
  var apart: [PatternSource] { PatternShard.once(self) { ($0.url, $0.givenName) } }

  /// Refuses two files that would go by one name in results that tell them apart by it.
  func requireDistinctNames() throws {
    var seen: [String: String] = [:]
    for source in self {
      if let other = seen.updateValue(source.path, forKey: source.name) {
        throw RunError("\(other) and \(source.path) would both be called '\(source.name)'; give one of them as NAME=FILE")
      }
    }
  }

  /// Reads them and puts them side by side.
  func compare(score: Score?, mixed: Bool) throws -> PatternComparison {
    try PatternComparison(map { ($0.name, try PatternFile.read(from: $0.url)) }, score: score, mixed: mixed)
  }
}

/// Refuses a number of resamples of which no interval can be made.
func requireReplicates(_ count: Int?) throws {
  guard let count, !(40...1_000_000).contains(count) else { return }
  throw SettingsError(
    "\(setting: Setting("bootstrap")) takes a number from 40 (95% intervals need that many) to 1000000, not \(count)")
}

/// A warning where a pattern would not come out again with other samples; nil where it would.
func reliabilityWarning(_ name: String, _ reliability: Double?) -> Message? {
  guard (reliability ?? 0) < Reliability.sufficient else { return nil }
  let shown = NumberText.fixed(reliability, decimals: 2)
  return "the split-half reliability of \(name) is \(shown), below \(Reliability.sufficient): intervals may miss; measure more samples"
}

extension URL {
  /// Whether a folder is there, links followed.
  fileprivate var isFolder: Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path(percentEncoded: false), isDirectory: &isFolder) && isFolder.boolValue
  }
}
