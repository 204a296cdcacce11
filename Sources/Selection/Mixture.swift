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
    /// Its α.
    public var coefficient: Double
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
      // Exponential variates brought to the sum one are Dirichlet(1, …, 1).
      case .random: kept.map { _ in -log(generator.positiveUniform()) }
      }
    let sum = weights.reduce(0, +)
    let fractions = sum > 0 ? weights.map { $0 / sum } : kept.map { _ in 1 / Double(kept.count) }
    let counts = Mixture.counts(of: fractions, total: total)
    parts = kept.indices.map { Part(name: kept[$0].name, coefficient: kept[$0].coefficient, share: fractions[$0], count: counts[$0]) }
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
