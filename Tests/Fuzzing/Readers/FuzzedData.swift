import Foundation
import Instructions

/// Datasets: every record is a sample, or is refused by its place.
enum FuzzedData {
  /// Samples that are read of a file.
  private static let mostRead = 2000
  private static let endings = ["jsonl", "json", "csv", "tsv", "txt", "none"]

  /// A line that says how the rest is read, such as `jsonl alpaca`, and the file: its ending, and a format where that is not to be recognised.
  static func dataset(_ bytes: UnsafeRawBufferPointer, _ folder: InputFolder) throws {
    let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
    let ending = words.first.map(String.init).flatMap { endings.contains($0) ? $0 : nil } ?? "none"
    let format = words.dropFirst().first.map(String.init).flatMap { DatasetFormats.names.contains($0) ? $0 : nil }
    let body = UnsafeRawBufferPointer(rebasing: bytes[min(end + 1, bytes.count)...])
    try read(folder.write(body, to: "data.\(ending)"), as: format)
  }

  static func read(_ file: URL, as format: String?) throws {
    let dataset = try Dataset(at: [file], options: DatasetOptions(format: format, limit: mostRead, skipBad: true))
    let reader = dataset.instructions()
    var read = 0
    while let sample = try reader.nextSample() {
      read += sample.instruction.prompt.utf8.count
      guard read < 1 << 30 else { throw BrokenPromise("more than a gigabyte of prompts") }
    }
  }
}
