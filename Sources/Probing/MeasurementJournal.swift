import ActivationPatterns
import Foundation
import Ground

/// The journal of a measurement: a record a batch, with the number of its first sample, its sample count, and the samples' positions, losses and
/// levels.
final class MeasurementJournal {
  private let journal: RunJournal
  private let scores: [Score]

  /// Opens the journal beside an output, and hands over what it holds where a run is resumed; `body` tells whether a batch follows from those before.
  init(
    beside output: URL, identity: RunIdentity, resume: Bool, overwrites: Bool, scores: [Score], entries: Int,
    _ body: (_ first: Int, _ samples: [MeasuredSample]) throws -> Bool
  ) throws {
    self.scores = scores
    journal = try RunJournal.open(beside: output, identity: identity, resume: resume, overwrites: overwrites) { record in
      var record = record
      let first = record.integer(UInt64.self)
      let count = record.integer(UInt64.self)
      let size = 12 + 4 * scores.count * entries
      guard first < 1 << 48, count < 1 << 24, record.remaining == Int(count) * size else { return false }
      let samples = (0..<Int(count)).map { _ in
        let index = Int(record.integer(Int64.self))
        let loss = Float(bitPattern: record.integer(UInt32.self))
        var levels: [Score: [Float]] = [:]
        for score in scores { levels[score] = (0..<entries).map { _ in Float(bitPattern: record.integer(UInt32.self)) } }
        return MeasuredSample(index: index, loss: loss, levels: levels)
      }
      return try body(Int(first), samples)
    }
  }

  /// Adds a batch.
  func append(first: Int, _ samples: [MeasuredSample]) throws {
    var record = JournalRecord()
    record.put(UInt64(first))
    record.put(UInt64(samples.count))
    for sample in samples {
      record.put(Int64(sample.index))
      record.put(sample.loss.bitPattern)
      for score in scores { for level in sample.levels[score] ?? [] { record.put(level.bitPattern) } }
    }
    try journal.append(record)
  }
}
