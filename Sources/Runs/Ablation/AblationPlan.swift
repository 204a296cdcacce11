import LanguageModels
import Probing

/// Everything that is switched off in a run, each set once although it may be asked for twice.
struct AblationPlan {
  /// The items, one by one.
  let items: [AblationItem]
  /// Their sets' places in `sets`.
  let single: [Int]
  /// The place of all items together; nil for one item.
  let together: Int?
  /// The places of the first 1, 2, … items together; nil where not asked for.
  let cumulative: [Int]?
  /// For each random order its items and the places of the first 1, 2, … of them together.
  let random: [(items: [AblationItem], prefixes: [Int])]
  /// What is switched off.
  let sets: [HeadSet]

  init(_ items: [AblationItem], _ shape: DecoderShape, cumulative wantsCurve: Bool, randomOrders: Int, seed: UInt64) {
    var sets: [HeadSet] = []
    var known: [HeadSet: Int] = [:]
    func place(_ set: HeadSet) -> Int {
      if let place = known[set] { return place }
      known[set] = sets.count
      sets.append(set)
      return sets.count - 1
    }
    func prefixes(_ items: [AblationItem]) -> [Int] {
      var heads: [HeadPlace] = []
      return items.map { item in
        heads += item.set(of: shape).heads
        return place(HeadSet(heads))
      }
    }
    self.items = items
    single = items.map { place($0.set(of: shape)) }
    together = items.count > 1 ? place(HeadSet(items.flatMap { $0.set(of: shape).heads })) : nil
    cumulative = wantsCurve ? prefixes(items) : nil
    random = (0..<(wantsCurve ? randomOrders : 0)).map { order in
      let peers = items.first?.peers(in: shape) ?? []
      let drawn = Array(AblationChoice.shuffled(peers, seed: seed, stream: "ablate random order \(order)").prefix(items.count))
      return (drawn, prefixes(drawn))
    }
    self.sets = sets
  }
}

/// What a run measured, sample by sample.
struct AblationFindings {
  var samples: [AblationMeasurement.Sample]
  /// Minus the signed levels `[N][L · H]`.
  var predictions: [[Double]]
  var shape: DecoderShape
  var tokens: Int
  var tokenLayers: Int
  var seconds: Double

  /// The predicted change of a sample without a set: the sum over its heads.
  func prediction(_ sample: Int, of set: HeadSet) -> Double { set.heads.reduce(0) { $0 + predictions[sample][$1.entry(in: shape)] } }
}
