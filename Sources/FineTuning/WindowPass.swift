import Foundation
import Ground
import LanguageModels
import Ranks
import Torch

/// What the way forward and back through one window of samples gave; the gradients are in the optimiser's sums.
struct WindowResult {
  /// The mean cross-entropy over all label tokens of the window.
  var loss = 0.0
  /// Tokens that went through the model.
  var tokens = 0
  /// The index of the first sample whose loss is not finite; nil where all are.
  var notFinite: Int?
  /// The window's mean level of each head `[L · H]` (METHOD §8), where it was recorded.
  var levels: [Double]?
}

extension WindowResult {
  /// Makes this rank's part of a window the whole.
  /// - Parameters:
  ///   - levels: the sums over this rank's samples, empty where it has none.
  ///   - levelled: the samples in them.
  ///   - entries: heads of all layers; none where windows are not recorded.
  fileprivate mutating func add(_ ranks: RankGroup, _ levels: inout [Double], _ levelled: inout Int, entries: Int) throws {
    let own = [loss, Double(tokens), Double(notFinite ?? -1), Double(levelled)]
    let all = try ranks.gathered(own + (levels.isEmpty ? [Double](repeating: 0, count: entries) : levels))
    (loss, tokens, notFinite, levelled, levels) = (0, 0, nil, 0, [Double](repeating: 0, count: entries))
    for part in all {
      loss += part[0]
      tokens += Int(part[1])
      levelled += Int(part[3])
      if notFinite == nil, part[2] >= 0 { notFinite = Int(part[2]) }
      for (place, level) in part.dropFirst(own.count).enumerated() { levels[place] += level }
    }
  }
}

/// Runs windows of samples forward and back.
struct WindowPass {
  let decoder: any CausalDecoder
  let settings: TrainingSettings
  /// The adapters, whose dropout is told which pass it is.
  var adapters: [LowRankAdapter] = []
  /// How many batches of a window are computed at a time, each on one thread, by their tokens; one where nil. It changes no bit of the sums.
  var lanes: BatchLanes?
  /// The weights, whose gradients ranks share; nil for a pass that computes none.
  var weights: TrainableWeights?
  /// The processes that share a window's batches; nil for this one alone.
  var ranks: RankGroup?

  /// Adds the gradients of a window's loss, the mean over all its label tokens, to the sums.
  /// - Parameter step: the window's number, which seeds dropout.
  /// - Returns: what the whole window gave, on every rank.
  func run(_ samples: [TokenizedSample], step: Int) throws -> WindowResult {
    let labels = samples.reduce(0) { $0 + $1.labelCount }
    guard labels > 0 else { throw TrainingError("the window of step \(step + 1) has no label; check the data") }
    var result = WindowResult()
    var levels: [Double] = []
    var levelled = 0
    // The batches are those of one rank, whose loss and gradients a window of several has.
    let pieces = share(
      of: batches(of: samples).enumerated().map { Piece(number: $0, samples: $1) }.filter { $0.samples.contains { $0.labelCount > 0 } })
    let turns = GradientTurns()
    try weights?.begin(turns, lastBatch: pieces.count - 1)
    var begun = 0
    try Engine.sideBySide(
      lanes: laneCount(pieces),
      next: { () -> Int? in
        guard begun < pieces.count else { return nil }
        begun += 1
        return begun - 1
      },
      { place, _ in try turns.batch(place) { try compute(pieces[place], labels: labels, step: step) } }
    ) { place, found in
      result.tokens += found.tokens
      result.loss += found.loss
      if let sample = found.notFinite, result.notFinite == nil { result.notFinite = sample }
      guard settings.recordsWindows else { return }
      for (sample, row) in zip(pieces[place].samples, found.rows) where sample.labelCount > 0 {
        // Each sample's share of the window's loss becomes its own mean loss again.
        let scale = Double(labels) / Double(sample.labelCount)
        if levels.isEmpty { levels = [Double](repeating: 0, count: row.count) }
        for (place, value) in row.enumerated() { levels[place] += abs(Double(value)) * scale }
        levelled += 1
      }
    }
    try turns.finish()
    try weights?.finishGradients()
    let entries = settings.recordsWindows ? decoder.shape.layers * decoder.shape.attentionHeads : 0
    if let ranks { try result.add(ranks, &levels, &levelled, entries: entries) }
    if levelled > 0 { result.levels = levels.map { $0 / Double(levelled) } }
    return result
  }

  /// The batches of this rank: stretches of about as many tokens for each.
  private func share(of pieces: [Piece]) -> [Piece] {
    guard let ranks else { return pieces }
    let total = pieces.reduce(0) { $0 + $1.tokens }
    var before = 0
    return pieces.filter { piece in
      // By its middle, so that batches of one length are divided evenly.
      let owner = (2 * before + piece.tokens) * ranks.count / max(1, 2 * total)
      before += piece.tokens
      return min(owner, ranks.count - 1) == ranks.rank
    }
  }

  /// A batch of a window.
  private struct Piece {
    /// Which batch it is, counted from 0.
    let number: Int
    let samples: [TokenizedSample]
    var tokens: Int { samples.reduce(0) { $0 + $1.tokens.count } }
  }

  /// What a batch gave.
  private struct Found {
    var loss: Double
    var tokens: Int
    /// The index of the first sample whose loss is not finite; nil where all are.
    var notFinite: Int?
    /// Each sample's signed levels `[L · H]`; none where windows are not recorded.
    var rows: [ArraySlice<Float>] = []
  }

  private func laneCount(_ pieces: [Piece]) -> Int {
    // Adapters know one pass at a time.
    guard let lanes, !adapters.contains(where: { $0.dropout > 0 }) else { return 1 }
    return lanes.count(for: pieces.map(\.tokens)) { MemoryPlan.batchBytes(decoder, settings, decoder.elementType, tokens: $0) }
  }

  private func compute(_ piece: Piece, labels: Int, step: Int) throws -> Found {
    let dropping = adapters.filter { $0.dropout > 0 }
    for adapter in dropping { adapter.pass = .init(seed: settings.seed, step: step, batch: piece.number) }
    defer { for adapter in dropping { adapter.pass = nil } }
    let packed = PackedBatch(piece.samples, labelWeights: piece.samples.map { _ in 1 / Double(labels) })
    let (loss, each, byGates) = try forwardAndBack(packed)
    var found = Found(loss: loss, tokens: packed.tokens.count)
    if !loss.isFinite { found.notFinite = zip(try packed.sampleMeans(of: each), piece.samples).first { !$0.0.isFinite }?.1.index }
    if settings.recordsWindows { found.rows = try rows(byGates, packed) }
    return found
  }

  /// The samples of a window in batches: a fixed number of sequences, or as many as a token budget holds.
  private func batches(of samples: [TokenizedSample]) -> [[TokenizedSample]] {
    if let limit = settings.batchTokens {
      let lengths = samples.map(\.tokens.count)
      return (lanes?.planWindow(lengths, tokenLimit: limit) ?? PackedBatch.plan(lengths, tokenLimit: limit)).map { Array(samples[$0]) }
    }
    return stride(from: 0, to: samples.count, by: settings.batchSize).map {
      Array(samples[$0..<min(samples.count, $0 + settings.batchSize)])
    }
  }

  private func forwardAndBack(_ batch: PackedBatch) throws -> (loss: Double, each: Tensor, byGates: [Tensor]) {
    let gates = settings.recordsWindows ? try HeadGates.measuring(decoder.shape, tokens: batch.tokens.count, on: decoder.device) : nil
    let pass = try ForwardPass(batch, on: decoder.device, labelRowsOnly: true, gates: gates)
    let (loss, each) = try decoder.backpropagateLoss(pass, batch, keepsActivations: !settings.checkpointsActivations)
    return (try loss.scalar(), each, try gates?.takeGradients() ?? [])
  }

  /// Each sample's signed levels `[L · H]`, layer by layer.
  private func rows(_ byGates: [Tensor], _ batch: PackedBatch) throws -> [ArraySlice<Float>] {
    let width = decoder.shape.layers * decoder.shape.attentionHeads
    let sums = try Tensor.concatenated(byGates, dimension: 1).segmentSums(bounds: batch.bounds).floats()
    return (0..<batch.sampleCount).map { sums[$0 * width..<($0 + 1) * width] }
  }

  /// The mean cross-entropy over all labels of samples, without gradients.
  func meanLoss(of samples: [TokenizedSample], tokenLimit: Int) throws -> Double {
    let labelled = samples.filter { $0.labelCount > 0 }
    var ranges = PackedBatch.plan(labelled.map(\.tokens.count), tokenLimit: tokenLimit)[...]
    var total = 0.0
    try RankGroup.sideBySide(
      on: ranks, lanes: 1, next: { ranges.popFirst() }, shouldStop: { false }, stopped: TrainingError("an evaluation was stopped"),
      { range, _ in
        try withoutGradients {
          let batch = PackedBatch(Array(labelled[range]))
          let pass = try ForwardPass(batch, on: decoder.device, labelRowsOnly: true)
          let each = try decoder.labelLoss(of: decoder.hiddenStates(of: pass), batch).each
          try decoder.requireFinite(batch.sampleMeans(of: each), of: Array(labelled[range]))
          return try each.doubles().reduce(0, +)
        }
      },
      encode: { try Array(HeadwayJSON.encoder().encode([$0])) },
      decode: { bytes, _ in try JSONDecoder().decode([Double].self, from: Data(bytes)).reduce(0, +) },
      inOrder: { _, sum in total += sum })
    let labels = labelled.reduce(0) { $0 + $1.labelCount }
    return try labels > 0 ? (ranks?.told(total) ?? total) / Double(labels) : .nan
  }
}
