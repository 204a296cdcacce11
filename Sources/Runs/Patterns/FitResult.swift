import Ground
public import ActivationPatterns
import Foundation

/// What a fit found: what `fit --json` prints, what its file holds, and what a report reads back.
public struct FitResult: Codable, Sendable, Equatable {
  /// A subset of the basics and its fit.
  public struct Subset: Codable, Sendable, Equatable {
    /// The basics.
    public var names: [String]
    /// α by basic.
    public var coefficients: [String: Double]
    /// R²; nil where the target is constant.
    @ShownAsNull public var r2: Double?
    /// Adjusted R²; nil where there are too few heads.
    @ShownAsNull public var adjustedR2: Double?
    /// The basics' condition number; nil where it is infinite.
    @ShownAsNull public var conditionNumber: Double?

    init(_ subset: SubsetSearch.Subset, names all: [String]) {
      names = subset.basics.map { all[$0] }
      coefficients = Dictionary(uniqueKeysWithValues: zip(names, subset.fit.coefficients))
      r2 = subset.fit.r2
      adjustedR2 = subset.fit.adjustedR2
      conditionNumber = subset.fit.conditionNumber
    }

    enum CodingKeys: String, CodingKey {
      case names, coefficients, r2
      case adjustedR2 = "adjusted_r2"
      case conditionNumber = "condition_number"
    }
  }

  /// Intervals from resampled samples.
  public struct Bootstrap: Codable, Sendable, Equatable {
    /// Two basics.
    public struct Pair: Codable, Sendable, Equatable {
      /// The two.
      public var names: [String]
      /// The share of resamples in which this pair's R² was the greatest.
      public var first: Double
    }
    /// Split-half reliabilities.
    public struct Reliabilities: Codable, Sendable, Equatable {
      /// The target's.
      @ShownAsNull public var target: Double?
      /// Each basic's.
      public var basics: [String: Double?]
    }
    /// How often samples were drawn.
    public var replicates: Int
    /// What seeded it.
    public var seed: UInt64
    /// The interval of each α that has one.
    public var coefficients: [String: Interval]
    /// Each α corrected for noise in the basics, where that is possible.
    public var corrected: [String: Interval]
    /// R².
    public var r2: Interval?
    /// Every pair of basics, most often best first.
    public var pairs: [Pair]
    /// R² of the best pair minus that of the runner-up.
    public var bestMinusRunnerUp: Interval?
    /// How much of each pattern would come out again with other samples.
    public var reliability: Reliabilities

    init(_ bootstrap: FitBootstrap, names: [String], seed: UInt64) {
      func byName(_ intervals: [Interval?]) -> [String: Interval] {
        Dictionary(uniqueKeysWithValues: zip(names, intervals).compactMap { name, interval in interval.map { (name, $0) } })
      }
      replicates = bootstrap.replicates
      self.seed = seed
      coefficients = byName(bootstrap.coefficients)
      corrected = byName(bootstrap.corrected)
      r2 = bootstrap.r2
      pairs = bootstrap.pairs.map { Pair(names: $0.basics.map { names[$0] }, first: $0.firstShare) }
      bestMinusRunnerUp = bootstrap.bestMinusRunnerUp
      reliability = Reliabilities(
        target: bootstrap.targetReliability, basics: Dictionary(uniqueKeysWithValues: zip(names, bootstrap.basicReliabilities)))
    }

    enum CodingKeys: String, CodingKey {
      case replicates, seed, coefficients, corrected, r2, pairs, reliability
      case bestMinusRunnerUp = "best_minus_runner_up"
    }

    /// Reads the intervals, also of a program that keeps only those of the coefficients.
    public init(from decoder: any Swift.Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      replicates = try values.decode(Int.self, forKey: .replicates)
      seed = try values.value(.seed, or: 0)
      coefficients = try values.decode([String: Interval].self, forKey: .coefficients)
      corrected = try values.value(.corrected, or: [:])
      r2 = try values.decodeIfPresent(Interval.self, forKey: .r2)
      pairs = try values.value(.pairs, or: [])
      bestMinusRunnerUp = try values.decodeIfPresent(Interval.self, forKey: .bestMinusRunnerUp)
      reliability = try values.value(.reliability, or: Reliabilities(target: nil, basics: [:]))
    }
  }

  /// Permutation tests of R².
  public struct Permutation: Codable, Sendable, Equatable {
    /// p with the target's heads shuffled within layers.
    @ShownAsNull public var withinLayers: Double?
    /// p with all heads shuffled, which a shared profile over layers alone makes small.
    @ShownAsNull public var allHeads: Double?
    /// How often they were shuffled; nil where the file does not say.
    public var permutations: Int?
    /// What seeded it.
    public var seed: UInt64?

    init(_ test: PermutationTest, seed: UInt64) {
      withinLayers = test.withinLayers
      allHeads = test.allHeads
      permutations = test.permutations
      self.seed = seed
    }

    enum CodingKeys: String, CodingKey {
      case permutations, seed
      case withinLayers = "within_layers"
      case allHeads = "all_heads"
    }
  }

  /// R² on what the fit has not seen.
  public struct HeldOut: Codable, Sendable, Equatable {
    /// R² over many halvings.
    public struct Figures: Codable, Sendable, Equatable {
      /// Its mean.
      public var mean: Double
      /// What 2.5% of halvings do not reach.
      public var low: Double
      /// What 97.5% do not exceed.
      public var high: Double
      /// The halvings.
      public var splits: Int

      init(_ fit: HeldOutFit) { (mean, low, high, splits) = (fit.mean, fit.low, fit.high, fit.splits) }
    }
    /// α from one half of the heads, R² on the other.
    public var heads: Figures?
    /// α from one half of the samples, R² on the other; nil where they are not kept.
    public var samples: Figures?
  }

  /// The coefficients of the fit with and without negative ones, whichever of the two the fit is: a mixture is made of either.
  public struct CoefficientSets: Codable, Sendable, Equatable {
    /// α by basic where it may be negative.
    public var unconstrained: [String: Double]
    /// α by basic where it may not.
    public var nonnegative: [String: Double]

    /// Both sets.
    public init(unconstrained: [String: Double], nonnegative: [String: Double]) {
      self.unconstrained = unconstrained
      self.nonnegative = nonnegative
    }
  }

  /// The target's name.
  public var target: String
  /// The basics' names, in the order given.
  public var names: [String]
  /// The score that was looked at; nil where the file does not say.
  public var score: Score?
  /// α by basic.
  public var coefficients: [String: Double]
  /// The coefficients with and without negative ones; nil where the file does not say.
  public var coefficientSets: CoefficientSets?
  /// The constant, where one was fitted.
  public var intercept: Double?
  /// Whether no coefficient was let be negative.
  public var isNonnegative: Bool
  /// R²; nil where the target is constant.
  @ShownAsNull public var r2: Double?
  /// Adjusted R²; nil where there are too few heads.
  @ShownAsNull public var adjustedR2: Double?
  /// The basics' condition number; nil where it is infinite.
  @ShownAsNull public var conditionNumber: Double?
  /// The ridge penalty that was used.
  public var ridge: Double
  /// The heads that were fitted.
  public var entries: Int
  /// Heads left out because a relative change is undefined there.
  public var undefined: Int
  /// The fits of subsets, by size, best first.
  public var subsets: [Subset] = []
  /// Intervals, where they were asked for.
  @ShownAsNull public var bootstrap: Bootstrap?
  /// The permutation test, where it was asked for.
  @ShownAsNull public var permutation: Permutation?
  /// R² on what was held out, where that was asked for.
  public var heldOut: HeldOut?
  /// What a reader of the figures should know, in sentences.
  public var warnings: [String]

  init(target: String, names: [String], score: Score, options: PatternFit.Options, fit: PatternFit) {
    self.target = target
    self.names = names
    self.score = score
    coefficients = Dictionary(uniqueKeysWithValues: zip(names, fit.coefficients))
    intercept = fit.intercept
    isNonnegative = options.isNonnegative
    r2 = fit.r2
    adjustedR2 = fit.adjustedR2
    conditionNumber = fit.conditionNumber
    ridge = fit.ridge
    entries = fit.entryCount
    undefined = fit.undefinedCount
    warnings = fit.warnings
  }

  enum CodingKeys: String, CodingKey {
    case target, names, score, coefficients, intercept, r2, ridge, entries, undefined, subsets, bootstrap, permutation, warnings
    case isNonnegative = "nonnegative"
    case coefficientSets = "coefficient_sets"
    case adjustedR2 = "adjusted_r2"
    case conditionNumber = "condition_number"
    case heldOut = "held_out"
  }

  /// Reads a fit, also one of another program that keeps only what the figures are: target, coefficients, R² and subsets.
  public init(from decoder: any Swift.Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    target = try values.decode(String.self, forKey: .target)
    let coefficients = try values.decode([String: Double].self, forKey: .coefficients)
    self.coefficients = coefficients
    names = try values.value(.names, or: coefficients.keys.sorted())
    score = try values.decodeIfPresent(Score.self, forKey: .score)
    coefficientSets = try values.decodeIfPresent(CoefficientSets.self, forKey: .coefficientSets)
    intercept = try values.decodeIfPresent(Double.self, forKey: .intercept)
    isNonnegative = try values.value(.isNonnegative, or: false)
    _r2 = try values.decode(ShownAsNull<Double>.self, forKey: .r2)
    _adjustedR2 = try values.decode(ShownAsNull<Double>.self, forKey: .adjustedR2)
    _conditionNumber = try values.decode(ShownAsNull<Double>.self, forKey: .conditionNumber)
    ridge = try values.value(.ridge, or: 0)
    entries = try values.value(.entries, or: 0)
    undefined = try values.value(.undefined, or: 0)
    subsets = try values.decode([Subset].self, forKey: .subsets)
    _bootstrap = try values.decode(ShownAsNull<Bootstrap>.self, forKey: .bootstrap)
    _permutation = try values.decode(ShownAsNull<Permutation>.self, forKey: .permutation)
    heldOut = try values.decodeIfPresent(HeldOut.self, forKey: .heldOut)
    warnings = try values.value(.warnings, or: [])
  }
}
