import Ground
import LanguageModels
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
    let started = ContinuousClock.now
    let earlier = found.count
    var tokens = 0
    for range in PackedBatch.plan(measured.map(\.tokens.count), tokenLimit: batchTokens) where range.lowerBound >= earlier {
      if monitor.shouldStop() { throw BenchmarkMeasurement.Stopped() }
      let batch = PackedBatch(Array(measured[range]))
      let means = try withoutGradients {
        let hidden = try decoder.hiddenStates(of: ForwardPass(batch, on: decoder.device, labelRowsOnly: true))
        return try batch.sampleMeans(of: decoder.labelLoss(of: hidden, batch).each)
      }
      try decoder.requireFinite(means, of: Array(measured[range]))
      var record = JournalRecord()
      record.put(UInt32(range.lowerBound))
      for (mean, sample) in zip(means, measured[range]) {
        let sum = -mean * Double(sample.labelCount)
        record.put(sum.bitPattern)
        found.append(Sample(index: sample.index, logProbability: sum, labels: sample.labelCount))
      }
      try journal?.append(record)
      tokens += batch.tokens.count
      let seconds = (ContinuousClock.now - started).inSeconds
      monitor.progress(
        RunProgress(
          completed: found.count, total: measured.count, unit: "samples", tokensPerSecond: Double(tokens) / max(seconds, 1e-9),
          secondsLeft: seconds / Double(found.count - earlier) * Double(measured.count - found.count)))
    }
    return found
  }
}

extension Duration {
  /// The duration as a number.
  package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
