import Foundation

/// What is known of an arm beside chance: the paired difference over seeds, corrected for the number of arms.
public struct Verdict: Codable, Sendable, Hashable {
  /// What can be said.
  public enum Word: String, Codable, Sendable {
    case better, worse
    /// The corrected interval holds 0.
    case noBetter = "no better than random"
    /// One seed: there is no interval.
    case unknown = "one seed: no interval"
    /// A value is missing.
    case missing = "not measured"
  }

  /// The arm.
  public var arm: String
  /// The mean of the differences to chance, over seeds; above 0 the arm is better.
  public var difference: Double?
  /// The 95% interval of the difference by itself.
  public var low: Double?
  /// Its upper end.
  public var high: Double?
  /// The interval after Holm's correction, by which the verdict is made.
  public var correctedLow: Double?
  /// Its upper end.
  public var correctedHigh: Double?
  /// p of the paired t test.
  public var p: Double?
  /// p after Holm's correction.
  public var correctedP: Double?
  /// The smallest difference that would have been told from 0 with this spread and this correction: half the corrected interval.
  public var smallestSeen: Double?
  /// Pairs of seeds.
  public var seeds: Int
  /// The verdict.
  public var verdict: Word

  enum CodingKeys: String, CodingKey {
    case arm, difference, low, high, p, seeds, verdict
    case correctedLow = "corrected_low"
    case correctedHigh = "corrected_high"
    case correctedP = "corrected_p"
    case smallestSeen = "smallest_seen"
  }

  /// Verdicts on arms that are judged together.
  /// - Parameters:
  ///   - arms: for each arm its difference to chance for every seed, above 0 where it is better; seeds that were not measured left out.
  ///   - level: the probability of any wrong verdict among them.
  public static func judge(_ arms: [(name: String, differences: [Double])], level: Double = 0.05) -> [Verdict] {
    var verdicts = arms.map { Verdict($0.name, $0.differences) }
    let tested = verdicts.indices.filter { verdicts[$0].p != nil }
    let adjusted = holm(tested.compactMap { verdicts[$0].p })
    // Step down: the least p stands against level / k, the next against level / (k − 1), and none after the first that fails.
    let order = tested.sorted { (verdicts[$0].p ?? 1, $0) < (verdicts[$1].p ?? 1, $1) }
    var failing: Double?
    for (rank, index) in order.enumerated() {
      let spread = Spread(arms[index].differences)
      guard let error = spread.standardError, let place = tested.firstIndex(of: index) else { continue }
      // Behind the first that fails its share stays, so that no interval leaves 0 out whose verdict does not.
      let share = failing ?? level / Double(order.count - rank)
      if adjusted[place] >= level { failing = share }
      let half = StudentT.twoSidedQuantile(share, degrees: Double(arms[index].differences.count - 1)) * error
      verdicts[index].correctedP = adjusted[place]
      verdicts[index].correctedLow = spread.mean - half
      verdicts[index].correctedHigh = spread.mean + half
      verdicts[index].smallestSeen = half
      verdicts[index].verdict = adjusted[place] < level ? (spread.mean > 0 ? .better : .worse) : .noBetter
    }
    return verdicts
  }

  private init(_ arm: String, _ differences: [Double]) {
    self.arm = arm
    seeds = differences.count
    verdict = differences.isEmpty ? .missing : .unknown
    guard let mean = SeedMean(differences) else { return }
    (difference, low, high) = (mean.mean, mean.low, mean.high)
    guard let error = Spread(differences).standardError else { return }
    // Differences that are all alike leave no doubt but for their sameness.
    p = error > 0 ? StudentT.twoSided(mean.mean / error, degrees: Double(differences.count - 1)) : mean.mean == 0 ? 1 : 0
  }

  /// Holm's step-down correction of p values (1979): the i-th least times (k − i + 1), never below the one before it, at most 1.
  public static func holm(_ values: [Double]) -> [Double] {
    var adjusted = values
    var greatest = 0.0
    for (rank, index) in values.indices.sorted(by: { (values[$0], $0) < (values[$1], $1) }).enumerated() {
      greatest = max(greatest, min(1, values[index] * Double(values.count - rank)))
      adjusted[index] = greatest
    }
    return adjusted
  }
}
