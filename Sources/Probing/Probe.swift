import Ground
public import ActivationPatterns
public import LanguageModels
import Torch

/// The levels of one sample's heads.
public struct MeasuredSample: Sendable, Hashable {
  /// The sample's place in the data, counted from 0.
  public var index: Int
  /// Its mean cross-entropy over its labels.
  public var loss: Float
  /// For each score the levels `[L, H]` in row-major order.
  public var levels: [Score: [Float]]

  /// Levels by score.
  public init(index: Int, loss: Float, levels: [Score: [Float]]) {
    self.index = index
    self.loss = loss
    self.levels = levels
  }
}

/// How much of a pass is kept for its way back.
public enum ActivationMemory: String, Sendable, Hashable, CaseIterable, Codable {
  /// On a processor batches whose activations stay within `limit`, and `low` for a sample that is longer than that alone; elsewhere `normal`.
  case automatic = "auto"
  /// All layers' activations: fastest.
  case normal
  /// One layer's at a time, recomputed on the way back: a third more work, memory of the residual stream only.
  case low

  /// What activations may take with `automatic`: 1 GiB.
  public static let limit = 1 << 30
}

/// Measures head levels of packed batches: one forward and one backward pass with frozen weights, in which only the gates ask for gradients
/// (METHOD §1).
public struct Probe {
  /// The decoder, whose weights must not ask for gradients.
  public let decoder: any CausalDecoder
  /// What is read off, in a fixed order.
  public let scores: [Score]
  /// What is kept on the way.
  public let memory: ActivationMemory

  /// A probe of a decoder.
  public init(_ decoder: any CausalDecoder, scores: some Sequence<Score>, memory: ActivationMemory = .normal) {
    self.decoder = decoder
    let asked = Set(scores)
    self.scores = Score.allCases.filter(asked.contains)
    self.memory = memory
  }

  /// The levels of samples measured together; each sample's do not depend on the others'.
  ///
  /// - Parameters:
  ///   - samples: samples with at least one label each.
  ///   - labelWeights: for each sample the weight of one of its labels in the loss; 1 / its number of labels where nil, so that each
  ///     sample's level is that of its own mean loss.
  public func levels(of samples: [TokenizedSample], labelWeights: [Double]? = nil) throws -> [MeasuredSample] {
    try requireLabels(samples)
    return try measure(samples, PackedBatch(samples, labelWeights: labelWeights))
  }

  private func requireLabels(_ samples: [TokenizedSample]) throws {
    guard let empty = samples.first(where: { $0.labelCount == 0 }) else { return }
    throw ProbingError("the sample at index \(empty.index) has no label; leave it out")
  }

  /// The most tokens whose activations are kept at once; nil where there is no limit.
  public var tokenLimit: Int? {
    guard memory == .automatic, decoder.device == .cpu else { return nil }
    return max(1, ActivationMemory.limit / max(1, decoder.activationBytesPerToken))
  }

  private func keepsActivations(of tokens: Int) -> Bool { memory != .low && tokens <= tokenLimit ?? .max }

  /// What a batch of so many tokens takes of the memory, in bytes: an estimate.
  func activationBytes(of tokens: Int) -> Int {
    decoder.activationBytes(tokens: tokens, keepsActivations: keepsActivations(of: tokens))
  }

  /// 1 for each token that predicts a label, else 0, [T, 1].
  private func labelMask(of batch: PackedBatch) throws -> Tensor {
    var mask = [Float](repeating: 0, count: batch.tokens.count)
    for position in batch.labelPositions where mask.indices.contains(position) { mask[position] = 1 }
    return try Tensor(mask, shape: [mask.count, 1]).moved(to: decoder.device)
  }

  /// What a pass over a packed batch leaves: each sample's loss, and of each layer what scores are read from.
  private func pass(_ samples: [TokenizedSample], _ batch: PackedBatch) throws -> (losses: [Double], layers: [Score.Evidence]) {
    let device = decoder.device
    let shape = decoder.shape
    let gates = try HeadGates.measuring(shape, tokens: batch.tokens.count, on: device)
    var pass = try ForwardPass(batch, on: device, labelRowsOnly: true, gates: gates)
    if scores.contains(where: \.readsWeights) {
      pass.saliency = try (0..<shape.layers).map { _ in try Tensor.zeros([batch.tokens.count, shape.attentionHeads], on: device) }
    }
    let (_, each) = try decoder.backpropagateLoss(pass, batch, keepsActivations: keepsActivations(of: batch.tokens.count))
    let losses = try batch.sampleMeans(of: each)
    try decoder.requireFinite(losses, of: samples)
    let byGates = try gates.takeGradients()
    let labels = try scores.contains(where: \.readsLabels) ? labelMask(of: batch) : nil
    return (losses, byGates.indices.map { .init(gates: byGates[$0], weights: pass.saliency?[$0], labels: labels, bounds: batch.bounds) })
  }

  private func measure(_ samples: [TokenizedSample], _ batch: PackedBatch) throws -> [MeasuredSample] {
    guard batch.sampleCount > 0 else { return [] }
    let (losses, evidence) = try pass(samples, batch)
    // Each layer's [T, H] becomes [B, H] a score.
    var layers: [Score: [[Float]]] = [:]
    for layer in evidence {
      for score in scores { layers[score, default: []].append(try score.levels(from: layer)) }
    }
    let heads = decoder.shape.attentionHeads
    let measured = samples.enumerated().map { number, sample in
      let levels = layers.mapValues { $0.flatMap { $0[number * heads..<(number + 1) * heads] } }
      return MeasuredSample(index: sample.index, loss: Float(losses[number]), levels: levels)
    }
    for sample in measured {
      for score in scores where sample.levels[score]?.allSatisfy(\.isFinite) == false { throw try notFinite(score, sample.index) }
    }
    return measured
  }

  private func notFinite(_ score: Score, _ index: Int) throws -> any Error {
    try decoder.notFinite("the \(score.rawValue) of a head for the sample at index \(index) is not finite")
  }
}

// MARK: - Token by token

/// What the tokens of one sample have of the levels of some heads.
public struct MeasuredTokens: Sendable, Hashable {
  /// The sample's place in the data, counted from 0.
  public var index: Int
  /// Its mean cross-entropy over its labels.
  public var loss: Float
  /// For each head that was asked for, and each score, one number a token (`Score.tokenLevels`).
  public var levels: [HeadPlace: [Score: [Float]]]
}

extension Probe {
  /// What each token of samples that are measured together has of the levels of these heads.
  ///
  /// A gate lies on what a head writes at a token, so a token's share is that of the head's output there, whatever it attended to.
  /// - Parameters:
  ///   - samples: samples with at least one label each.
  ///   - heads: heads of the decoder.
  ///   - labelWeights: as for `levels`.
  /// - Throws: `ProbingError` where a sample has no label or the decoder lacks a head, `NotFiniteError`.
  public func tokenLevels(of samples: [TokenizedSample], heads: [HeadPlace], labelWeights: [Double]? = nil) throws -> [MeasuredTokens] {
    try requireLabels(samples)
    try HeadPlace.require(heads, in: decoder.shape)
    guard !samples.isEmpty else { return [] }
    let batch = PackedBatch(samples, labelWeights: labelWeights)
    let (losses, evidence) = try pass(samples, batch)
    var found = samples.enumerated().map { MeasuredTokens(index: $1.index, loss: Float(losses[$0]), levels: [:]) }
    let width = decoder.shape.attentionHeads
    for (layer, members) in Dictionary(grouping: heads, by: \.layer) {
      for score in scores {
        let rows = try score.tokenLevels(from: evidence[layer]).floats()
        for head in members {
          for number in samples.indices {
            let column = (batch.bounds[number]..<batch.bounds[number + 1]).map { rows[$0 * width + head.head] }
            guard column.allSatisfy(\.isFinite) else { throw try notFinite(score, samples[number].index) }
            found[number].levels[head, default: [:]][score] = column
          }
        }
      }
    }
    return found
  }
}
