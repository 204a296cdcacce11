import ActivationPatterns
import Foundation
import Torch

/// What a measurement found so far, on disk beside its output, so that a killed run goes on where it stopped and ends with the same bytes.
///
/// A text line that tells the run's settings, then a record a batch: the number of its first sample, its sample count, the samples' positions,
/// losses and levels, and a checksum. A record that was cut off is measured again.
final class MeasurementJournal {
  private let handle: FileHandle
  private let url: URL
  private let scores: [Score]
  private let entries: Int
  private var synced = ContinuousClock.now

  /// Where the journal of an output lies.
  static func url(beside output: URL) -> URL { output.appendingPathExtension("journal") }

  /// Starts an empty journal.
  init(creating url: URL, settings: String, scores: [Score], entries: Int) throws {
    try AtomicFile.write(settings + "\n", to: url)
    handle = try MeasurementJournal.open(url)
    self.url = url
    self.scores = scores
    self.entries = entries
    try handle.seekToEnd()
  }

  /// Opens a journal of the same settings and hands over its complete records, batch by batch.
  init(
    resuming url: URL, settings: String, scores: [Score], entries: Int, _ body: (_ first: Int, _ samples: [MeasuredSample]) throws -> Void
  ) throws {
    handle = try MeasurementJournal.open(url)
    self.url = url
    self.scores = scores
    self.entries = entries
    let path = url.path(percentEncoded: false)
    guard let header = try line() else {
      throw TorchError("\(path) is not a journal of a measurement; delete it to start over")
    }
    guard header == settings else {
      throw TorchError(
        "\(path) belongs to a run with other settings: \(Self.difference(header, settings)); use the same ones, or delete the file to start over"
      )
    }
    var end = try handle.offset()
    while let (first, samples) = try record() {
      try body(first, samples)
      end = try handle.offset()
    }
    try handle.truncate(atOffset: end)
    try handle.seek(toOffset: end)
  }

  deinit { try? handle.close() }

  /// Adds a batch.
  func append(first: Int, _ samples: [MeasuredSample]) throws {
    var record = Data()
    func put(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { record.append(contentsOf: $0) } }
    put(UInt64(first))
    put(UInt64(samples.count))
    for sample in samples {
      put(Int64(sample.index))
      put(sample.loss.bitPattern)
      for score in scores { for level in sample.levels[score] ?? [] { put(level.bitPattern) } }
    }
    put(MeasurementJournal.checksum(record))
    do {
      try handle.write(contentsOf: record)
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

  /// Deletes the journal of a run whose output is written.
  static func remove(beside output: URL) { try? FileManager.default.removeItem(at: url(beside: output)) }

  private static func open(_ url: URL) throws -> FileHandle {
    do {
      return try FileHandle(forUpdating: url)
    } catch {
      throw TorchError("cannot open \(url.path(percentEncoded: false)): \(error.localizedDescription); check the folder's permissions")
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
  private func record() throws -> (Int, [MeasuredSample])? {
    guard let head = try handle.read(upToCount: 16), head.count == 16 else { return nil }
    var reader = Reader(bytes: [UInt8](head))
    let first = reader.integer(UInt64.self)
    let count = reader.integer(UInt64.self)
    let size = 12 + 4 * scores.count * entries
    guard first < 1 << 48, count < 1 << 24, let body = try handle.read(upToCount: Int(count) * size + 8),
      body.count == Int(count) * size + 8
    else {
      return nil
    }
    let whole = head + body
    guard MeasurementJournal.checksum(whole.dropLast(8)) == Reader(bytes: [UInt8](whole.suffix(8))).peek(UInt64.self) else { return nil }
    reader = Reader(bytes: [UInt8](body))
    let samples = (0..<Int(count)).map { _ in
      let index = Int(reader.integer(Int64.self))
      let loss = Float(bitPattern: reader.integer(UInt32.self))
      var levels: [Score: [Float]] = [:]
      for score in scores { levels[score] = (0..<entries).map { _ in Float(bitPattern: reader.integer(UInt32.self)) } }
      return MeasuredSample(index: index, loss: loss, levels: levels)
    }
    return (Int(first), samples)
  }

  /// Reads integers one after another; what lies beyond the end reads as 0, which a checksum has ruled out before.
  private struct Reader {
    let bytes: [UInt8]
    var place = 0

    mutating func integer<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
      defer { place += MemoryLayout<Number>.size }
      return peek(type)
    }
    func peek<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
      (0..<MemoryLayout<Number>.size).reduce(0) { value, index in
        value | (bytes.indices.contains(place + index) ? Number(truncatingIfNeeded: bytes[place + index]) << Number(8 * index) : 0)
      }
    }
  }

  /// FNV-1a: enough to notice a record that was cut off.
  private static func checksum(_ data: some Sequence<UInt8>) -> UInt64 {
    data.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// Which settings of two header lines (`key=value` joined by tabs) differ.
  private static func difference(_ old: String, _ new: String) -> String {
    let before = old.split(separator: "\t")
    let differing = new.split(separator: "\t").filter { !before.contains($0) }
    return differing.isEmpty ? "unlike" : "now " + differing.joined(separator: ", ")
  }
}
