import ActivationPatterns

/// What a demo found, in figures: what `demo --json` prints, and what the page opens with.
public struct DemoResult: Codable, Sendable, Equatable {
  /// A skill before and after fine-tuning on it.
  public struct Skill: Codable, Sendable, Equatable {
    /// Its name.
    public var name: String
    /// What is asked, in words.
    public var about: String
    /// The basic skills that it takes together; empty for a basic one.
    public var parts: [String]
    /// A question as the model gets it, and its answer.
    public var prompt, answer: String
    /// The mean loss of an answer in nats a token.
    public var lossBefore, lossAfter: Double?
    /// The share of questions answered rightly.
    public var rightBefore, rightAfter: Double?
    /// The Gini coefficient of the pattern.
    public var giniBefore, giniAfter: Double?
    /// The mean level of a head.
    public var levelBefore, levelAfter: Double?
    /// The head with the greatest level after, `layer:head`.
    public var strongest: String?
    /// The share of heads whose level rose.
    public var rose: Double?
    /// The pattern before and after: for each layer the levels of its heads.
    public var before, after: [[Double]]

    enum CodingKeys: String, CodingKey {
      case name, about, parts, prompt, answer, strongest, rose, before, after
      case lossBefore = "loss_before"
      case lossAfter = "loss_after"
      case rightBefore = "right_before"
      case rightAfter = "right_after"
      case giniBefore = "gini_before"
      case giniAfter = "gini_after"
      case levelBefore = "level_before"
      case levelAfter = "level_after"
    }
  }

  /// The change of a complex skill as a sum of those of basic ones.
  public struct Fit: Codable, Sendable, Equatable {
    /// The complex skill.
    public var target: String
    /// The basic skills that it takes together.
    public var parts: [String]
    /// The place of that pair among all pairs of basic skills by R², 1 for the best.
    public var place: Int?
    /// How many pairs there are.
    public var pairs: Int
    /// R² of that pair.
    public var r2: Double?
    /// The pair with the greatest R².
    public var best: [String]
    /// Its R².
    public var bestR2: Double?
    /// R² by all basic skills.
    public var fullR2: Double?
    /// p of the fit by all of them, the target's heads shuffled within layers.
    public var p: Double?
    /// The share of resamples of the questions in which that pair came first.
    public var first: Double?

    enum CodingKeys: String, CodingKey {
      case target, parts, place, pairs, r2, best, p, first
      case bestR2 = "best_r2"
      case fullR2 = "full_r2"
    }

    init(_ fit: FitResult, parts: [String]) {
      let ranked = fit.subsets.filter { $0.names.count == 2 }
      let own = ranked.firstIndex { Set($0.names) == Set(parts) }
      target = fit.target
      self.parts = parts
      place = own.map { $0 + 1 }
      pairs = ranked.count
      r2 = own.flatMap { ranked[$0].r2 }
      best = ranked.first?.names ?? []
      bestR2 = ranked.first?.r2
      fullR2 = fit.r2
      p = fit.permutation?.withinLayers
      first = fit.bootstrap?.pairs.first { Set($0.names) == Set(parts) }?.first
    }
  }

  /// How a pattern moved while the model learned.
  public struct Tracking: Codable, Sendable, Equatable {
    /// The skill.
    public var skill: String
    /// The updates in all.
    public var steps: Int
    /// Pearson's correlation of the last pattern with the first.
    public var correlation: Double?
    /// The first update by which 90% of that distance lay behind it.
    public var mostAfter: Int?
    /// The samples of an update.
    public var window: Int

    enum CodingKeys: String, CodingKey {
      case skill, steps, correlation, window
      case mostAfter = "most_after"
    }
  }

  /// What levels say about switching heads off.
  public struct Ablation: Codable, Sendable, Equatable {
    /// The skill whose questions were asked.
    public var skill: String
    /// The heads that were switched off, one by one.
    public var heads: Int
    /// Pearson's and Spearman's correlation of predicted and true change of the loss, over heads.
    public var pearson, spearman: Double?
    /// The head with the greatest true change of the loss, `layer:head`.
    public var worst: String?
    /// That change, in nats a label.
    public var worstChange: Double?

    enum CodingKeys: String, CodingKey {
      case skill, heads, pearson, spearman, worst
      case worstChange = "worst_change"
    }

    init(_ result: AblationResult, skill: String) {
      self.skill = skill
      heads = result.items.count
      pearson = result.agreement?.pearson?.estimate
      spearman = result.agreement?.spearman?.estimate
      let worst = result.items.max { $0.trueChange < $1.trueChange }
      self.worst = worst?.name
      worstChange = worst?.trueChange
    }
  }

  /// What data that was mixed or chosen by patterns was worth for a task of few samples, beside data by chance.
  public struct Comparison: Codable, Sendable, Equatable {
    /// How data was come by.
    public enum Kind: String, Codable, Sendable {
      /// Whole tasks, in the proportion of a fit (equation 4).
      case mixture
      /// Single samples, by the likeness of their patterns (equation 5).
      case selection
    }
    /// A task among the data.
    public struct Share: Codable, Sendable, Equatable {
      /// The task.
      public var name: String
      /// Its samples.
      public var count: Int
    }
    /// A model.
    public struct Arm: Codable, Sendable, Equatable {
      /// The folder of its model in `arms/`.
      public var name: String
      /// What it was trained on.
      public var about: String
      /// Its mean loss on the target's questions.
      public var loss: Double?
      /// The share that it answered rightly.
      public var right: Double?

      init(_ arm: DemoComparison.Arm) {
        (name, about, right) = (arm.name, arm.about, arm.right)
        loss = arm.losses.isEmpty ? nil : arm.losses.reduce(0, +) / Double(arm.losses.count)
      }
    }
    /// A mean difference with a 95% interval over questions.
    public struct Difference: Codable, Sendable, Equatable {
      /// The mean.
      public var estimate: Double
      /// The ends.
      public var low, high: Double
    }
    /// How data was come by.
    public var kind: Kind
    /// The task that it was for.
    public var target: String
    /// What it was made of.
    public var shares: [Share]
    /// The models, the method's first, then that of chance.
    public var arms: [Arm]
    /// The mean over questions of the method's loss less that of chance, with 1.96 standard errors; nil for fewer than two questions.
    public var difference: Difference?
    /// The share of what was chosen that belongs to the skills which the target takes together.
    public var relatives: Double?
    /// The share of them in the pool.
    public var relativesByChance: Double?

    enum CodingKeys: String, CodingKey {
      case kind, target, shares, arms, difference, relatives
      case relativesByChance = "relatives_by_chance"
    }

    init(
      kind: Kind, target: String, parts: [String], _ shares: [Share], method: DemoComparison.Arm, random: DemoComparison.Arm,
      others: [DemoComparison.Arm] = [], candidates: Int
    ) {
      self.kind = kind
      self.target = target
      self.shares = shares
      arms = ([method, random] + others).map(Arm.init)
      let differences = zip(method.losses, random.losses).map { $0 - $1 }
      if differences.count > 1 {
        let count = Double(differences.count)
        let mean = differences.reduce(0, +) / count
        let error = (differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1) / count).squareRoot()
        difference = Difference(estimate: mean, low: mean - 1.96 * error, high: mean + 1.96 * error)
      }
      let total = shares.reduce(0) { $0 + $1.count }
      if total > 0 {
        relatives = Double(shares.reduce(0) { $0 + (parts.contains($1.name) ? $1.count : 0) }) / Double(total)
        relativesByChance = Double(parts.count) / Double(candidates)
      }
    }
  }

  /// A file or folder that the demo wrote.
  public struct File: Codable, Sendable, Equatable {
    /// Its name in the demo's folder.
    public var name: String
    /// What it is.
    public var about: String
  }

  /// What wrote it.
  public var madeBy = "headway demo"
  /// The demo's folder, as the run named it.
  public var out = ""
  /// The seed of the world.
  public var seed: UInt64
  /// How large the world is.
  public var size: DemoRun.Size
  /// Every skill that was fine-tuned on.
  public var skills: [Skill] = []
  /// The fits of the complex skills.
  public var fits: [Fit] = []
  /// The fine-tuning that was tracked.
  public var tracking: Tracking?
  /// What mixing and choosing data was worth.
  public var comparisons: [Comparison] = []
  /// The heads that were switched off.
  public var ablation: Ablation?
  /// Seconds of this part of the demo.
  public var seconds = 0.0
  /// What lies where.
  public var contents: [File] = []

  enum CodingKeys: String, CodingKey {
    case out, seed, size, skills, fits, tracking, comparisons, ablation, seconds, contents
    case madeBy = "made_by"
  }

  init(seed: UInt64, size: DemoRun.Size) {
    self.seed = seed
    self.size = size
  }
}
