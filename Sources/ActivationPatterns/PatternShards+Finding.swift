import Foundation
import Ground

extension PatternShards {
  /// The shards that a place stands for: where one of them is named, all of its set; where a file is named that is not there, those that have its name.
  /// - Returns: the pattern's own name and all its shards, whether or not their files are there; nil where the place stands for no shards.
  /// - Throws: `PatternError` where two sets have the name.
  static func find(at url: URL) throws -> (pattern: URL, shards: [PatternShard])? {
    func all(_ count: Int) -> [PatternShard] { (1...count).compactMap { PatternShard($0, of: count) } }
    let named = PatternShard.named(url)
    guard FileKind(of: url) == nil else {
      // A whole pattern may be called as a shard is.
      guard let named, OutputKind.patternShard.isOwn(url) else { return nil }
      return (named.pattern, all(named.shard.count))
    }
    guard url.pathExtension.lowercased() == "safetensors" else { return nil }
    if let named {
      let shards = all(named.shard.count)
      if shards.contains(where: { OutputKind.patternShard.isOwn($0.url(of: named.pattern)) }) { return (named.pattern, shards) }
    }
    let folder = url.deletingLastPathComponent()
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))) ?? []
    // By their bytes: Swift's strings compare canonically, and file systems do not.
    let own = Array(url.lastPathComponent.utf8)
    let counts = Set(
      names.compactMap { name -> Int? in
        let file = folder.appending(path: name)
        guard let named = PatternShard.named(file), Array(named.pattern.lastPathComponent.utf8) == own, OutputKind.patternShard.isOwn(file)
        else { return nil }
        return named.shard.count
      }
    ).sorted()
    guard let count = counts.first else { return nil }
    let shards = all(count)
    guard counts.count == 1 else {
      throw PatternError(
        url.relativePath,
        problem:
          "there is no such file, but shards of it in \(counts.count) sets (of \(counts.map(String.init).joined(separator: ", of ")))",
        remedy: "name a file of the set that is meant, such as \(shards[0].url(of: url).lastPathComponent), or move the others away")
    }
    return (url, shards)
  }

  /// Says which shards are not there.
  static func missing(_ missing: [PatternShard], of pattern: URL) -> PatternError {
    func list(_ texts: [Message]) -> Message {
      let shown = texts.count > 6 ? texts.prefix(5) + ["\(texts.count - 5) more"] : texts[...]
      return shown.enumerated().reduce("") { text, item in
        text + (item.offset == 0 ? "" : item.offset == shown.count - 1 ? " and " : ", ") + item.element
      }
    }
    let (are, them): (Message, Message) = missing.count == 1 ? ("is", "it") : ("are", "them")
    return PatternError(
      problem: "\(list(missing.map { Message($0.url(of: pattern).relativePath) })) \(are) missing",
      remedy: "run pattern with \(list(missing.map { "\(setting: .shard.set(to: $0))" })), or put \(them) beside the other shards")
  }

  /// The shards' files that are there; nil where the place stands for none.
  static func files(at url: URL) -> [URL]? {
    guard let (pattern, shards) = try? find(at: url) else { return nil }
    return shards.map { $0.url(of: pattern) }.filter { FileKind(of: $0) != nil }
  }
}
