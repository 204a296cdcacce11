import Ground

/// Every choice of a few basics, ranked by how well it explains the target. All pairs are the paper's figure 4.
public struct SubsetSearch: Sendable {
  /// One choice and its fit.
  public struct Subset: Sendable {
    /// Positions among the basics, rising.
    public let basics: [Int]
    /// The fit on them.
    public let fit: PatternFit
  }

  /// For each size from 1, its subsets, greatest R² first. R² never falls when a basic is added, so sizes are not mixed.
  public let bySize: [[Subset]]

  /// The most subsets that are tried.
  public static let limit = 1_000_000

  /// Fits every subset of up to `size` basics.
  /// - Throws: `PatternError` where shapes differ, the size is not positive, or there are more than `limit` subsets.
  public init(target: HeadMatrix, basics: [HeadMatrix], upTo size: Int, options: PatternFit.Options = .init()) throws {
    try self.init(FitProblem(target: target, basics: basics, options: options), basicCount: basics.count, upTo: size)
  }

  init(_ problem: FitProblem, basicCount: Int, upTo size: Int) throws {
    guard size > 0 else { throw PatternError(problem: "subsets of \(size) basics do not exist", remedy: "ask for 1 or more") }
    let largest = min(size, basicCount)
    var total = 0
    for count in 1...largest {
      total += Self.choices(of: count, from: basicCount, limit: Self.limit)
      guard total <= Self.limit else {
        throw PatternError(
          problem: "\(basicCount) basics have more than \(Self.limit) subsets of up to \(size)",
          remedy: "ask for smaller subsets or give fewer basics")
      }
    }
    bySize = try (1...largest).map { count in
      var choices: [[Int]] = []
      Self.forEachSubset(of: count, from: basicCount) { choices.append($0) }
      let subsets = zip(choices, try FitProblem.fits(choices.map { (problem, $0) })).map { Subset(basics: $0, fit: $1) }
      // Stable: equally good ones stay in order. A constant target has no R².
      let order = subsets.indices.sorted {
        (subsets[$1].fit.r2 ?? -.infinity, $0) < (subsets[$0].fit.r2 ?? -.infinity, $1)
      }
      return order.map { subsets[$0] }
    }
  }

  /// Calls the closure with every rising choice of `count` from 0..<total, in lexicographic order.
  static func forEachSubset(of count: Int, from total: Int, _ body: ([Int]) -> Void) {
    guard count >= 1, count <= total else { return }
    var subset = Array(0..<count)
    while true {
      body(subset)
      guard let movable = subset.indices.last(where: { subset[$0] < total - count + $0 }) else { return }
      subset[movable] += 1
      for position in subset.index(after: movable)..<max(count, movable + 1) { subset[position] = subset[position - 1] + 1 }
    }
  }

  /// The binomial coefficient, or anything above the limit.
  private static func choices(of count: Int, from total: Int, limit: Int) -> Int {
    var result = 1
    for step in 0..<min(count, total - count) {
      result = result * (total - step) / (step + 1)
      if result > limit { return limit + 1 }
    }
    return result
  }
}
