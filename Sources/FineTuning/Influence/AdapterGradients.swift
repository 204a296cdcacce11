import Ground
public import LanguageModels
import Probing
import Torch

/// The gradient of each sample's own loss by all weights of a model's low-rank adapters, as one long row.
///
/// Many samples share a packed batch and one walk back: each goes through leaves of its own, which share the adapters' memory. Dropout is off.
public struct AdapterGradients {
  private let decoder: any CausalDecoder
  private let adapters: [LowRankAdapter]
  /// The numbers of a gradient, P: of every adapter in the decoder's order A `[r, inputs]`, then B `[outputs, r]`, row by row.
  public let count: Int

  /// The gradients by a decoder's adapters.
  /// - Throws: `TrainingError` where it has none.
  public init(_ decoder: any CausalDecoder) throws {
    self.decoder = decoder
    adapters = decoder.parameters.compactMap(\.adapter)
    count = adapters.reduce(0) { $0 + $1.down.tensor.count + $1.up.tensor.count }
    guard count > 0 else {
      throw TrainingError("the model has no adapters whose gradients could be taken; give one that was trained with them")
    }
  }

  /// The most tokens whose activations are kept at once; nil where there is no limit.
  private var tokenLimit: Int? {
    decoder.device == .cpu ? max(1, ActivationMemory.limit / max(1, decoder.activationBytesPerToken)) : nil
  }

  /// The gradients of samples that have labels, each [P].
  /// - Parameters:
  ///   - samples: computed in packed batches; a sample's gradient does not depend on the others' but for rounding.
  ///   - batchTokens: the most tokens of a batch; a longer sample is a batch of its own.
  /// - Throws: `NotFiniteError` where a loss or a gradient is not finite.
  public func rows(of samples: [TokenizedSample], batchTokens: Int) throws -> [[Float]] {
    try PackedBatch.plan(samples.map(\.tokens.count), tokenLimit: min(batchTokens, tokenLimit ?? batchTokens)).flatMap {
      try rows(ofBatch: Array(samples[$0]))
    }
  }

  private func rows(ofBatch samples: [TokenizedSample]) throws -> [[Float]] {
    let batch = PackedBatch(samples)
    let apart = try adapters.map { try LowRankAdapter.Apart($0, batch) }
    for (adapter, leaves) in zip(adapters, apart) { adapter.apart = leaves }
    defer { for adapter in adapters { adapter.apart = nil } }
    let pass = try ForwardPass(batch, on: decoder.device, labelRowsOnly: true)
    // The loss of a batch is the sum of its samples' own.
    let (_, each) = try decoder.backpropagateLoss(pass, batch, keepsActivations: batch.tokens.count <= tokenLimit ?? .max)
    try decoder.requireFinite(batch.sampleMeans(of: each), of: samples)
    return try samples.enumerated().map { place, sample in
      var row: [Float] = []
      row.reserveCapacity(count)
      for leaves in apart {
        for leaf in [leaves.leaves[place].down, leaves.leaves[place].up] {
          row += try leaf.takeGradient()?.floats() ?? [Float](repeating: 0, count: leaf.count)
        }
      }
      guard row.allSatisfy(\.isFinite) else {
        throw try decoder.notFinite("the gradient of the sample at index \(sample.index) is not finite")
      }
      return row
    }
  }
}
