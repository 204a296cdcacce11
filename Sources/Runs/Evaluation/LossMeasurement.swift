import Ground
import LanguageModels
import Ranks
import Torch

/// Measures the loss of every sample's labels, batch by batch, resumable.
struct LossMeasurement {
  let decoder: any CausalDecoder
  let batchTokens: Int

  /// One sample's.
  struct Sample: Sendable, Hashable {
    /// The sample's place in the data, counted from 0.
    var index: Int
    /// Of all its labels, in nats.
    var logProbability: Double
    var labels: Int

    /// The mean of its labels' losses.
    var loss: Double { -logProbability / Double(max(1, labels)) }
  }

  /// The losses of all samples that have labels, in the order of the data.
  func run(_ samples: [TokenizedSample], _ keeping: BenchmarkMeasurement.Journal, _ monitor: RunMonitor) throws -> [Sample] {
    let measured = samples.filter { $0.labelCount > 0 }
    var found: [Sample] = []
    var journal: RunJournal?
    if let output = keeping.output {
      var identity = keeping.identity
      identity["encoded_fingerprint"] = TokenizedSample.fingerprint(of: samples)
      journal = try RunJournal.open(
        beside: output, identity: identity, resume: keeping.resume, overwrites: keeping.overwrites
      ) { record in
        var record = record
        let first = Int(record.integer(UInt32.self))
        guard first == found.count, record.remaining.isMultiple(of: 8), first + record.remaining / 8 <= measured.count else { return false }
        for sample in measured[first..<first + record.remaining / 8] {
          found.append(
            Sample(index: sample.index, logProbability: Double(bitPattern: record.integer(UInt64.self)), labels: sample.labelCount))
        }
        return true
      }
    }
    let plan = PackedBatch.plan(measured.map(\.tokens.count), tokenLimit: batchTokens)
    // Where the first rank's journal ends the others begin, too.
    let earlier = try monitor.ranks?.told(found.count) ?? found.count
    var rest = plan.filter { $0.lowerBound >= earlier }[...]
    let started = ContinuousClock.now
    var tokens = 0
    try RankGroup.sideBySide(
      on: monitor.ranks, lanes: 1, next: { rest.popFirst() }, shouldStop: monitor.shouldStop, stopped: BenchmarkMeasurement.Stopped(),
      { range, _ -> [Double] in
        let batch = PackedBatch(Array(measured[range]))
        let means = try withoutGradients {
          let hidden = try decoder.hiddenStates(of: ForwardPass(batch, on: decoder.device, labelRowsOnly: true))
          return try batch.sampleMeans(of: decoder.labelLoss(of: hidden, batch).each)
        }
        try decoder.requireFinite(means, of: Array(measured[range]))
        return zip(means, measured[range]).map { mean, sample in -mean * Double(sample.labelCount) }
      },
      encode: { sums in
        var record = JournalRecord()
        for sum in sums { record.put(sum.bitPattern) }
        return record.bytes
      },
      decode: { bytes, range in
        guard bytes.count == 8 * range.count else {
          throw RunError(
            "another rank sent losses that are not those of \(range.count) samples; start all ranks with the same version of Headway")
        }
        var record = JournalRecord(bytes)
        return range.map { _ in Double(bitPattern: record.integer(UInt64.self)) }
      },
      inOrder: { range, sums in
        var record = JournalRecord()
        record.put(UInt32(range.lowerBound))
        for (sum, sample) in zip(sums, measured[range]) {
          record.put(sum.bitPattern)
          found.append(Sample(index: sample.index, logProbability: sum, labels: sample.labelCount))
        }
        try journal?.append(record)
        tokens += measured[range].reduce(0) { $0 + $1.tokens.count }
        let seconds = (ContinuousClock.now - started).inSeconds
        monitor.progress(
          RunProgress(
            completed: found.count, total: measured.count, unit: "samples", tokensPerSecond: Double(tokens) / max(seconds, 1e-9),
            secondsLeft: seconds / Double(found.count - earlier) * Double(measured.count - found.count)))
      })
    return found
  }
}

extension Duration {
  /// The duration as a number.
  package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
