import Ground
import LanguageModels
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

/// Runs windows of samples forward and back.
struct WindowPass {
  let decoder: any CausalDecoder
  let settings: TrainingSettings
  /// The adapters, whose dropout is told which pass it is.
  var adapters: [LowRankAdapter] = []

  /// Adds the gradients of a window's loss, the mean over all its label tokens, to the sums.
  /// - Parameter step: the window's number, which seeds dropout.
  func run(_ samples: [TokenizedSample], step: Int) throws -> WindowResult {
    let labels = samples.reduce(0) { $0 + $1.labelCount }
    guard labels > 0 else { throw TrainingError("the window of step \(step + 1) has no label; check the data") }
    var result = WindowResult()
    var levels: [Double] = []
    var levelled = 0
    for (number, batch) in batches(of: samples).enumerated() {
      for adapter in adapters { adapter.pass = .init(seed: settings.seed, step: step, batch: number) }
      defer { for adapter in adapters { adapter.pass = nil } }
      let packed = PackedBatch(batch, labelWeights: batch.map { _ in 1 / Double(labels) })
      guard !packed.labelPositions.isEmpty else { continue }
      result.tokens += packed.tokens.count
      let (loss, each, byGates) = try forwardAndBack(packed)
      result.loss += loss
      if !loss.isFinite, result.notFinite == nil {
        result.notFinite = zip(try packed.sampleMeans(of: each), batch).first { !$0.0.isFinite }?.1.index
      }
      guard settings.recordsWindows else { continue }
      for (sample, row) in zip(batch, try rows(byGates, packed)) where sample.labelCount > 0 {
        // Each sample's share of the window's loss becomes its own mean loss again.
        let scale = Double(labels) / Double(sample.labelCount)
        if levels.isEmpty { levels = [Double](repeating: 0, count: row.count) }
        for (place, value) in row.enumerated() { levels[place] += abs(Double(value)) * scale }
        levelled += 1
      }
    }
    if levelled > 0 { result.levels = levels.map { $0 / Double(levelled) } }
    return result
  }

  /// The samples of a window in batches: a fixed number of sequences, or as many as a token budget holds.
  private func batches(of samples: [TokenizedSample]) -> [[TokenizedSample]] {
    if let limit = settings.batchTokens {
      return PackedBatch.plan(samples.map(\.tokens.count), tokenLimit: limit).map { Array(samples[$0]) }
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
    var total = 0.0
    var labels = 0
    try withoutGradients {
      for range in PackedBatch.plan(labelled.map(\.tokens.count), tokenLimit: tokenLimit) {
        let batch = PackedBatch(Array(labelled[range]))
        let pass = try ForwardPass(batch, on: decoder.device, labelRowsOnly: true)
        let each = try decoder.labelLoss(of: decoder.hiddenStates(of: pass), batch).each
        try decoder.requireFinite(batch.sampleMeans(of: each), of: Array(labelled[range]))
        total += try each.doubles().reduce(0, +)
        labels += batch.targets.count
      }
    }
    return labels > 0 ? total / Double(labels) : .nan
  }
}
