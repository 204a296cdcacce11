import Foundation
import Ground
import Instructions

/// Data that Headway drew or chose from other data, with a manifest beside it of what was taken.
enum DrawnData {
  /// Where the manifest of a file lies: `NAME.manifest.json`.
  static func manifest(beside data: URL) -> URL { data.deletingPathExtension().appendingPathExtension("manifest.json") }

  /// The SHA-256 of the file's bytes, by which a manifest knows its data.
  static func fingerprint(of data: URL) throws -> String {
    try Dataset(at: [data], options: DatasetOptions(format: "pairs")).fingerprint()
  }

  /// A manifest: known by the keys that both commands write.
  static let manifestKind = OutputKind("a manifest of drawn data") { url in keys(of: url) != nil }

  /// Drawn data: the file that the manifest beside it is about, unchanged since.
  static let kind = OutputKind("data that Headway drew, with its manifest") { url in
    guard let manifest = keys(of: manifest(beside: url)) else { return false }
    return manifest["data_fingerprint"] as? String == (try? fingerprint(of: url))
  }

  private static func keys(of url: URL) -> [String: Any]? {
    guard let data = try? InputFile.contents(of: url, limit: .max),
      let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
      ["made_by", "data_fingerprint", "out"].allSatisfy({ object[$0] is String }),
      (object["made_by"] as? String)?.hasPrefix("headway ") == true
    else { return nil }
    return object
  }

  /// Takes a data file and its manifest as outputs.
  static func claim(_ data: URL, in outputs: OutputGuard) throws {
    try outputs.claim(file: data, as: kind, beside: [.part(manifest(beside: data), as: manifestKind)])
  }
}
