import Ground

/// Which attention heads a task puts to work: a level for each layer and head, for one score or several, and where it came from.
///
/// The pattern of a task is the mean over its samples, AP = (1/N) Σ_i score(x_i) (equations 1, 2).
public struct ActivationPattern: Sendable {
  /// The levels under one score.
  public struct Levels: Sendable {
    /// The mean over samples.
    public let mean: HeadMatrix
    /// Each sample's own, where they were kept.
    public let samples: SampleLevels?

    /// A mean alone.
    public init(mean: HeadMatrix) {
      self.mean = mean
      samples = nil
    }

    /// A mean and the samples it was taken over.
    public init(mean: HeadMatrix, samples: SampleLevels) {
      self.mean = mean
      self.samples = samples
    }

    /// The mean of these samples, with them.
    /// - Throws: `PatternError` where there are none or the shape does not fit.
    public init(layers: Int, heads: Int, samples: SampleLevels) throws {
      guard let mean = try samples.mean() else {
        throw PatternError(problem: "a pattern needs at least one sample", remedy: "give data whose samples have labels")
      }
      self.init(mean: try HeadMatrix(layers: layers, heads: heads, values: mean), samples: samples)
    }
  }

  /// What is kept of each sample beside its levels, all in the same order.
  public struct Samples: Sendable, Equatable {
    /// Each sample's loss, [N].
    public let loss: [Float]
    /// Each sample's position in the data, counted from 0, [N].
    public let index: [Int64]
    /// Each sample's name in the data, [N]; nil where the ids were not kept.
    public let ids: [String]?
    /// A fingerprint of each sample's texts, [N], by which samples of different files are told apart; nil where it was not recorded.
    public let contents: [UInt64]?

    /// Makes the record.
    /// - Throws: `PatternError` where the counts differ.
    public init(loss: [Float], index: [Int64], ids: [String]?, contents: [UInt64]? = nil) throws {
      let counts = [("positions", index.count), ("ids", ids?.count), ("contents", contents?.count)]
      for case (let what, let count?) in counts where count != loss.count {
        throw PatternError(
          problem: "\(loss.count) losses and \(count) \(what) do not belong together", remedy: "give one of each for every sample")
      }
      self.loss = loss
      self.index = index
      self.ids = ids
      self.contents = contents
    }
  }

  /// Where the pattern came from.
  public var provenance: Provenance
  /// The number of layers, L.
  public let layers: Int
  /// The number of query heads in a layer, H.
  public let heads: Int
  /// The levels under each score that was measured; at least one.
  public let levels: [Score: Levels]
  /// What is kept of each sample, where samples were kept.
  public let samples: Samples?

  /// Puts a pattern together.
  /// - Throws: `PatternError` where there is no score, or shapes or sample counts differ.
  public init(provenance: Provenance, levels: [Score: Levels], samples: Samples? = nil) throws {
    guard let first = levels.min(by: { $0.key.rawValue < $1.key.rawValue })?.value.mean else {
      throw PatternError(
        problem: "a pattern needs at least one score", remedy: "name one of \(Score.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    for (score, level) in levels {
      guard level.mean.hasSameShape(as: first), level.samples.map({ $0.entryCount == first.count }) ?? true else {
        throw PatternError(
          problem: "the score \(score) has \(level.mean.shapeText), another has \(first.shapeText)",
          remedy: "measure all of them on one model")
      }
      if let count = level.samples?.sampleCount, let samples, count != samples.loss.count {
        throw PatternError(
          problem: "the score \(score) has \(count) samples but there are \(samples.loss.count) losses",
          remedy: "give one of each for every sample")
      }
    }
    self.provenance = provenance
    self.layers = first.layers
    self.heads = first.heads
    self.levels = levels
    self.samples = samples
  }

  /// The scores measured, in the order of `Score.allCases`.
  public var scores: [Score] { Score.allCases.filter { levels[$0] != nil } }
}
