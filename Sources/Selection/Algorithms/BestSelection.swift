/// The samples that are most like any one target sample or group, whichever it is.
public struct BestSelection: SelectionAlgorithm {
  /// `best` in settings.
  public let name = "best"
  /// Any target can be the one that a sample is like.
  public let looksAtEach = true

  /// The algorithm.
  public init() {}

  /// Goes through the likenesses once and keeps the `count` greatest; ties go to the lower place.
  public func choose(_ count: Int, by likeness: any Likeness, among isAllowed: (Int) -> Bool) throws -> [Choice] {
    let targets = likeness.targetNames.count
    var top = TopSamples(count)
    try likeness.forEachBlock { first, values in
      for row in 0..<values.count / targets {
        var best = -Double.infinity
        var target = -1
        for column in 0..<targets where values[row * targets + column] > best {
          best = values[row * targets + column]
          target = column
        }
        if target >= 0, top.takes(best), isAllowed(first + row) {
          top.offer(.init(score: best, sample: first + row, target: target))
        }
      }
    }
    return top.sorted.map { Choice(sample: $0.sample, score: $0.score, target: $0.target) }
  }
}
