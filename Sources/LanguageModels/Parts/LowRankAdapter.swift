import Ground
import CheckpointFiles
public import Torch

/// A low-rank change of a linear layer (LoRA, Hu et al. 2021): y = W x + (α / r) · B A dropout(x), with W frozen.
///
/// A and B are float32 whatever the model computes in, and so is what they add, as in PEFT: their sum with W x is what is rounded.
public final class LowRankAdapter {
  /// The training pass that an adapter's dropout belongs to. A pass that is computed again leaves out the same elements.
  public struct Pass: Sendable, Hashable {
    /// The run's seed.
    public var seed: UInt64
    /// The update, counted from 0.
    public var step: Int
    /// The batch of the update's window, counted from 0.
    public var batch: Int

    /// A pass of a run.
    public init(seed: UInt64, step: Int, batch: Int) {
      self.seed = seed
      self.step = step
      self.batch = batch
    }
  }

  /// Leaves with the adapter's values, one for each sample of a packed batch.
  public struct Apart {
    /// A `[r, inputs]` and B `[outputs, r]` of each sample.
    public let leaves: [(down: Tensor, up: Tensor)]
    /// Where each sample's tokens begin, `[B + 1]`.
    private let bounds: [Int]
    /// Where each sample's labels begin, `[B + 1]`: after the last attention only their rows are left.
    private let labelBounds: [Int]

    /// Leaves of an adapter for the samples of a batch.
    public init(_ adapter: LowRankAdapter, _ batch: PackedBatch) throws {
      // Leaves share the adapter's memory: they are only told apart by their gradients.
      leaves = try (0..<batch.sampleCount).map { _ in
        (try adapter.down.tensor.requiringGradient(), try adapter.up.tensor.requiringGradient())
      }
      bounds = batch.bounds
      labelBounds = batch.labelBounds
    }

    fileprivate func added(to y: Tensor, of x: Tensor, scale: Double) throws -> Tensor {
      // Labels are fewer than tokens in every batch, since no sample's first token is one.
      let bounds = x.shape.first == self.bounds.last ? self.bounds : labelBounds
      return try Tensor.concatenated(
        leaves.indices.map { sample in
          let (start, length) = (bounds[sample], bounds[sample + 1] - bounds[sample])
          let (rows, of) = (try y.narrowed(0, from: start, length: length), try x.narrowed(0, from: start, length: length))
          return try rows.addingLowRank(of: of, down: leaves[sample].down, up: leaves[sample].up, scale: scale)
        })
    }
  }

  /// A `[r, inputs]`.
  public let down: Parameter
  /// B `[outputs, r]`.
  public let up: Parameter
  /// The factor α / r.
  public let scale: Double
  /// The probability with which an element of x is left out while `pass` is set.
  public let dropout: Double
  /// Set for a training pass and nil for all others.
  public var pass: Pass?
  /// Set while each sample of a packed batch goes through weights of its own, so that each has a gradient of its own.
  public var apart: Apart?
  /// The fingerprint of the layer's name, which tells the layers' dropout apart.
  private let stream: UInt64

  /// An adapter of a linear layer's weight.
  /// - Parameters:
  ///   - name: the layer's name in checkpoints, without `.weight`.
  ///   - down: A.
  ///   - up: B.
  ///   - scale: α / r.
  ///   - dropout: the probability with which an element of x is left out in training.
  public init(layer name: String, down: Tensor, up: Tensor, scale: Double, dropout: Double = 0) {
    self.down = Parameter(name: "\(name).lora_A.weight", storedName: "\(name).lora_A.weight", tensor: down)
    self.up = Parameter(name: "\(name).lora_B.weight", storedName: "\(name).lora_B.weight", tensor: up)
    self.scale = scale
    self.dropout = dropout
    stream = Fingerprint(of: name).value
  }

  /// The name of the layer that a weight belongs to.
  public static func layerName(of weight: Parameter) -> String {
    weight.name.hasSuffix(".weight") ? String(weight.name.dropLast(7)) : weight.name
  }

  /// What the layer gives for x `[T, inputs]`, from what its weight gives: `[T, outputs]`.
  func added(to y: Tensor, of x: Tensor) throws -> Tensor {
    if let apart { return try apart.added(to: y, of: x, scale: scale) }
    var left: Dropout?
    if let pass, dropout > 0 {
      // Batches of an update are far fewer than 2²⁴, and updates than 2⁴⁰: no two passes share a position.
      let position = UInt64(bitPattern: Int64(pass.step)) << 24 | UInt64(bitPattern: Int64(pass.batch))
      left = Dropout(rate: dropout, key: pass.seed ^ stream, position: position)
    }
    return try y.addingLowRank(of: x, down: down.tensor, up: up.tensor, scale: scale, dropout: left)
  }

  /// (α / r) · B A `[outputs, inputs]` in float32: what merging adds to the layer's weight.
  public func weightChange() throws -> Tensor {
    try up.tensor.converted(to: .float32).matrixProduct(down.tensor.converted(to: .float32)) * scale
  }
}
