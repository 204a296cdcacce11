import CheckpointFiles
import Ranks
import Torch

/// Weights under training that ranks share (ZeRO, stage 2): all have the compute copies, and each owns a share of the masters, the gradients and what the
/// optimiser remembers.
///
/// Weights lie one after the other in buckets `[ranks, n]`, in the order in which their gradients are known: from the last layer to the first. Row r of
/// each bucket is what rank r owns, wherever weights begin and end. Weights of one dimension, which do not decay, have buckets of their own.
final class WeightShares {
  /// Where a weight lies.
  struct Place: Hashable {
    var bucket: Int
    /// Its first element's number in the bucket.
    var offset: Int
    var count: Int
  }

  /// A layout of weights in buckets.
  struct Layout: Hashable {
    /// Each weight's place.
    let places: [Place]
    /// The elements of one row of each bucket, n.
    let rowLengths: [Int]
    /// Whether the weights of each bucket decay.
    let decays: [Bool]

    /// Rows begin on lines of the processor's cache.
    private static let alignment = 16

    /// - Parameters:
    ///   - shapes: the weights' in the decoder's order.
    ///   - ranks: rows of a bucket.
    ///   - limit: the most elements of a bucket of several weights.
    init(shapes: [[Int]], ranks: Int, limit: Int) {
      var places = shapes.map { _ in Place(bucket: 0, offset: 0, count: 0) }
      var rowLengths: [Int] = []
      var decays: [Bool] = []
      for isMatrix in [true, false] {
        var used = 0
        for index in shapes.indices.reversed() where (shapes[index].count >= 2) == isMatrix {
          let count = shapes[index].reduce(1, *)
          if used == 0 || used + count > limit {
            rowLengths.append(0)
            decays.append(isMatrix)
            used = 0
          }
          places[index] = Place(bucket: rowLengths.count - 1, offset: used, count: count)
          used += count
          let row = (used + ranks - 1) / ranks
          rowLengths[rowLengths.count - 1] = (row + Self.alignment - 1) / Self.alignment * Self.alignment
        }
      }
      (self.places, self.rowLengths, self.decays) = (places, rowLengths, decays)
    }
  }

  /// The most elements of a bucket: 32 MiB of float32.
  private static let bucketLimit = 8 << 20

  private let ranks: RankGroup
  private let shapes: [[Int]]
  let layout: Layout
  /// The compute copies, `[ranks, n]` each.
  private let copies: [Tensor]
  /// What this rank owns of the masters, `[n]` each: in float32 rows of the copies themselves.
  let masters: [Tensor]
  /// The rows of the copies that this rank brings up to date; nil where they are the masters.
  let ownCopies: [Tensor]?
  /// Every weight as the decoder reads it: a view of its bucket.
  let views: [Tensor]
  private var gradients: GradientBuckets?
  /// Buckets that were gathered last, and what of.
  private var gathered: [(name: String, bucket: Int, whole: Tensor)] = []

  /// Lays out weights, which have their exact values, and keeps of them the share of this rank.
  init(_ weights: [Tensor], elementType: ElementType, ranks: RankGroup) throws {
    self.ranks = ranks
    shapes = weights.map(\.shape)
    let layout = Layout(shapes: shapes, ranks: ranks.count, limit: Self.bucketLimit)
    self.layout = layout
    let rank = ranks.rank
    copies = try layout.rowLengths.map { try Tensor.zeros([ranks.count, $0], elementType: elementType) }
    views = try Self.views(of: copies, layout, shapes)
    try Tensor.overwrite(views, with: weights)
    let ownRows = try copies.map { try $0.narrowed(0, from: rank, length: 1).reshaped([-1]) }
    guard elementType != .float32 else {
      (masters, ownCopies) = (ownRows, nil)
      return
    }
    masters = try layout.rowLengths.map { try Tensor.zeros([$0]) }
    ownCopies = ownRows
    try keep(weights, in: masters)
  }

  /// Views of buckets with the weights' shapes.
  private static func views(of buckets: [Tensor], _ layout: Layout, _ shapes: [[Int]]) throws -> [Tensor] {
    try zip(layout.places, shapes).map { place, shape in
      try buckets[place.bucket].reshaped([-1]).narrowed(0, from: place.offset, length: place.count).reshaped(shape)
    }
  }

  /// Writes of whole weights the share of this rank.
  /// - Parameter shares: `[n]` for each bucket.
  func keep(_ weights: [Tensor], in shares: [Tensor]) throws {
    var to: [Tensor] = []
    var from: [Tensor] = []
    for (place, weight) in zip(layout.places, weights) {
      let length = layout.rowLengths[place.bucket]
      let own = (ranks.rank * length..<(ranks.rank + 1) * length).clamped(to: place.offset..<place.offset + place.count)
      guard !own.isEmpty else { continue }
      to.append(try shares[place.bucket].narrowed(0, from: own.lowerBound - ranks.rank * length, length: own.count))
      from.append(try weight.reshaped([-1]).narrowed(0, from: own.lowerBound - place.offset, length: own.count))
    }
    try Tensor.overwrite(to, with: from)
  }

  /// Sums for the weights' gradients, whose total over all ranks goes to shares, `[n]` for each bucket.
  func sums(into shares: [Tensor]) throws -> [Tensor] {
    let buckets = try layout.rowLengths.map { try Tensor.zeros([ranks.count, $0]) }
    let sums = try Self.views(of: buckets, layout, shapes)
    gradients = try ranks.exchanging {
      try GradientBuckets($0, buckets: buckets, shares: shares, sums: zip(sums, layout.places).map { ($0, $1.bucket) })
    }
    return sums
  }

  /// Sends gradients as the last batch of a window makes them known.
  func begin(_ turns: GradientTurns, lastBatch: Int) throws { try gradients?.begin(turns, lastBatch: lastBatch) }

  /// Waits until this rank has its share of the gradients' total.
  func finish() throws { try ranks.exchanging { _ in try gradients?.finish() } }

  /// Sends all ranks the copies that this one has brought up to date.
  func publish() throws {
    try ranks.exchanging { group in
      // All are under way at once.
      for exchange in try copies.map({ try group.share($0) }) { try exchange.end() }
    }
  }

  /// The norm of tensors of which every rank has a share.
  func norm(of shares: [Tensor]) throws -> Double {
    let own = try Tensor.norm(of: shares)
    return try ranks.gathered([own * own]).reduce(0) { $0 + ($1.first ?? 0) }.squareRoot()
  }

  /// A whole weight, or what is remembered of one, of which every rank has a share. All ranks ask for the same ones in the same order.
  /// - Parameters:
  ///   - index: the weight's.
  ///   - shares: `[n]` for each bucket.
  ///   - name: what these are.
  ///   - receiver: the one rank that gets it, others something of its shape; all where nil.
  func whole(_ index: Int, of shares: [Tensor], _ name: String, for receiver: Int?) throws -> Tensor {
    let place = layout.places[index]
    let bucket: Tensor
    if let known = gathered.first(where: { $0.name == name && $0.bucket == place.bucket })?.whole {
      bucket = known
    } else {
      bucket = try ranks.exchanging { group in
        let rows = try Tensor.zeros([ranks.count, layout.rowLengths[place.bucket]])
        try Tensor.overwrite([rows.narrowed(0, from: ranks.rank, length: 1).reshaped([-1])], with: [shares[place.bucket]])
        try group.share(rows, with: receiver).end()
        return rows
      }
      // Weights come in the decoder's order, in which a bucket of matrices and one of the rest take turns.
      gathered.removeAll { $0.name != name || layout.decays[$0.bucket] == layout.decays[place.bucket] }
      gathered.append((name, place.bucket, bucket))
    }
    return try bucket.reshaped([-1]).narrowed(0, from: place.offset, length: place.count).reshaped(shapes[index])
  }

  /// Forgets what was gathered: its values are those of before.
  func forget() { gathered = [] }
}
