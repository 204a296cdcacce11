import ActivationPatterns
import Foundation
import Ground

/// The journal of a measurement: a record a batch, with the number of its first sample, its sample count, and the samples' positions, losses and
/// levels.
final class MeasurementJournal {
  private let journal: RunJournal
  private let scores: [Score]
  private let entries: Int

  /// Opens the journal beside an output, and hands over what it holds where a run is resumed; `body` tells whether a batch follows from those before.
  init(
    beside output: URL, identity: RunIdentity, resume: Bool, overwrites: Bool, scores: [Score], entries: Int,
    _ body: (_ batch: Batch) throws -> Bool
  ) throws {
    self.scores = scores
    self.entries = entries
    journal = try RunJournal.open(beside: output, identity: identity, resume: resume, overwrites: overwrites) { record in
      try Batch(record, scores: scores, entries: entries).map(body) ?? false
    }
  }

  /// A record as it is found again.
  struct Batch {
    /// The number of its first sample.
    let first: Int
    /// Its samples.
    let count: Int
    /// Where its samples begin in the journal's file.
    let offset: Int
    private var record: JournalRecord
    private let scores: [Score]
    private let entries: Int

    init?(_ record: JournalRecord, scores: [Score], entries: Int) {
      var record = record
      let first = record.integer(UInt64.self)
      let count = record.integer(UInt64.self)
      guard first < 1 << 48, count < 1 << 24,
        record.remaining == Int(count) * MeasurementJournal.stride(scores: scores.count, entries: entries)
      else { return nil }
      (self.first, self.count, offset) = (Int(first), Int(count), record.offset + MeasurementJournal.headSize)
      (self.record, self.scores, self.entries) = (record, scores, entries)
    }

    /// Hands the samples over in order.
    func forEach(_ body: (MeasuredSample) -> Void) {
      var record = record
      for _ in 0..<count {
        var sample = MeasurementJournal.head(&record)
        for score in scores { sample.levels[score] = (0..<entries).map { _ in Float(bitPattern: record.integer(UInt32.self)) } }
        body(sample)
      }
    }

    /// Hands the samples over in order, without their levels.
    func forEachWithoutLevels(_ body: (MeasuredSample) -> Void) {
      var record = record
      for _ in 0..<count {
        body(MeasurementJournal.head(&record))
        record.skip(4 * scores.count * entries)
      }
    }
  }

  /// A batch as a record.
  static func record(first: Int, _ samples: [MeasuredSample], scores: [Score]) -> JournalRecord {
    var record = JournalRecord()
    record.put(UInt64(first))
    record.put(UInt64(samples.count))
    for sample in samples {
      record.put(Int64(sample.index))
      record.put(sample.loss.bitPattern)
      for score in scores { (sample.levels[score] ?? []).withUnsafeBytes { record.put($0) } }
    }
    return record
  }

  /// Adds a batch.
  /// - Returns: where its samples begin in the journal's file.
  func append(first: Int, _ samples: [MeasuredSample]) throws -> Int {
    try journal.append(Self.record(first: first, samples, scores: scores)) + MeasurementJournal.headSize
  }

  /// The levels of a score where they lie in the journal.
  /// - Parameter stretches: every batch's first sample, its samples, and where they begin.
  func levels(of score: Score, in stretches: [SampleLevels.Stretch], of file: MappedFile) throws -> SampleLevels {
    let before = 12 + 4 * entries * (scores.firstIndex(of: score) ?? 0)
    return try SampleLevels(
      entryCount: entries, in: file,
      stretches: stretches.map { .init(first: $0.first, count: $0.count, offset: $0.offset + before) },
      stride: MeasurementJournal.stride(scores: scores.count, entries: entries))
  }

  /// The file with everything that was found, mapped.
  func mapped() throws -> MappedFile { try journal.mapped() }

  /// The bytes of a record before its samples.
  private static let headSize = 16
  /// The bytes of a sample: its position, its loss, its levels.
  private static func stride(scores: Int, entries: Int) -> Int { 12 + 4 * scores * entries }

  private static func head(_ record: inout JournalRecord) -> MeasuredSample {
    let index = Int(record.integer(Int64.self))
    return MeasuredSample(index: index, loss: Float(bitPattern: record.integer(UInt32.self)), levels: [:])
  }
}
