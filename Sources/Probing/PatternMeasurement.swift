public import ActivationPatterns
public import Foundation
public import Ground
public import LanguageModels
public import Ranks
import Torch

/// Measures the pattern of a task: tokenised samples in, levels of every head out, batch by batch, resumable.
public struct PatternMeasurement {
  /// How the losses of samples are weighted.
  public enum Loss: Sendable, Hashable, CodedAsText {
    /// Each sample's own mean over its labels: its levels do not depend on any other sample.
    case sample
    /// The mean over all labels of N consecutive samples, as the released script does.
    case batch(Int)

    /// `sample` or `batch:N`.
    public var description: String {
      switch self {
      case .sample: "sample"
      case .batch(let count): "batch:\(count)"
      }
    }

    /// What its text may be.
    public static let textForm = "a loss is 'sample' or 'batch:N'"

    /// Reads `sample` or `batch:N`; nil for anything else.
    public init?(_ text: String) {
      if text == "sample" {
        self = .sample
      } else if text.hasPrefix("batch:"), let count = Int(text.dropFirst(6)), count > 0 {
        self = .batch(count)
      } else {
        return nil
      }
    }
  }

  /// How far a measurement is.
  public struct Progress: Sendable {
    /// Samples done, of how many.
    public var samples: Int
    /// All of them.
    public var totalSamples: Int
    /// Tokens done, of how many.
    public var tokens: Int
    /// All of them.
    public var totalTokens: Int
    /// Tokens per second since the run (not the one it resumes) began.
    public var tokensPerSecond: Double
    /// Seconds left at that speed.
    public var secondsLeft: Double { tokensPerSecond > 0 ? Double(totalTokens - tokens) / tokensPerSecond : .infinity }
  }

  /// What a measurement found.
  public struct Result: Sendable {
    /// The samples in the order of the data.
    public var samples: [MeasuredSample]
    /// Tokens that went through the model, those of a resumed run included.
    public var tokens: Int
    /// Tokens of this run alone, and the seconds that its measuring loop took.
    public var measuredTokens: Int
    /// Seconds of the measuring loop.
    public var seconds: Double
  }

  /// What a measurement found whose levels stay in its journal.
  public struct KeptResult: Sendable {
    /// The samples' places in the data, in its order.
    public var index: [Int]
    /// Which of the samples that were given are the shard's, or all of them; those without a label are among them.
    public var places: Range<Int>
    /// Their losses.
    public var losses: [Float]
    /// Under each score the samples' levels, in the journal's file: good also when the journal is deleted, until this value goes.
    public var levels: [Score: SampleLevels]
    /// Tokens that went through the model, those of a resumed run included.
    public var tokens: Int
    /// Tokens of this run alone, and the seconds that its measuring loop took.
    public var measuredTokens: Int
    /// Seconds of the measuring loop.
    public var seconds: Double
  }

  /// The measurement was asked to stop; what it found is in the journal.
  public struct Stopped: Error {}

  /// The probe that measures.
  public let probe: Probe
  /// How losses are weighted.
  public let loss: Loss
  /// The most tokens of a batch; a longer sample is a batch of its own. What the probe's memory allows may be less.
  public let batchTokens: Int
  /// The processes that measure together; nil for this one alone. On all but the first nothing is found.
  public let ranks: RankGroup?

  /// Whether the model's weights may be laid out once for all batches (`CausalDecoder.layOutWeights`): where one measurement is all that it is for. Several
  /// processes on a machine would each take the memory.
  public var laysOutWeights = false

  /// A measurement.
  public init(_ probe: Probe, loss: Loss = .sample, batchTokens: Int, ranks: RankGroup? = nil) {
    self.probe = probe
    self.loss = loss
    self.ranks = ranks
    self.batchTokens = max(1, min(batchTokens, probe.tokenLimit ?? batchTokens))
  }

  /// Measures samples in order.
  ///
  /// - Parameters:
  ///   - samples: all samples of the data; those without a label take part in nothing but the counting of `batch:N`.
  ///   - journalOutput: the output beside which a journal is kept; nil for none.
  ///   - identity: what must be equal for a resume beside the samples.
  ///   - resume: whether to continue with a journal that is there.
  ///   - overwrites: whether a journal that is not gone on with is thrown away.
  ///   - shouldStop: asked before every batch.
  ///   - progress: told after every batch.
  public func run(
    _ samples: [TokenizedSample], journalOutput: URL? = nil, identity: RunIdentity = RunIdentity(), resume: Bool = false,
    overwrites: Bool = false,
    shouldStop: () -> Bool = { false }, progress: (Progress) -> Void = { _ in }
  ) throws -> Result {
    var found: [MeasuredSample] = []
    let (work, _) = try measure(
      samples, journalOutput: journalOutput, identity: identity, resume: resume, overwrites: overwrites, shouldStop: shouldStop,
      progress: progress, resumed: { batch in batch.forEach { found.append($0) } }, measured: { batch, _ in found += batch })
    return Result(samples: found, tokens: work.tokens, measuredTokens: work.measuredTokens, seconds: work.seconds)
  }

  /// Measures samples in order and hands each over as it is found, so that memory does not grow with them.
  ///
  /// - Parameters:
  ///   - samples: as for `run`.
  ///   - shouldStop: asked before every batch.
  ///   - progress: told after every batch.
  ///   - body: takes the samples that have a label, in order.
  public func forEach(
    _ samples: [TokenizedSample], shouldStop: () -> Bool = { false }, progress: (Progress) -> Void = { _ in },
    _ body: (MeasuredSample) -> Void
  ) throws {
    _ = try measure(
      samples, journalOutput: nil, identity: RunIdentity(), resume: false, overwrites: false, shouldStop: shouldStop, progress: progress,
      resumed: { _ in }, measured: { batch, _ in batch.forEach(body) })
  }

  /// Measures samples in order and leaves their levels in the journal, so that memory does not grow with them.
  ///
  /// - Parameters:
  ///   - samples: as for `run`; also where only a shard of them is measured, since batches and the weights of labels follow from all.
  ///   - shard: which of the batches are measured; all where nil. Batches are those of a run over all samples, so that levels are the same to the bit.
  ///   - journalOutput: the output beside which the journal is kept.
  ///   - identity: what must be equal for a resume beside the samples.
  ///   - resume: whether to go on with a journal that is there.
  ///   - overwrites: whether a journal that is not gone on with is thrown away.
  ///   - shouldStop: asked before every batch.
  ///   - progress: told after every batch.
  public func runKeepingJournal(
    _ samples: [TokenizedSample], shard: PatternShard? = nil, journalOutput: URL, identity: RunIdentity = RunIdentity(),
    resume: Bool = false, overwrites: Bool = false,
    shouldStop: () -> Bool = { false }, progress: (Progress) -> Void = { _ in }
  ) throws -> KeptResult {
    var index: [Int] = []
    var losses: [Float] = []
    var stretches: [SampleLevels.Stretch] = []
    func take(_ sample: MeasuredSample) {
      index.append(sample.index)
      losses.append(sample.loss)
    }
    let (work, journal) = try measure(
      samples, shard: shard, journalOutput: journalOutput, identity: identity, resume: resume, overwrites: overwrites,
      shouldStop: shouldStop,
      progress: progress,
      resumed: { batch in
        stretches.append(.init(first: index.count, count: batch.count, offset: batch.offset))
        batch.forEachWithoutLevels(take)
      },
      measured: { batch, offset in
        stretches.append(.init(first: index.count, count: batch.count, offset: offset ?? 0))
        batch.forEach(take)
      })
    var levels: [Score: SampleLevels] = [:]
    if let journal {
      let file = try journal.mapped()
      for score in probe.scores { levels[score] = try journal.levels(of: score, in: stretches, of: file) }
    }
    return KeptResult(
      index: index, places: work.places, losses: losses, levels: levels, tokens: work.tokens, measuredTokens: work.measuredTokens,
      seconds: work.seconds)
  }

  /// What a measurement did.
  private struct Work {
    var places: Range<Int>
    var tokens: Int
    var measuredTokens: Int
    var seconds: Double
  }

  /// The measuring loop: what a journal holds first, then every batch that it lacks, in order.
  private func measure(
    _ samples: [TokenizedSample], shard: PatternShard? = nil, journalOutput: URL?, identity: RunIdentity, resume: Bool, overwrites: Bool,
    shouldStop: () -> Bool, progress: (Progress) -> Void, resumed: (MeasurementJournal.Batch) -> Void,
    measured take: (_ batch: [MeasuredSample], _ offset: Int?) -> Void
  ) throws -> (Work, MeasurementJournal?) {
    let weights = labelWeights(samples)
    let measured = samples.indices.filter { samples[$0].labelCount > 0 }
    let lanes = probe.decoder.batchLanes(batchTokens: batchTokens, passes: 2)
    let plan = lanes.plan(measured.map { samples[$0].tokens.count })
    let shape = probe.decoder.shape
    let entries = shape.layers * shape.attentionHeads
    let sizes = plan.map { range in range.reduce(0) { $0 + samples[measured[$1]].tokens.count } }
    let own = shard?.part(of: sizes) ?? plan.indices
    let totalTokens = sizes[own].reduce(0, +)
    // Where a batch begins among the measured samples, and where among all.
    func beginning(of batch: Int) -> Int { batch < plan.count ? plan[batch].lowerBound : measured.count }
    func place(of batch: Int) -> Int { batch == 0 ? 0 : batch < plan.count ? measured[plan[batch].lowerBound] : samples.count }
    let first = beginning(of: own.lowerBound)
    let totalSamples = beginning(of: own.upperBound) - first

    var done = first
    var doneTokens = 0
    func count(_ number: Int) {
      for place in done..<done + number { doneTokens += samples[measured[place]].tokens.count }
      done += number
    }
    // Whatever chose, changed or cut the samples, a journal fits only if they are the same ones.
    var identity = identity
    identity["encoded_fingerprint"] = TokenizedSample.fingerprint(of: samples)
    var rest = plan[own]
    var journal: MeasurementJournal?
    if let journalOutput, ranks.writes {
      journal = try MeasurementJournal(
        beside: journalOutput, identity: identity, resume: resume, overwrites: overwrites, scores: probe.scores, entries: entries
      ) { batch in
        // A record is a batch of this very plan: one that ends within another, of a run on another device or by another version, would leave samples
        // out. Anything else ends the usable part.
        guard let next = rest.first, batch.first == next.lowerBound, batch.count == next.count else { return false }
        rest = rest.dropFirst()
        count(batch.count)
        resumed(batch)
        return true
      }
    }
    // Where the first rank's journal ends the others begin, too.
    rest = plan[own].dropFirst(try ranks?.told(own.count - rest.count) ?? own.count - rest.count)
    let resumedTokens = doneTokens
    let started = ContinuousClock.now
    if laysOutWeights, ranks == nil { try probe.decoder.layOutWeights(tokens: totalTokens - resumedTokens) }
    let scores = probe.scores
    try RankGroup.sideBySide(
      on: ranks,
      // Of all batches, so that a run that is gone on with computes them as one that was left alone does.
      lanes: lanes.count(for: sizes, bytes: probe.activationBytes),
      next: { () -> Range<Int>? in
        guard let range = rest.first else { return nil }
        rest = rest.dropFirst()
        return range
      },
      shouldStop: shouldStop, stopped: Stopped(),
      { range, _ -> [MeasuredSample] in
        let members = range.map { measured[$0] }
        return try probe.levels(of: members.map { samples[$0] }, labelWeights: members.map { weights[$0] })
      },
      encode: { MeasurementJournal.record(first: 0, $0, scores: scores).bytes },
      decode: { bytes, range in
        guard let batch = MeasurementJournal.Batch(JournalRecord(bytes), scores: scores, entries: entries), batch.count == range.count
        else {
          throw ProbingError(
            "another rank sent levels that are not those of \(range.count) samples; start all ranks with the same version of Headway")
        }
        var found: [MeasuredSample] = []
        batch.forEach { found.append($0) }
        return found
      },
      inOrder: { range, batch in
        take(batch, try journal?.append(first: range.lowerBound, batch))
        count(batch.count)
        let seconds = (ContinuousClock.now - started).seconds
        progress(
          Progress(
            samples: done - first, totalSamples: totalSamples, tokens: doneTokens, totalTokens: totalTokens,
            tokensPerSecond: seconds > 0 ? Double(doneTokens - resumedTokens) / seconds : 0))
      })
    let work = Work(
      places: place(of: own.lowerBound)..<place(of: own.upperBound), tokens: doneTokens, measuredTokens: doneTokens - resumedTokens,
      seconds: (ContinuousClock.now - started).seconds)
    return (work, journal)
  }

  /// Deletes the journal beside an output that is written.
  public static func removeJournal(beside output: URL) { RunJournal.remove(beside: output) }

  /// Where the journal beside this output lies.
  public static func journal(beside output: URL) -> URL { RunJournal.url(beside: output) }

  /// For each sample the weight of one of its labels.
  func labelWeights(_ samples: [TokenizedSample]) -> [Double] {
    switch loss {
    case .sample: return samples.map { 1 / Double(max(1, $0.labelCount)) }
    case .batch(let size):
      return samples.indices.map { index in
        let group = index / size * size..<min(samples.count, index / size * size + size)
        return 1 / Double(max(1, group.reduce(0) { $0 + samples[$1].labelCount }))
      }
    }
  }
}

extension Duration {
  /// In seconds.
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
