import Ground
public import LanguageModels
import Torch

/// Switches heads off, by gates of zero on the road that measures them, and computes what that does to the loss.
///
/// A packed batch holds a copy of a sample for each set of heads that is switched off in it, each with its own rows of gates. A head changes nothing
/// below its own layer: the whole model's residual stream is carried up once for a batch of samples, and at each layer the copies whose lowest head
/// lies there branch off from it.
public struct HeadAblation {
  /// The decoder.
  public let decoder: any CausalDecoder
  /// What is switched off, set by set.
  public let sets: [HeadSet]
  /// The most tokens of a packed batch of copies; a longer copy is a batch of its own.
  public let batchTokens: Int

  /// An ablation of these sets.
  /// - Throws: `ProbingError` where there is none, one is empty, or one names a head that the decoder does not have.
  public init(_ decoder: any CausalDecoder, sets: [HeadSet], batchTokens: Int) throws {
    guard !sets.isEmpty, sets.allSatisfy({ !$0.heads.isEmpty }) else {
      throw ProbingError("there is no head to switch off; name at least one")
    }
    try HeadPlace.require(sets.flatMap(\.heads), in: decoder.shape)
    self.decoder = decoder
    self.sets = sets
    self.batchTokens = max(1, batchTokens)
  }

  /// A piece of the work on a batch of samples, computed at once.
  struct Unit: Sendable, Equatable {
    /// One copy: a sample of the batch without a set's heads.
    struct Copy: Sendable, Equatable {
      var set: Int
      var sample: Int
    }
    /// The layer from which on it is computed; nil for the samples as they are.
    var layer: Int?
    /// The copies; empty for the samples as they are.
    var copies: [Copy]
  }

  /// The pieces of a batch of samples of these lengths, in the order in which they are computed: layer by layer, and last the samples as they are.
  func units(_ lengths: [Int]) -> [Unit] {
    let bySets = Dictionary(grouping: sets.indices, by: { sets[$0].lowestLayer })
    var units: [Unit] = []
    for (layer, members) in bySets.sorted(by: { $0.key < $1.key }) {
      let copies = members.flatMap { set in lengths.indices.map { Unit.Copy(set: set, sample: $0) } }
      for range in PackedBatch.plan(copies.map { lengths[$0.sample] }, tokenLimit: batchTokens) {
        units.append(Unit(layer: layer, copies: Array(copies[range])))
      }
    }
    return units + [Unit(layer: nil, copies: [])]
  }

  /// Mean losses over labels, in double precision: of each sample as it is, and of each sample without each set's heads.
  public func losses(of samples: [TokenizedSample]) throws -> (whole: [Double], without: [[Double]]) {
    let units = units(samples.map(\.tokens.count))
    var found: [[Double]] = []
    try run(units, samples, from: 0) { found.append($1) }
    return assemble(units, found, sampleCount: samples.count)
  }

  /// Puts the losses of all pieces in order: the samples' own, and [sets][samples].
  func assemble(_ units: [Unit], _ found: [[Double]], sampleCount: Int) -> (whole: [Double], without: [[Double]]) {
    var without = [[Double]](repeating: [Double](repeating: .nan, count: sampleCount), count: sets.count)
    for (unit, losses) in zip(units, found) {
      for (copy, loss) in zip(unit.copies, losses) { without[copy.set][copy.sample] = loss }
    }
    return (found.last ?? [], without)
  }

  /// Computes the pieces from the given one on, and hands over each one's losses: of its copies, or of the samples.
  func run(_ units: [Unit], _ samples: [TokenizedSample], from first: Int, _ body: (_ unit: Int, _ losses: [Double]) throws -> Void) throws
  {
    if let empty = samples.first(where: { $0.labelCount == 0 }) {
      throw ProbingError("the sample at index \(empty.index) has no label; leave it out")
    }
    guard first < units.count else { return }
    try withoutGradients {
      let batch = PackedBatch(samples)
      var pass = try ForwardPass(batch, on: decoder.device, labelRowsOnly: true)
      var stream = try decoder.begin(&pass)
      var next = first
      // Summed up at every such layer, also where its copies are known already: a resumed run then rounds as one that was left alone.
      let layers = Set(units.compactMap(\.layer))
      for layer in 0..<decoder.shape.layers {
        if layers.contains(layer) {
          let branching = try stream.resolved()
          stream = ResidualStream(branching)
          while units[next].layer == layer {
            try body(next, losses(of: units[next].copies, samples, batch, from: layer, branching))
            next += 1
          }
        }
        stream = try decoder.layer(layer, stream, pass)
      }
      let losses = try batch.sampleMeans(of: decoder.labelLoss(of: decoder.finish(stream), batch).each)
      try decoder.requireFinite(losses, of: samples)
      try body(next, losses)
    }
  }

  /// The losses of copies whose residual stream `[T, hidden]` before a layer is known.
  private func losses(
    of copies: [Unit.Copy], _ samples: [TokenizedSample], _ origin: PackedBatch, from first: Int, _ branching: Tensor
  ) throws -> [Double] {
    let shape = decoder.shape
    let device = decoder.device
    let batch = PackedBatch(copies.map { samples[$0.sample] })
    var pass = try ForwardPass(batch, on: device, labelRowsOnly: true)
    // For the rotary tables; the embeddings are needed only at the lowest layer, and cost next to nothing.
    _ = try decoder.begin(&pass)
    let rows = copies.flatMap { origin.bounds[$0.sample]..<origin.bounds[$0.sample + 1] }
    var stream = ResidualStream(try branching.selecting(try Tensor(rows).moved(to: device)))
    let owners = copies.indices.flatMap { [Int](repeating: $0, count: batch.bounds[$0 + 1] - batch.bounds[$0]) }
    let owner = try Tensor(owners).moved(to: device)
    // Layers in which nobody is switched off share gates of one, which attention recognises.
    let open = try Tensor.ones([batch.tokens.count, shape.attentionHeads], on: device)
    var gates = [Tensor](repeating: open, count: shape.layers)
    for layer in first..<shape.layers {
      let closed = copies.map { sets[$0.set].heads(in: layer) }
      guard closed.contains(where: { !$0.isEmpty }) else { continue }
      var table = [Float](repeating: 1, count: copies.count * shape.attentionHeads)
      for (row, heads) in closed.enumerated() { for head in heads { table[row * shape.attentionHeads + head] = 0 } }
      gates[layer] = try Tensor(table, shape: [copies.count, shape.attentionHeads]).moved(to: device).selecting(owner)
    }
    pass.gates = HeadGates(layers: gates)
    for layer in first..<shape.layers { stream = try decoder.layer(layer, stream, pass) }
    let losses = try batch.sampleMeans(of: decoder.labelLoss(of: decoder.finish(stream), batch).each)
    try decoder.requireFinite(losses, of: copies.map { samples[$0.sample] })
    return losses
  }
}
