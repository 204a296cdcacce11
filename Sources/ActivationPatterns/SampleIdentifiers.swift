import CheckpointFiles
import Ground
public import Foundation
import Torch

/// The ids beside a pattern or a representation, `NAME.ids.jsonl`: a line `{"id":…,"index":…}` for each sample, in the file's order.
public enum SampleIdentifiers {
  private struct Line: Codable {
    var id: String
    var index: Int64?
  }

  /// The ids' file of a pattern's or a representation's.
  public static func url(beside pattern: URL) -> URL {
    pattern.deletingPathExtension().appendingPathExtension("ids.jsonl")
  }

  /// Writes the ids, whole or not at all.
  /// - Throws: `FileError`.
  public static func write(_ ids: [String], index: [Int64], to url: URL) throws {
    let encoder = HeadwayJSON.encoder()
    var text = Data()
    for (id, index) in zip(ids, index) {
      text.append(try encoder.encode(Line(id: id, index: index)))
      text.append(UInt8(ascii: "\n"))
    }
    try AtomicFile.write(text, to: url)
  }

  /// The ids, in order.
  /// - Throws: `FileError`, or `PatternError` naming the line that is wrong.
  public static func read(from url: URL) throws -> [String] {
    let file = try MappedFile(at: url)
    let decoder = JSONDecoder()
    var ids: [String] = []
    for (number, line) in file.bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
      let data = Data(line)
      guard let id = (try? decoder.decode(Line.self, from: data).id) ?? (try? decoder.decode(String.self, from: data)) else {
        throw PatternError(
          url.path(percentEncoded: false), problem: "line \(number + 1) is not {\"id\": …}", remedy: "measure the pattern again")
      }
      ids.append(id)
    }
    return ids
  }

  /// The ids beside a file of samples; nil where there are none, or those of another.
  /// - Throws: as `read(from:)`.
  static func read(of file: SafetensorsFile) throws -> [String]? {
    let url = url(beside: file.url)
    guard let fingerprint = file.metadata["ids_fingerprint"], FileManager.default.fileExists(atPath: url.path(percentEncoded: false)) else {
      return nil
    }
    let ids = try read(from: url)
    // Of another pattern, where a write was cut off between the two files: samples then pair by position in the same data.
    return Self.fingerprint(ids) == fingerprint ? ids : nil
  }

  /// Ties the ids to the file that they belong to, since the two are written one after the other: of each id and a zero.
  public static func fingerprint(_ ids: [String]) -> String {
    var fingerprint = Fingerprint()
    for id in ids {
      fingerprint.add(id)
      fingerprint.add(0)
    }
    return hexadecimal(fingerprint)
  }

  /// Sixteen digits.
  static func hexadecimal(_ fingerprint: Fingerprint) -> String {
    let digits = fingerprint.digits
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
