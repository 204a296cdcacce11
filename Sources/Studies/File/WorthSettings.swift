public import ActivationPatterns
import Ground
import Runs
import Selection

// What is asked of the items that test what a likeness and a level are worth.

extension Study {
  /// Of the test by retrieval: does a likeness find a target's own task in a pool of several?
  public struct Retrieval: Sendable, Hashable {
    /// Target tasks, each with samples in the pool; all tasks of the pool where nil.
    public var targets: [String]?
    /// Samples that stand for the target.
    public var samples = 25
    /// N: how many samples are chosen.
    public var choose = [100]
    /// What chooses.
    public var methods = Method.everyForm
    /// Random choices for each seed, of which the mean counts.
    public var randomDraws = 5
    /// Whether likenesses under the model that was fine-tuned on the target are tested beside those under the base model.
    public var isTuned = true
  }

  /// Of the test by bins of distance: does data that is nearer to a target teach more of it?
  public struct DistanceBins: Sendable, Hashable {
    /// Target tasks; all with the role where nil.
    public var targets: [String]?
    /// Samples that stand for the target.
    public var samples = 25
    /// B: the bins of equal label tokens that a pool is cut into.
    public var bins = 10
    /// By what likeness.
    public var methods = Method.everyRepresentation
    /// Whether the pool has samples of the target's own task, has none, or is tried both ways.
    public var pools = [Pool.without, .with]

    /// What a pool is made of.
    public enum Pool: String, Sendable, Codable, CaseIterable {
      /// The tasks of the pool but the target's own.
      case without
      /// All tasks of the pool.
      case with
    }
  }

  /// Of linear datamodelling scores (Park et al. 2023): does the sum of likenesses foretell what a subset teaches?
  public struct Datamodelling: Sendable, Hashable {
    /// Target tasks; all with the role where nil.
    public var targets: [String]?
    /// M: random halves of the pool that models are trained on.
    public var subsets = 100
    /// k: trainings of each, in different orders.
    public var trainings = 3
    /// What is likened.
    public var methods = Method.everyRepresentation
  }

  /// Of levels against ablation.
  public struct Ablation: Sendable, Hashable {
    /// Tasks; all basic and complex ones of the first set where nil.
    public var tasks: [String]?
    /// The scores that are held against ablation.
    public var scores = Score.allCases
    /// The most samples of a probe on which heads are switched off; all where nil, and of a target's questions.
    public var samples: Int?
    /// Whether fine-tuned models are tested beside the base model.
    public var isTuned = true
  }
}

extension Study.Method {
  private static var representations: [Study.Method] {
    let patterns = Score.allCases.flatMap { score in
      [false, true].map { Study.Method(representation: "pattern", scores: [score], standardises: $0) }
    }
    let embeddings = [false, true].map { Study.Method(representation: "embedding", standardises: $0) }
    return patterns + embeddings
      + ["gradient", "bm25", "loss", "length"].map { Study.Method(representation: $0) }
  }

  /// Every representation by `mean`, standardised and not.
  static var everyRepresentation: [Study.Method] {
    representations.map { method in
      var method = method
      if Representations.named(method.representation)?.hasTarget == true { method.algorithm = "mean" }
      return method
    }
  }

  /// Every representation by `mean` and by `round-robin`, and the forms of a pattern that are no way to choose yet.
  static var everyForm: [Study.Method] {
    let turns = representations.compactMap { method -> Study.Method? in
      guard Representations.named(method.representation)?.hasTarget == true else { return nil }
      var method = method
      method.algorithm = "round-robin"
      return method
    }
    let together = [[Score.magnitude, .token], [.signed, .token], [.tokenPrompt, .tokenResponse], Score.allCases]
    let forms =
      together.map { Study.Method(representation: "pattern", algorithm: "mean", scores: $0, standardises: true) }
      + ([[Score.token]] + together).map {
        Study.Method(representation: "pattern", algorithm: "mean", scores: $0, standardises: true, weighsByReliability: true)
      }
    return everyRepresentation + turns + forms
  }

  /// The methods that a section asks for; nil where it names none.
  static func list(_ section: StudySection) throws -> [Study.Method]? {
    let asked = try section.sections("methods", StudyKeys.method)
    guard !asked.isEmpty else { return nil }
    return try asked.map { part in
      var method = Study.Method(representation: try part.requiredString("representation"), algorithm: try part.string("algorithm"))
      method.standardises = try part.truth("standardise") ?? false
      method.weighsByReliability = try part.truth("weigh") ?? false
      method.scores = try part.strings("score")?.map { try part.choice($0, "score", Score.allCases) } ?? []
      try method.check(part.place)
      return method
    }
  }

  /// Says what makes no sense together.
  private func check(_ place: String) throws {
    guard let kind = Representations.named(representation) else {
      let known = Representations.names
      let remedy = nearest(to: representation, among: known).map { "did you mean '\($0)'?" } ?? known.joined(separator: ", ")
      throw RunError("\(place): there is no representation '\(representation)'; \(remedy)")
    }
    if let algorithm, SelectionAlgorithms.named(algorithm) == nil {
      throw RunError("\(place): 'algorithm' takes one of \(SelectionAlgorithms.names.joined(separator: ", ")), not '\(algorithm)'")
    }
    if standardises, !kind.canBeStandardised {
      throw RunError("\(place): 'standardise' has no effect on \(representation); leave it out")
    }
    guard kind.isOfHeads || (scores.isEmpty && !weighsByReliability) else {
      throw RunError("\(place): 'score' and 'weigh' are for patterns and have no effect on \(representation); leave them out")
    }
    guard scores.count < 2 || standardises else {
      throw RunError("\(place): several scores have different sizes; add 'standardise: true'")
    }
  }
}

extension Study.Retrieval {
  init(_ section: StudySection) throws {
    self.init()
    targets = try section.strings("targets")
    samples = try section.integer("samples", atLeast: 2) ?? samples
    choose = try section.integers("choose", atLeast: 1) ?? choose
    methods = try Study.Method.list(section) ?? methods
    randomDraws = try section.integer("random_draws", atLeast: 1) ?? randomDraws
    isTuned = try section.truth("tuned") ?? isTuned
  }
}

extension Study.DistanceBins {
  init(_ section: StudySection) throws {
    self.init()
    targets = try section.strings("targets")
    samples = try section.integer("samples", atLeast: 2) ?? samples
    bins = try section.integer("bins", atLeast: 3) ?? bins
    methods = try Study.Method.list(section) ?? methods
    pools = try section.strings("pools")?.map { try section.choice($0, "pools", Pool.allCases) } ?? pools
  }
}

extension Study.Datamodelling {
  init(_ section: StudySection) throws {
    self.init()
    targets = try section.strings("targets")
    subsets = try section.integer("subsets", atLeast: 3) ?? subsets
    trainings = try section.integer("trainings", atLeast: 1) ?? trainings
    methods = try Study.Method.list(section) ?? methods
  }
}

extension Study.Ablation {
  init(_ section: StudySection) throws {
    self.init()
    tasks = try section.strings("tasks")
    scores = try section.strings("scores")?.map { try section.choice($0, "scores", Score.allCases) } ?? scores
    samples = try section.integer("samples", atLeast: 3)
    isTuned = try section.truth("tuned") ?? isTuned
  }
}

extension StudyKeys {
  static let retrieval: [StudyKey] = [
    .init("targets", "target tasks, which have samples in the pool; all tasks of the pool"),
    .init("samples", "samples that stand for the target; 25"),
    .init("choose", "how many samples are chosen, one number or several; 100"),
    .init("methods", "what chooses; every representation and form"),
    .init("random_draws", "random choices for each seed, of which the mean counts; 5"),
    .init("tuned", "whether likenesses under the model fine-tuned on the target's samples are tested, too; true"),
  ]

  static let distanceBins: [StudyKey] = [
    .init("targets", "target tasks; all with the role"),
    .init("samples", "samples that stand for the target; 25"),
    .init("bins", "the bins of equal label tokens that a pool is cut into; 10"),
    .init("methods", "by what likeness; every representation, standardised and not"),
    .init("pools", "without, with: whether the pool has samples of the target's own task; both"),
  ]

  static let datamodelling: [StudyKey] = [
    .init("targets", "target tasks; all with the role"),
    .init("subsets", "random halves of the pool; 100"),
    .init("trainings", "trainings of each half, in different orders; 3"),
    .init("methods", "what is likened; every representation, standardised and not"),
  ]

  static let ablation: [StudyKey] = [
    .init("tasks", "tasks; all basic and complex ones of the first set"),
    .init("scores", "the scores that are held against ablation; all"),
    .init("samples", "the most samples of a probe on which heads are switched off; all, and all of a target's questions"),
    .init("tuned", "whether fine-tuned models are tested, too; true"),
  ]
}
