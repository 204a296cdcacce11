import LanguageModels
import Torch

extension Decoder {
  /// The loss of hidden states `[M, hidden]` at the labels of a batch, weighted by its label weights, and each label's own cross-entropy `[M]`.
  func labelLoss(of hidden: Tensor, _ batch: PackedBatch) throws -> (loss: Tensor, each: Tensor) {
    // The most logits that exist at a time: 2²⁴ are 32 MiB in bfloat16.
    let logitLimit = 1 << 24
    let projection = outputProjection
    return try hidden.linearCrossEntropy(
      weight: projection.weight, bias: projection.bias, targets: try Tensor(batch.targets).moved(to: device),
      labelWeights: try Tensor(batch.labelWeights, shape: [batch.labelWeights.count]).moved(to: device),
      chunk: min(1024, max(64, logitLimit / shape.vocabularySize)))
  }
}

extension PackedBatch {
  /// Each sample's mean, in double precision, of a figure of its labels `[M]`.
  func sampleMeans(of each: Tensor) throws -> [Double] {
    let values = try each.doubles()
    return (0..<sampleCount).map { number in
      let labels = labelBounds[number]..<labelBounds[number + 1]
      return labels.reduce(0) { $0 + values[$1] } / Double(max(1, labels.count))
    }
  }
}
