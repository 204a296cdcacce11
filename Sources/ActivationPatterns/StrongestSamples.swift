/// The samples in which some heads are strongest, found while samples pass by: memory grows with the heads and not with the samples.
public struct StrongestSamples: Sendable {
  /// A sample and a head's level in it.
  public struct Sample: Sendable, Hashable {
    /// The sample's number in the order in which they passed by.
    public let number: Int
    /// The head's level in it.
    public let level: Float
  }

  /// The entries `[L · H]` that are looked at.
  public private(set) var entries: [Int]
  /// For each of them its samples, the level farthest from zero first; equally far ones in their order.
  public private(set) var samples: [[Sample]]
  private let most: Int
  private var seen = 0

  /// Looks for the `most` strongest samples at each of these entries.
  public init(_ most: Int, at entries: [Int]) {
    self.most = most
    self.entries = entries
    samples = entries.map { _ in [] }
  }

  /// Takes the next sample's levels `[L · H]`.
  public mutating func add(_ levels: [Float]) {
    for (place, entry) in entries.enumerated() where entry < levels.count {
      let level = levels[entry]
      if samples[place].count == most, let last = samples[place].last, abs(level) <= abs(last.level) { continue }
      let rank = samples[place].firstIndex { abs($0.level) < abs(level) } ?? samples[place].count
      samples[place].insert(Sample(number: seen, level: level), at: rank)
      if samples[place].count > most { samples[place].removeLast() }
    }
    seen += 1
  }

  /// The same of some of the entries alone, in their order.
  public func keeping(_ kept: [Int]) -> StrongestSamples {
    var some = self
    let places = kept.compactMap(entries.firstIndex)
    (some.entries, some.samples) = (places.map { entries[$0] }, places.map { samples[$0] })
    return some
  }
}

extension SampleLevels {
  /// For each of these entries the samples whose level is farthest from zero.
  /// - Throws: `PatternError` where a value is not finite.
  public func strongest(_ most: Int, at entries: [Int]) throws -> StrongestSamples {
    var strongest = StrongestSamples(most, at: entries)
    for sample in 0..<sampleCount { strongest.add(try row(sample)) }
    return strongest
  }

  /// How far each mean is uncertain because other samples would give another one: the standard error s / √N, [L · H]. Nil for fewer than two samples.
  /// - Throws: `PatternError` where a value is not finite.
  public func standardErrors() throws -> [Double]? {
    try Self.standardErrors(sampleCount, entryCount) { sample in try row(sample).map(Double.init) }
  }

  /// The same of the mean of differences between paired samples, `later` − these.
  /// - Throws: `PatternError` where a value is not finite.
  public func standardErrors(ofDifferenceTo later: SampleLevels) throws -> [Double]? {
    guard later.sampleCount == sampleCount, later.entryCount == entryCount else { return nil }
    return try Self.standardErrors(sampleCount, entryCount) { sample in
      zip(try row(sample), try later.row(sample)).map { Double($1) - Double($0) }
    }
  }

  /// Welford's sums, which lose nothing where values hardly differ.
  private static func standardErrors(_ count: Int, _ entries: Int, _ row: (Int) throws -> [Double]) throws -> [Double]? {
    guard count > 1 else { return nil }
    var means = [Double](repeating: 0, count: entries)
    var squares = means
    for sample in 0..<count {
      for (entry, value) in try row(sample).enumerated() {
        let distance = value - means[entry]
        means[entry] += distance / Double(sample + 1)
        squares[entry] += distance * (value - means[entry])
      }
    }
    return squares.map { ($0 / Double(count - 1) / Double(count)).squareRoot() }
  }
}
