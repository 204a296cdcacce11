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

  /// Computes the pieces from the given one on, side by side where that keeps the threads busy, and hands over each one's losses in order: of its copies, or of
  /// the samples.
  func run(_ units: [Unit], _ samples: [TokenizedSample], from first: Int, _ body: (_ unit: Int, _ losses: [Double]) throws -> Void) throws
  {
    if let empty = samples.first(where: { $0.labelCount == 0 }) {
      throw ProbingError("the sample at index \(empty.index) has no label; leave it out")
    }
    guard first < units.count else { return }
    var whole = try withoutGradients { try WholeSamples(samples, decoder, branchingAt: Set(units.compactMap(\.layer))) }
    let batch = whole.batch
    // Of all pieces, so that a run that is gone on with computes them as one that was left alone does.
    let tokens = units.map { $0.copies.isEmpty ? batch.tokens.count : $0.copies.reduce(0) { $0 + samples[$1.sample].tokens.count } }
    var next = first
    try Engine.sideBySide(
      lanes: decoder.batchLanes(batchTokens: batchTokens, passes: 1).count(for: tokens) {
        decoder.activationBytes(tokens: $0, keepsActivations: false)
      },
      next: { () -> (unit: Int, stream: ResidualStream)? in
        guard next < units.count else { return nil }
        let stream = try withoutGradients { try whole.stream(before: units[next].layer) }
        next += 1
        return (next - 1, stream)
      },
      { piece, _ in
        try withoutGradients {
          let unit = units[piece.unit]
          if unit.layer != nil { return try losses(of: unit, samples, batch, piece.stream) }
          let losses = try batch.sampleMeans(of: decoder.labelLoss(of: decoder.finish(piece.stream), batch).each)
          try decoder.requireFinite(losses, of: samples)
          return losses
        }
      },
      inOrder: { try body($0.unit, $1) })
  }

  /// The residual stream of the samples as they are, carried up layer by layer.
  private struct WholeSamples {
    let batch: PackedBatch
    private let decoder: any CausalDecoder
    private let pass: ForwardPass
    /// Summed up at every such layer, also where its copies are known already: a resumed run then rounds as one that was left alone.
    private let branchings: Set<Int>
    private var stream: ResidualStream
    private var layer = 0

    init(_ samples: [TokenizedSample], _ decoder: any CausalDecoder, branchingAt layers: Set<Int>) throws {
      batch = PackedBatch(samples)
      self.decoder = decoder
      branchings = layers
      var pass = try ForwardPass(batch, on: decoder.device, labelRowsOnly: true)
      stream = try decoder.begin(&pass)
      self.pass = pass
    }

    /// The stream before a layer, none below the last that was asked for; behind all of them where nil.
    mutating func stream(before target: Int?) throws -> ResidualStream {
      while true {
        if branchings.contains(layer) { stream = ResidualStream(try stream.resolved()) }
        guard layer < target ?? decoder.shape.layers else { return stream }
        stream = try decoder.layer(layer, stream, pass)
        layer += 1
      }
    }
  }

  /// The losses of a piece's copies, which branch off from the samples' residual stream `[T, hidden]`.
  private func losses(of unit: Unit, _ samples: [TokenizedSample], _ origin: PackedBatch, _ branching: ResidualStream) throws -> [Double] {
    let (first, copies) = (unit.layer ?? 0, unit.copies)
    let shape = decoder.shape
    let device = decoder.device
    let batch = PackedBatch(copies.map { samples[$0.sample] })
    var pass = try ForwardPass(batch, on: device, labelRowsOnly: true)
    // For the rotary tables; the embeddings are needed only at the lowest layer, and cost next to nothing.
    _ = try decoder.begin(&pass)
    let rows = copies.flatMap { origin.bounds[$0.sample]..<origin.bounds[$0.sample + 1] }
    var stream = ResidualStream(try branching.resolved().selecting(try Tensor(rows).moved(to: device)))
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
