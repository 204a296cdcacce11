public import ActivationPatterns
public import Foundation
public import Instructions

/// What stands for a sample where samples are chosen, and how alike two of them are.
public protocol Representation: Sendable {
  /// Its name in settings.
  var name: String { get }
  /// Whether likeness to a target is asked for; otherwise samples are ranked by themselves.
  var hasTarget: Bool { get }
  /// Whether its numbers are attention heads' levels, of which a score is chosen, and which explain a choice.
  var isOfHeads: Bool { get }
  /// Whether each of its numbers can be taken against the pool's mean and spread.
  var canBeStandardised: Bool { get }
}

extension Representation {
  /// Most are not.
  public var isOfHeads: Bool { false }
  /// Heads' levels can be.
  public var canBeStandardised: Bool { isOfHeads }
}

/// A representation that lies in files, one row a sample.
public protocol FileRepresentation: Representation {
  /// Opens the files and checks that they belong together.
  /// - Parameters:
  ///   - target: the target's file; nil where the representation has no target.
  ///   - pool: the pool's files, in order; at least one.
  ///   - options: what the representation has a choice about.
  /// - Throws: `SelectionError` naming two files and in what they differ, and what reading throws.
  func open(target: URL?, pool: [URL], _ options: RepresentationOptions) throws -> any OpenRepresentation
}

/// A representation that is made of the samples' texts.
public protocol TextRepresentation: Representation {
  /// Compares texts.
  /// - Parameters:
  ///   - target: the target's samples; empty where the representation has no target.
  ///   - pool: gives the pool's samples, one after another; gone through once.
  ///   - view: how the algorithm looks at the target.
  ///   - options: what the representation has a choice about.
  func likeness(
    target: [Instruction], pool: ((Instruction) throws -> Void) throws -> Void, view: TargetView, _ options: RepresentationOptions
  ) throws -> any Likeness
}

/// What some representations have a choice about.
public struct RepresentationOptions: Sendable {
  /// The score whose levels are compared; the target's first where nil.
  public var score: Score?
  /// Whether a head's level, or an entry of an embedding, is taken against the pool's mean and spread.
  public var standardises = false
  /// Seeds what is drawn.
  public var seed: UInt64 = 0

  /// The defaults.
  public init() {}
}

/// Files of a representation, opened and found to belong together.
public protocol OpenRepresentation: Sendable {
  /// The target's samples; nil where there is none.
  var target: SampleFile? { get }
  /// The pool's, file by file.
  var pool: [SampleFile] { get }
  /// The score that is compared; nil for what has none.
  var score: Score? { get }

  /// How alike the pool's samples are to the target's.
  /// - Parameter view: what is told apart of the target; its members are positions among the samples of the target's file.
  /// - Throws: `SelectionError` where a number is not finite or a target has no direction, and what reading throws.
  func likeness(view: TargetView) throws -> any Likeness
}

extension OpenRepresentation {
  /// None: there is nothing to choose.
  public var score: Score? { nil }
}

/// A file of samples as far as choosing looks at it.
public struct SampleFile: Sendable {
  /// The file.
  public var url: URL
  /// Where it came from.
  public var provenance: Provenance
  /// Each sample's position in the data, counted from 0 and rising, [N]; nil where it keeps none.
  public var index: [Int64]?
  /// A fingerprint of each sample's texts, [N]; nil where it was not recorded.
  public var contents: [UInt64]?

  init(_ pattern: SamplePatterns) {
    (url, provenance, index, contents) = (pattern.url, pattern.provenance, pattern.index, pattern.contents)
  }

  init(_ file: RepresentationFile) {
    (url, provenance, index, contents) = (file.url, file.provenance, file.index, file.contents)
  }

  var path: String { url.path(percentEncoded: false) }
}

/// What of a target is told apart.
public enum TargetView: Sendable, Equatable {
  /// Nothing: its mean stands for it.
  case mean
  /// Each of its samples.
  case samples
  /// Groups of its samples, each by its mean.
  case groups([Group])

  /// Some samples of a target.
  public struct Group: Sendable, Equatable {
    /// What it is called.
    public var name: String
    /// Its samples' positions among the target's, counted from 0; at least one.
    public var members: [Int]

    /// A group.
    public init(_ name: String, members: [Int]) {
      self.name = name
      self.members = members
    }
  }

  /// The groups, each sample one of its own where samples are told apart.
  /// - Parameters:
  ///   - count: the samples of the target.
  ///   - name: what a sample is called.
  func groups(of count: Int, naming name: (Int) -> String) -> [Group] {
    switch self {
    case .mean: [Group(TargetView.meanName, members: Array(0..<count))]
    case .samples: (0..<count).map { Group(name($0), members: [$0]) }
    case .groups(let groups): groups
    }
  }

  static let meanName = "mean"
}

/// Every representation: a new one is a file and a line here.
public enum Representations {
  /// All of them, the paper's first.
  public static let all: [any Representation] = [
    PatternRepresentation(), GradientRepresentation(), EmbeddingRepresentation(), LossRepresentation(), BM25Representation(),
    LengthRepresentation(), RandomRepresentation(),
  ]

  /// Their names.
  public static var names: [String] { all.map(\.name) }

  /// The one of a name; nil where there is none.
  public static func named(_ name: String) -> (any Representation)? { all.first { $0.name == name } }
}
