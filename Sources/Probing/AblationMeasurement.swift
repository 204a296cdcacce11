public import Ground
public import Foundation
public import LanguageModels
import Torch

/// Measures what switching heads off does to the loss of every sample, piece by piece, resumable.
public struct AblationMeasurement {
  /// How far a measurement is.
  public struct Progress: Sendable {
    /// Samples done, of how many.
    public var samples: Int
    /// All of them.
    public var totalSamples: Int
    /// The share of the work that is done.
    public var share: Double
    /// Seconds left at the speed so far.
    public var secondsLeft: Double
  }

  /// One sample's losses.
  public struct Sample: Sendable, Hashable {
    /// The sample's place in the data, counted from 0.
    public var index: Int
    /// Its mean cross-entropy over its labels, L(ξ = 1).
    public var loss: Double
    /// For each set, how much greater the loss is without its heads: L(ξ = 0) − L(ξ = 1).
    public var changes: [Double]
  }

  /// What a measurement found.
  public struct Result: Sendable {
    /// The samples in the order of the data.
    public var samples: [Sample]
    /// Tokens times layers that were computed in this run.
    public var tokenLayers: Int
    /// Seconds of the measuring loop in this run.
    public var seconds: Double
  }

  /// What is switched off.
  public let ablation: HeadAblation

  /// A measurement.
  public init(_ ablation: HeadAblation) { self.ablation = ablation }

  /// Measures samples in order; those without a label are left out.
  ///
  /// - Parameters:
  ///   - samples: all samples of the data.
  ///   - journalOutput: the output beside which a journal is kept; nil for none.
  ///   - identity: what must be equal for a resume beside samples and sets.
  ///   - resume: whether to continue with a journal that is there.
  ///   - overwrites: whether a journal that is not gone on with is thrown away.
  ///   - shouldStop: asked after every packed batch.
  ///   - progress: told after every packed batch.
  /// - Throws: `PatternMeasurement.Stopped` where it was asked to stop.
  public func run(
    _ samples: [TokenizedSample], journalOutput: URL? = nil, identity: RunIdentity = RunIdentity(), resume: Bool = false,
    overwrites: Bool = false,
    shouldStop: () -> Bool = { false }, progress: (Progress) -> Void = { _ in }
  ) throws -> Result {
    let measured = samples.filter { $0.labelCount > 0 }
    let plan = PackedBatch.plan(measured.map(\.tokens.count), tokenLimit: ablation.batchTokens)
    let batches = plan.map { Array(measured[$0]) }
    let units = batches.map { ablation.units($0.map(\.tokens.count)) }
    // [batches][units so far][losses]
    var found: [[[Double]]] = batches.map { _ in [] }

    var journal: RunJournal?
    if let journalOutput {
      var identity = identity
      identity["sets_fingerprint"] = setsFingerprint
      identity["encoded_fingerprint"] = TokenizedSample.fingerprint(of: samples)
      journal = try RunJournal.open(beside: journalOutput, identity: identity, resume: resume, overwrites: overwrites) { record in
        var record = record
        let (batch, unit) = (Int(record.integer(UInt32.self)), Int(record.integer(UInt32.self)))
        // Pieces follow each other without gaps; anything else ends the usable part.
        guard batch == found.indices.first(where: { found[$0].count < units[$0].count }), unit == found[batch].count,
          record.remaining == 8 * lossCount(units[batch][unit], batches[batch])
        else { return false }
        found[batch].append((0..<record.remaining / 8).map { _ in Double(bitPattern: record.integer(UInt64.self)) })
        return true
      }
    }

    let work = zip(batches, units).map { batch, units in units.map { self.work($0, batch) } }
    let total = Double(work.joined().reduce(0, +))
    let resumed = zip(work, found).reduce(0) { $0 + $1.0.prefix($1.1.count).reduce(0, +) }
    var done = resumed
    let started = ContinuousClock.now
    for (number, batch) in batches.enumerated() where found[number].count < units[number].count {
      if shouldStop() { throw PatternMeasurement.Stopped() }
      try ablation.run(units[number], batch, from: found[number].count) { unit, losses in
        var record = JournalRecord()
        record.put(UInt32(number))
        record.put(UInt32(unit))
        for loss in losses { record.put(loss.bitPattern) }
        try journal?.append(record)
        found[number].append(losses)
        done += work[number][unit]
        let seconds = (ContinuousClock.now - started).seconds
        let samplesDone = plan[number].lowerBound + (found[number].count == units[number].count ? batch.count : 0)
        progress(
          Progress(
            samples: samplesDone, totalSamples: measured.count, share: Double(done) / total,
            secondsLeft: seconds / Double(max(1, done - resumed)) * (total - Double(done))))
        if shouldStop(), number < batches.count - 1 || unit < units[number].count - 1 { throw PatternMeasurement.Stopped() }
      }
    }
    let result = zip(batches, zip(units, found)).flatMap { batch, pieces in
      let (whole, without) = ablation.assemble(pieces.0, pieces.1, sampleCount: batch.count)
      return batch.enumerated().map { place, sample in
        Sample(index: sample.index, loss: whole[place], changes: without.map { $0[place] - whole[place] })
      }
    }
    return Result(samples: result, tokenLayers: done - resumed, seconds: (ContinuousClock.now - started).seconds)
  }

  /// Deletes the journal beside an output that is written.
  public static func removeJournal(beside output: URL) { RunJournal.remove(beside: output) }

  /// Where the journal beside this output lies.
  public static func journal(beside output: URL) -> URL { RunJournal.url(beside: output) }

  private func lossCount(_ unit: HeadAblation.Unit, _ batch: [TokenizedSample]) -> Int {
    unit.layer == nil ? batch.count : unit.copies.count
  }

  /// Tokens times layers of a piece.
  private func work(_ unit: HeadAblation.Unit, _ batch: [TokenizedSample]) -> Int {
    let layers = ablation.decoder.shape.layers
    guard let layer = unit.layer else { return batch.reduce(0) { $0 + $1.tokens.count } * layers }
    return unit.copies.reduce(0) { $0 + batch[$1.sample].tokens.count } * (layers - layer)
  }

  /// Changes with what is switched off.
  private var setsFingerprint: String {
    var fingerprint = Fingerprint()
    for set in ablation.sets {
      fingerprint.add(set.heads.count)
      for head in set.heads {
        fingerprint.add(head.layer)
        fingerprint.add(head.head)
      }
    }
    return fingerprint.digits
  }
}
