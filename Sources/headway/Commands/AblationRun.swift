import Ground
import ActivationPatterns
import ArgumentParser
import Foundation
import LanguageModels
import Probing

/// Everything that is switched off in a run, each set once although it may be asked for twice.
struct AblationPlan {
  /// The items, one by one.
  let items: [AblationItem]
  /// Their sets' places in `sets`.
  let single: [Int]
  /// The place of all items together; nil for one item.
  let together: Int?
  /// The places of the first 1, 2, … items together; nil where not asked for.
  let cumulative: [Int]?
  /// For each random order its items and the places of the first 1, 2, … of them together.
  let random: [(items: [AblationItem], prefixes: [Int])]
  /// What is switched off.
  let sets: [HeadSet]

  init(_ items: [AblationItem], _ shape: DecoderShape, cumulative wantsCurve: Bool, randomOrders: Int, seed: UInt64) {
    var sets: [HeadSet] = []
    var known: [HeadSet: Int] = [:]
    func place(_ set: HeadSet) -> Int {
      if let place = known[set] { return place }
      known[set] = sets.count
      sets.append(set)
      return sets.count - 1
    }
    func prefixes(_ items: [AblationItem]) -> [Int] {
      var heads: [HeadPlace] = []
      return items.map { item in
        heads += item.set(of: shape).heads
        return place(HeadSet(heads))
      }
    }
    self.items = items
    single = items.map { place($0.set(of: shape)) }
    together = items.count > 1 ? place(HeadSet(items.flatMap { $0.set(of: shape).heads })) : nil
    cumulative = wantsCurve ? prefixes(items) : nil
    random = (0..<(wantsCurve ? randomOrders : 0)).map { order in
      let peers = items.first?.peers(in: shape) ?? []
      let drawn = Array(AblationChoice.shuffled(peers, seed: seed, stream: "ablate random order \(order)").prefix(items.count))
      return (drawn, prefixes(drawn))
    }
    self.sets = sets
  }
}

/// What a run measured, sample by sample.
struct AblationFindings {
  var samples: [AblationMeasurement.Sample]
  /// Minus the signed levels `[N][L · H]`.
  var predictions: [[Double]]
  var shape: DecoderShape
  var tokens: Int
  var tokenLayers: Int
  var seconds: Double

  /// The predicted change of a sample without a set: the sum over its heads.
  func prediction(_ sample: Int, of set: HeadSet) -> Double { set.heads.reduce(0) { $0 + predictions[sample][$1.entry(in: shape)] } }
}

/// Levels first, which rank the heads and predict; then the truth.
struct AblationRun {
  let decoder: any CausalDecoder
  let samples: [TokenizedSample]
  let batchTokens: Int
  let output: URL?
  let settings: String
  let resume: Bool
  let overwrites: Bool
  let options: OutputOptions

  /// Where the levels' journal lies: beside a file of this name.
  private var levelsOutput: URL? { output.map(AblationRun.levelsOutput(of:)) }
  private static func levelsOutput(of output: URL) -> URL { output.appendingPathExtension("levels") }

  /// Where a run of this output keeps what it found until it is done.
  static func journals(of output: URL) -> [URL] {
    [AblationMeasurement.journal(beside: output), PatternMeasurement.journal(beside: levelsOutput(of: output))]
  }

  func removeJournals() {
    if let output { AblationMeasurement.removeJournal(beside: output) }
    if let levelsOutput { PatternMeasurement.removeJournal(beside: levelsOutput) }
  }

  func measure(_ choice: AblationChoice, cumulative: Bool, randomOrders: Int) throws -> (AblationFindings, AblationPlan) {
    let received = StopSignal()
    let sources = Interruption.install { received.set($0) }
    defer { sources.forEach { $0.cancel() } }
    var line = ProgressLine(quiet: options.quiet)
    defer { line.finish() }
    do {
      let levels = try PatternMeasurement(Probe(decoder, scores: [.signed]), batchTokens: batchTokens).run(
        samples, journalOutput: levelsOutput, settings: settings, resume: resume, overwrites: overwrites,
        shouldStop: { received.number != 0 },
        progress: { now in line.show("levels: \(now.samples)/\(now.totalSamples) samples, \(ProgressLine.duration(now.secondsLeft)) left") }
      )
      let signed = levels.samples.map { ($0.levels[.signed] ?? []).map(Double.init) }
      let magnitudes = (0..<(signed.first?.count ?? 0)).map { entry in
        signed.reduce(0) { $0 + abs($1[entry]) } / Double(max(1, signed.count))
      }
      let items = try choice.items(of: decoder.shape, magnitudes: magnitudes)
      let plan = AblationPlan(items, decoder.shape, cumulative: cumulative, randomOrders: randomOrders, seed: choice.seed)
      let ablation = try HeadAblation(decoder, sets: plan.sets, batchTokens: batchTokens)
      let result = try AblationMeasurement(ablation).run(
        samples, journalOutput: output, settings: settings, resume: resume, overwrites: overwrites, shouldStop: { received.number != 0 },
        progress: { now in
          line.show(
            "ablation: \(now.samples)/\(now.totalSamples) samples, \(Int(now.share * 100))% of the work, \(ProgressLine.duration(now.secondsLeft)) left"
          )
        })
      let findings = AblationFindings(
        samples: result.samples, predictions: signed.map { $0.map { -$0 } }, shape: decoder.shape, tokens: levels.tokens,
        tokenLayers: result.tokenLayers, seconds: result.seconds)
      return (findings, plan)
    } catch is PatternMeasurement.Stopped {
      line.finish()
      options.note(output == nil ? "stopped" : "stopped; the same command with --resume goes on from here")
      throw ExitCode(128 + received.number)
    }
  }
}
