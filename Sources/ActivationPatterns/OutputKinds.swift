import CheckpointFiles
public import Foundation
public import Ground

extension OutputKind {
  /// A pattern, a shard of one or a change, as `.safetensors` or `.npz`; all say in their metadata what they are.
  public static let pattern = OutputKind("a pattern or a change") { url in
    let isArchive = beginning(of: url, 4).elementsEqual(Array("PK\u{3}\u{4}".utf8))
    let metadata = isArchive ? NumpyFile.metadata(of: url) : (try? SafetensorsFile(at: url))?.metadata
    return ["pattern", "change", ShardFile.kind].contains(metadata?["headway.kind"])
  }

  /// A shard of a pattern.
  static let patternShard = OutputKind("a shard of a pattern") { url in
    (try? SafetensorsFile(at: url))?.metadata["headway.kind"] == ShardFile.kind
  }

  /// What a pattern's or change's file of this name is: `.npy` holds numbers and nothing else, so that Headway's own cannot be told from others'.
  public static func pattern(named url: URL) -> OutputKind {
    url.pathExtension.lowercased() == "npy" ? .unmarked("an .npy file") : .pattern
  }

  /// The ids beside a pattern or a representation: `{"id":…` and nothing else in every line, and no other file of this name, with another
  /// ending, that they belong to.
  public static func identifiers(of pattern: URL) -> OutputKind {
    OutputKind("the ids of the file's samples") { url in
      let sibling = pattern.deletingPathExtension().appendingPathExtension("safetensors")
      let isAnothers = FileIdentity(at: sibling) != FileIdentity(at: pattern) && hasIds(sibling, url)
      return hasLines(url) && !isAnothers
    }
  }

  /// Whether a pattern file says that these are its ids.
  private static func hasIds(_ pattern: URL, _ url: URL) -> Bool {
    guard let fingerprint = (try? SafetensorsFile(at: pattern))?.metadata["ids_fingerprint"],
      let ids = try? SampleIdentifiers.read(from: url)
    else {
      return false
    }
    return SampleIdentifiers.fingerprint(ids) == fingerprint
  }

  private static func hasLines(_ url: URL) -> Bool {
    guard let file = try? MappedFile(at: url), file.count > 0, (try? SampleIdentifiers.read(from: url)) != nil else { return false }
    return withExtendedLifetime(file) {
      file.bytes.split(separator: UInt8(ascii: "\n")).allSatisfy { $0.starts(with: Array("{\"id\":\"".utf8)) }
    }
  }
}

extension PatternFile {
  /// The files that a pattern or change is read from: itself or its shards, and their ids where they have any.
  public static func files(of url: URL) -> [URL] {
    ([url] + shards(at: url)).flatMap { [$0, SampleIdentifiers.url(beside: $0)] }
  }

  /// The shards that a place stands for, as far as they are there: of the pattern of which it names one, or whose own name it is; none for a file of its
  /// own.
  public static func shards(at url: URL) -> [URL] { PatternShards.files(at: url) ?? [] }

  /// The pattern's own name where one of its shards is named.
  public static func name(of url: URL) -> URL {
    // Any other name is nobody's shard, and nothing need be looked for.
    guard PatternShard.named(url) != nil, let found = try? PatternShards.find(at: url) else { return url }
    return found.pattern
  }

  /// Tells whether a pattern or change is the same as another, byte by byte: itself, or all its shards one after another.
  /// - Throws: `FileError`.
  public static func fingerprint(of url: URL) throws -> String {
    var fingerprint = Fingerprint()
    let shards = shards(at: url)
    for file in shards.isEmpty ? [url] : shards {
      let mapped = try MappedFile(at: file)
      withExtendedLifetime(mapped) { fingerprint.add(mapped.bytes) }
    }
    return fingerprint.digits
  }
}

extension OutputGuard {
  /// Takes a pattern's or change's file as an output, with its ids and what else lies beside it.
  /// - Parameters:
  ///   - url: `.safetensors`, `.npz` or `.npy`.
  ///   - keepsSamples: whether the file has every sample's own levels, and so ids beside it.
  ///   - companions: a measurement's journal, and what else is written with the file.
  /// - Throws: as `claim(file:as:beside:)` does.
  public func claim(pattern url: URL, keepsSamples: Bool, beside companions: [Companion] = []) throws {
    // Ids that are not the pattern's own stay where they are when it has none.
    let ids = keepsSamples ? [Companion.part(SampleIdentifiers.url(beside: url), as: .identifiers(of: url))] : []
    try claim(file: url, as: .pattern(named: url), beside: ids + companions)
  }
}
