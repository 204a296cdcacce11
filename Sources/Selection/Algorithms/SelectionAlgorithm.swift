/// A way to pick samples by their likenesses.
public protocol SelectionAlgorithm: Sendable {
  /// Its name in settings.
  var name: String { get }
  /// Whether every target sample (or group of them) has a likeness of its own; otherwise one target is the mean of all.
  var looksAtEach: Bool { get }

  /// Picks samples.
  /// - Parameters:
  ///   - count: how many, from 1 on.
  ///   - likeness: of the pool to the targets. It may be gone through several times.
  ///   - isAllowed: which samples may be picked.
  /// - Returns: the samples, the one picked first in front; fewer than asked for where there are not more. What is like nothing (NaN) is not picked.
  func choose(_ count: Int, by likeness: any Likeness, among isAllowed: (Int) -> Bool) throws -> [Choice]
}

/// A sample that was picked.
public struct Choice: Sendable, Equatable {
  /// Its place in the pool, counted from 0.
  public var sample: Int
  /// Its likeness.
  public var score: Double
  /// The target that it is like, counted from 0.
  public var target: Int
}

/// Every way to pick samples: a new one is a file and a line here.
public enum SelectionAlgorithms {
  /// All of them, the paper's first.
  public static let all: [any SelectionAlgorithm] = [MeanSelection(), RoundRobinSelection(), BestSelection()]

  /// Their names.
  public static var names: [String] { all.map(\.name) }

  /// The one of a name; nil where there is none.
  public static func named(_ name: String) -> (any SelectionAlgorithm)? { all.first { $0.name == name } }
}
