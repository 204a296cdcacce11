public import LanguageModels
import Torch

/// What a model makes of samples in passes forward alone: packed batches, no padding, each sample's figures independent of the others'.
public struct SampleReader {
  /// The decoder.
  public let decoder: any CausalDecoder

  /// A reader by a decoder.
  public init(_ decoder: any CausalDecoder) { self.decoder = decoder }

  /// Each sample's mean cross-entropy over its labels (response tokens and the end of the sequence), [B]: the loss that `Probe` tells.
  /// - Throws: `NotFiniteError` where one is not finite.
  public func losses(of samples: [TokenizedSample]) throws -> [Float] {
    try withoutGradients {
      let batch = PackedBatch(samples)
      let pass = try ForwardPass(batch, on: decoder.device, labelRowsOnly: true)
      let losses = try batch.sampleMeans(of: decoder.labelLoss(of: decoder.hiddenStates(of: pass), batch).each)
      try decoder.requireFinite(losses, of: samples)
      return losses.map { Float($0) }
    }
  }

  /// Each sample's position-weighted mean of the hidden states that the vocabulary projection reads, [B · hidden]:
  ///
  ///     Σ_i i · h_i / Σ_i i,  i = 1 … tokens
  ///
  /// over all its tokens, prompt, response and end of sequence (SGPT, Muennighoff 2022; RDS+, Ivison et al. 2025, which takes the last of
  /// transformers' `hidden_states`: after the final normalisation). Summed in double precision.
  /// - Throws: `NotFiniteError` where a number is not finite.
  public func embeddings(of samples: [TokenizedSample]) throws -> [Float] {
    try withoutGradients {
      let batch = PackedBatch(samples)
      let hidden = try decoder.hiddenStates(of: ForwardPass(batch, on: decoder.device))
      let weights = samples.flatMap { sample in
        let count = Double(sample.tokens.count)
        return sample.tokens.indices.map { 2 * Double($0 + 1) / (count * (count + 1)) }
      }
      // The weights' float64 is what the products are computed in, and not every device has it.
      let weighted = try hidden.moved(to: .cpu) * Tensor(weights, shape: [weights.count, 1])
      let means = try weighted.segmentSums(bounds: batch.bounds).floats()
      let width = means.count / max(1, samples.count)
      for (place, sample) in samples.enumerated() where means[place * width..<(place + 1) * width].contains(where: { !$0.isFinite }) {
        throw try decoder.notFinite("a hidden state of the sample at index \(sample.index) is not finite")
      }
      return means
    }
  }

  /// The length of an embedding: what the vocabulary projection reads, which is narrower than the residual stream in some models (OPT-350m).
  public var embeddingWidth: Int { decoder.outputProjection.weight.shape.last ?? decoder.shape.hiddenSize }
}
