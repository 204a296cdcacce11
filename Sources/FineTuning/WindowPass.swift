import Ground
import LanguageModels
import Torch

/// What the way forward and back through one window of samples gave; the gradients are in the optimiser's sums.
struct WindowResult {
  /// The mean cross-entropy over all label tokens of the window.
  var loss = 0.0
  /// Tokens that went through the model.
  var tokens = 0
  /// The window's mean level of each head `[L · H]` (METHOD §8), where it was recorded.
  var levels: [Double]?
}

/// Runs windows of samples forward and back.
struct WindowPass {
  let decoder: any Decoder
  let settings: TrainingSettings
  /// The adapters, whose dropout is told which pass it is.
  var adapters: [LowRankAdapter] = []
  /// The most logits that exist at a time: 2²⁴ are 32 MiB in bfloat16.
  private static let logitLimit = 1 << 24

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
      let (loss, byGates) = try forwardAndBack(packed)
      result.loss += loss
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

  /// The samples of a window in batches: so many sequences, or as many as a token budget holds.
  private func batches(of samples: [TokenizedSample]) -> [[TokenizedSample]] {
    if let limit = settings.batchTokens {
      return PackedBatch.plan(samples.map(\.tokens.count), tokenLimit: limit).map { Array(samples[$0]) }
    }
    return stride(from: 0, to: samples.count, by: settings.batchSize).map {
      Array(samples[$0..<min(samples.count, $0 + settings.batchSize)])
    }
  }

  private func forwardAndBack(_ batch: PackedBatch) throws -> (loss: Double, byGates: [Tensor]) {
    let gates = settings.recordsWindows ? try HeadGates.measuring(decoder.shape, tokens: batch.tokens.count, on: decoder.device) : nil
    let pass = try ForwardPass(batch, on: decoder.device, labelRowsOnly: true, gates: gates)
    let loss = settings.checkpointsActivations ? try layerByLayer(pass, batch) : try atOnce(pass, batch)
    let byGates = try (gates?.layers ?? []).enumerated().map { layer, gate in
      guard let gradient = try gate.takeGradient() else {
        throw TorchError("training: the loss does not depend on the gates of layer \(layer)")
      }
      return gradient
    }
    return (loss, byGates)
  }

  private func atOnce(_ pass: ForwardPass, _ batch: PackedBatch) throws -> Double {
    let (loss, _) = try loss(of: decoder.hiddenStates(of: pass), batch)
    try backpropagate(from: [loss])
    return try loss.scalar()
  }

  /// Forward keeping only what goes into each layer, then back layer by layer, each computed again.
  private func layerByLayer(_ pass: ForwardPass, _ batch: PackedBatch) throws -> Double {
    var pass = pass
    let beginning = try decoder.begin(&pass).resolved()
    var inputs: [Tensor] = []
    let last: Tensor = try withoutGradients {
      var stream = ResidualStream(try beginning.detached())
      for index in 0..<decoder.shape.layers {
        let input = try stream.resolved()
        inputs.append(input)
        stream = try decoder.layer(index, ResidualStream(input), pass)
      }
      return try stream.resolved()
    }
    func seed(_ leaf: Tensor) throws -> Tensor {
      guard let gradient = try leaf.takeGradient() else { throw TorchError("training: a layer's output does not depend on its input") }
      return gradient
    }
    let top = try last.requiringGradient()
    let (loss, _) = try loss(of: decoder.finish(ResidualStream(top)), batch)
    try backpropagate(from: [loss])
    var gradient = try seed(top)
    for index in (0..<decoder.shape.layers).reversed() {
      let input = try inputs[index].requiringGradient()
      inputs.removeLast()
      try backpropagate(from: [decoder.layer(index, ResidualStream(input), pass).resolved()], seeds: [gradient])
      gradient = try seed(input)
    }
    // Adapters leave the embeddings frozen: then there is nothing to walk back to.
    if beginning.requiresGradient { try backpropagate(from: [beginning], seeds: [gradient]) }
    return try loss.scalar()
  }

  /// The loss of the hidden states at the labels, each weighted as the batch says, and each label's own.
  func loss(of hidden: Tensor, _ batch: PackedBatch) throws -> (loss: Tensor, each: Tensor) {
    let projection = decoder.outputProjection
    return try hidden.linearCrossEntropy(
      weight: projection.weight, bias: projection.bias, targets: try Tensor(batch.targets).moved(to: decoder.device),
      labelWeights: try Tensor(batch.labelWeights, shape: [batch.labelWeights.count]).moved(to: decoder.device),
      chunk: min(1024, max(64, WindowPass.logitLimit / max(1, decoder.shape.vocabularySize))))
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
        let (_, each) = try loss(of: decoder.hiddenStates(of: pass), batch)
        total += try each.doubles().reduce(0, +)
        labels += batch.targets.count
      }
    }
    return labels > 0 ? total / Double(labels) : .nan
  }
}
