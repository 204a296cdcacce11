import Ground
import Foundation
import Torch

/// What a long run found so far, on disk beside its output, so that a killed run goes on where it stopped and ends with the same bytes.
///
/// A text line that tells the run's settings, then records: the length of what it holds, that, and a checksum. A record that was cut off or
/// damaged, and all after it, is found again.
final class RunJournal {
  private let handle: FileHandle
  private let url: URL
  private var synced = ContinuousClock.now
  /// The most bytes of one record.
  private static let recordLimit: UInt64 = 1 << 32

  /// Where the journal of an output lies.
  static func url(beside output: URL) -> URL { output.appendingPathExtension("journal") }

  /// Whether an unfinished run left one.
  static func exists(beside output: URL) -> Bool {
    FileManager.default.fileExists(atPath: url(beside: output).path(percentEncoded: false))
  }

  /// Deletes the journal of a run whose output is written.
  static func remove(beside output: URL) { try? FileManager.default.removeItem(at: url(beside: output)) }

  /// Starts an empty journal, or opens the one that is there where `resume` asks for it and hands its records over, first to last.
  ///
  /// - Parameter body: takes a record and tells whether it follows from those before; one that does not ends the usable part.
  static func open(
    beside output: URL, settings: String, resume: Bool, _ body: (_ record: JournalRecord) throws -> Bool
  ) throws -> RunJournal {
    let url = url(beside: output)
    guard resume, exists(beside: output) else {
      try AtomicFile.write(settings + "\n", to: url)
      let journal = try RunJournal(url)
      try journal.handle.seekToEnd()
      return journal
    }
    let journal = try RunJournal(url)
    let path = url.path(percentEncoded: false)
    guard let header = try journal.line() else {
      throw TorchError("\(path) is not a journal of a measurement; delete it to start over")
    }
    guard header == settings else {
      throw TorchError(
        "\(path) belongs to a run with other settings: \(difference(header, settings)); use the same ones, or delete the file to start over"
      )
    }
    var end = try journal.handle.offset()
    while let record = try journal.record(), try body(record) { end = try journal.handle.offset() }
    try journal.handle.truncate(atOffset: end)
    try journal.handle.seek(toOffset: end)
    return journal
  }

  private init(_ url: URL) throws {
    do {
      handle = try FileHandle(forUpdating: url)
    } catch {
      throw TorchError("cannot open \(url.path(percentEncoded: false)): \(error.localizedDescription); check the folder's permissions")
    }
    self.url = url
  }

  deinit { try? handle.close() }

  /// Adds a record.
  func append(_ record: JournalRecord) throws {
    var whole = JournalRecord()
    whole.put(UInt64(record.bytes.count))
    whole.bytes += record.bytes
    whole.put(RunJournal.checksum(whole.bytes[...]))
    do {
      try handle.write(contentsOf: Data(whole.bytes))
      // Written data survives a killed process at once; a lost machine costs at most these few seconds.
      if ContinuousClock.now - synced > .seconds(5) {
        try handle.synchronize()
        synced = .now
      }
    } catch {
      throw TorchError(
        "cannot write \(url.path(percentEncoded: false)): \(error.localizedDescription); make room on the disk and go on with --resume")
    }
  }

  private func line() throws -> String? {
    var text = Data()
    while let byte = try handle.read(upToCount: 1), let first = byte.first {
      if first == 10 { return String(bytes: text, encoding: .utf8) }
      guard text.count < 1 << 20 else { return nil }
      text.append(first)
    }
    return nil
  }

  /// The next record, or nil where there is none or it was cut off.
  private func record() throws -> JournalRecord? {
    guard let head = try handle.read(upToCount: 8), head.count == 8 else { return nil }
    var length = JournalRecord([UInt8](head))
    let size = length.integer(UInt64.self)
    guard size < RunJournal.recordLimit, let rest = try handle.read(upToCount: Int(size) + 8), rest.count == Int(size) + 8 else {
      return nil
    }
    let whole = [UInt8](head) + [UInt8](rest)
    var checksum = JournalRecord(Array(whole.suffix(8)))
    guard RunJournal.checksum(whole.dropLast(8)) == checksum.integer(UInt64.self) else { return nil }
    return JournalRecord(Array(whole[8..<whole.count - 8]))
  }

  /// FNV-1a: enough to notice a record that was cut off.
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    Fingerprint(of: bytes).value
  }

  /// Which settings of two header lines (`key=value` joined by tabs) differ.
  private static func difference(_ old: String, _ new: String) -> String {
    let before = old.split(separator: "\t")
    let differing = new.split(separator: "\t").filter { !before.contains($0) }
    return differing.isEmpty ? "unlike" : "now " + differing.joined(separator: ", ")
  }
}

/// The bytes of one record, written and read as little-endian numbers one after another.
struct JournalRecord {
  fileprivate(set) var bytes: [UInt8]
  private var place = 0

  init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// The bytes that were not read yet.
  var remaining: Int { bytes.count - place }

  mutating func put(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }

  /// The next number; what lies beyond the end reads as 0.
  mutating func integer<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
    var value: Number = 0
    for index in 0..<MemoryLayout<Number>.size where bytes.indices.contains(place + index) {
      value |= Number(truncatingIfNeeded: bytes[place + index]) << Number(8 * index)
    }
    place += MemoryLayout<Number>.size
    return value
  }
}
