import Foundation
public import Ground

/// How many samples of each basic task a mixture has (equation 4): task i gets the share α_i / Σ α of N samples.
///
/// The tasks with the k greatest coefficients are kept. A coefficient that is not positive gives no share, so that fewer may be left.
public struct Mixture: Sendable, Equatable {
  /// What the shares of the kept tasks are taken from.
  public enum Shares: String, Sendable, Codable, CaseIterable {
    /// The coefficients of the plain least-squares fit, the paper's.
    case fit
    /// The coefficients of the fit in which none may be negative.
    case nonnegative
    /// Nothing: each kept task gets the same.
    case equal
    /// Chance: uniform over all ways to share, Dirichlet(1, …, 1).
    case random
  }

  /// A task with its coefficient in a fit.
  public struct Candidate: Sendable, Equatable {
    /// The task.
    public var name: String
    /// Its α.
    public var coefficient: Double

    /// A candidate.
    public init(_ name: String, coefficient: Double) {
      self.name = name
      self.coefficient = coefficient
    }
  }

  /// A kept task.
  public struct Part: Sendable, Equatable {
    /// The task.
    public var name: String
    /// Its α; nil where no fit was looked at.
    public var coefficient: Double?
    /// Its share, in 0...1; those of all parts add up to 1.
    public var share: Double
    /// Its samples; those of all parts add up to N.
    public var count: Int
  }

  /// The kept tasks, the greatest coefficient first.
  public let parts: [Part]
  /// The candidates whose coefficient is not positive, in the order given.
  public let notPositive: [Candidate]
  /// The candidates with a positive coefficient below the k greatest, the greatest first.
  public let belowTop: [Candidate]

  /// Shares samples among the tasks with the greatest coefficients; equal coefficients keep the order given.
  /// - Parameters:
  ///   - candidates: every task that the fit had.
  ///   - top: k, the most tasks that are kept.
  ///   - total: N, from 1 on.
  ///   - shares: what the shares are taken from.
  ///   - generator: draws the shares where chance makes them.
  /// - Throws: `SelectionError` where no coefficient is positive.
  public init(
    of candidates: [Candidate], keeping top: Int, total: Int, shares: Shares, using generator: inout SeededGenerator
  ) throws(SelectionError) {
    notPositive = candidates.filter { !($0.coefficient > 0) }
    let ranked = candidates.enumerated().filter { $0.element.coefficient > 0 }
      .sorted { ($1.element.coefficient, $0.offset) < ($0.element.coefficient, $1.offset) }.map(\.element)
    let kept = Array(ranked.prefix(top))
    belowTop = Array(ranked.dropFirst(top))
    guard !kept.isEmpty else {
      throw SelectionError(
        "no task has a positive coefficient (\(candidates.map { "\($0.name) \($0.coefficient)" }.joined(separator: ", "))), so there is nothing to mix; fit by other tasks"
      )
    }
    let weights: [Double] =
      switch shares {
      case .fit, .nonnegative: kept.map(\.coefficient)
      case .equal: kept.map { _ in 1 }
      case .random: Mixture.randomWeights(kept.count, using: &generator)
      }
    parts = Mixture.parts(kept.map { ($0.name, $0.coefficient) }, weights, total: total)
  }

  /// Shares samples among all of these tasks, whatever a fit would say of them.
  /// - Parameters:
  ///   - names: the tasks; the parts are in their order.
  ///   - total: N, from 1 on.
  ///   - isRandom: whether chance makes the shares (Dirichlet(1, …, 1)); otherwise they are equal.
  ///   - generator: draws the shares.
  public init(sharedBy names: [String], total: Int, isRandom: Bool, using generator: inout SeededGenerator) {
    (notPositive, belowTop) = ([], [])
    let weights = isRandom ? Mixture.randomWeights(names.count, using: &generator) : names.map { _ in 1 }
    parts = Mixture.parts(names.map { ($0, nil) }, weights, total: total)
  }

  /// Exponential variates, which brought to the sum one are Dirichlet(1, …, 1).
  private static func randomWeights(_ count: Int, using generator: inout SeededGenerator) -> [Double] {
    (0..<count).map { _ in -log(generator.positiveUniform()) }
  }

  private static func parts(_ tasks: [(name: String, coefficient: Double?)], _ weights: [Double], total: Int) -> [Part] {
    let sum = weights.reduce(0, +)
    let shares = sum > 0 ? weights.map { $0 / sum } : tasks.map { _ in 1 / Double(tasks.count) }
    let counts = counts(of: shares, total: total)
    return tasks.indices.map { Part(name: tasks[$0].name, coefficient: tasks[$0].coefficient, share: shares[$0], count: counts[$0]) }
  }

  /// Whole numbers in the proportion of shares, which add up to the total: each share's whole part, and one more for the largest remainders
  /// (Hamilton's method). Equal remainders go to the larger share, then to the one that stands first.
  /// - Parameters:
  ///   - shares: not negative, adding up to 1.
  ///   - total: what the counts add up to.
  public static func counts(of shares: [Double], total: Int) -> [Int] {
    let quotas = shares.map { $0 * Double(total) }
    var counts = quotas.map { Int($0.rounded(.down)) }
    let order = quotas.indices.sorted { one, other in
      let remainders = (quotas[one] - Double(counts[one]), quotas[other] - Double(counts[other]))
      if remainders.0 != remainders.1 { return remainders.0 > remainders.1 }
      return shares[one] != shares[other] ? shares[one] > shares[other] : one < other
    }
    for place in order.prefix(max(0, total - counts.reduce(0, +))) { counts[place] += 1 }
    return counts
  }
}
