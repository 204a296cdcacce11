/// The targets take turns, each taking the sample that is most like it of those that are left, so that none of them is forgotten.
///
/// For each target only the best samples are kept while the pool goes by. Where one of them runs out because others took what it kept, the pool goes by
/// again without what was taken: the same samples are picked as if everything were kept.
public struct RoundRobinSelection: SelectionAlgorithm {
  /// `round-robin` in settings.
  public let name = "round-robin"
  /// Every target has its turn.
  public let looksAtEach = true
  /// How many samples are kept in all, over the targets.
  private let mostKept: Int

  /// The algorithm.
  public init() { self.init(mostKept: 1 << 22) }

  init(mostKept: Int) { self.mostKept = mostKept }

  /// Picks in turns; the target of a choice is the one whose turn it was.
  public func choose(_ count: Int, by likeness: any Likeness, among isAllowed: (Int) -> Bool) throws -> [Choice] {
    let targets = likeness.targetNames.count
    let kept = max(1, min(count, mostKept / targets))
    var chosen: [Choice] = []
    var taken: Set<Int> = []
    var turn = 0
    while chosen.count < count {
      let lists = try candidates(kept, by: likeness) { isAllowed($0) && !taken.contains($0) }
      var places = [Int](repeating: 0, count: targets)
      var passed = 0
      while chosen.count < count, passed < targets {
        let list = lists[turn]
        while places[turn] < list.count, taken.contains(list[places[turn]].sample) { places[turn] += 1 }
        guard places[turn] < list.count else {
          // It kept as many as it could, and others took them: what comes next only the pool knows.
          if list.count == kept { break }
          // Nothing that is left is like it.
          passed += 1
          turn = (turn + 1) % targets
          continue
        }
        let next = list[places[turn]]
        chosen.append(Choice(sample: next.sample, score: next.score, target: turn))
        taken.insert(next.sample)
        passed = 0
        turn = (turn + 1) % targets
      }
      if passed == targets { break }
    }
    return chosen
  }

  /// For each target the samples that are most like it, the first one first.
  private func candidates(
    _ count: Int, by likeness: any Likeness, among isAllowed: (Int) -> Bool
  ) throws -> [[TopSamples.Entry]] {
    let targets = likeness.targetNames.count
    var tops = [TopSamples](repeating: TopSamples(count), count: targets)
    try likeness.forEachBlock { first, values in
      for row in 0..<values.count / targets {
        // Asked only where a target would keep it.
        var allowed: Bool?
        for target in 0..<targets where tops[target].takes(values[row * targets + target]) && !values[row * targets + target].isNaN {
          if allowed == nil { allowed = isAllowed(first + row) }
          guard allowed == true else { break }
          tops[target].offer(.init(score: values[row * targets + target], sample: first + row, target: target))
        }
      }
    }
    return tops.map(\.sorted)
  }
}
