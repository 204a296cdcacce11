public import ActivationPatterns
import Ground
import Probing
import Reports

/// What `AblationRun` found: printed, written and read back as it is. Changes are of the mean loss of a label, in nats.
public struct AblationResult: Codable, Sendable {
  /// Where it came from.
  public struct About: Codable, Sendable, Hashable {
    /// The model's folder or name.
    public var model: String
    /// The fingerprint of its weights.
    public var modelFingerprint: String?
    /// The task that the samples name.
    public var task: String?
    /// The data's format.
    public var format: String
    /// The template that wrote the prompts.
    public var template: String
    /// The SHA-256 of the data.
    public var dataFingerprint: String?
    /// The type of the computation.
    public var dtype: String
    /// The most tokens of a sample.
    public var maxLength: Int
    /// What was switched off, in words.
    public var choice: String
    /// The seed of whatever was drawn.
    public var seed: UInt64

    /// What a resumed run must have in common.
    var identity: RunIdentity {
      var identity = Provenance(
        model: model, modelFingerprint: modelFingerprint, format: format, template: template, dataFingerprint: dataFingerprint,
        maxLength: maxLength, dtype: dtype
      ).identity
      identity["choice"] = choice
      identity["seed"] = "\(seed)"
      return identity
    }

    enum CodingKeys: String, CodingKey {
      case model, task, format, template, dtype, choice, seed
      case modelFingerprint = "model_fingerprint"
      case dataFingerprint = "data_fingerprint"
      case maxLength = "max_length"
    }
  }

  /// A mean true change and what was predicted of it.
  public struct Change: Codable, Sendable, Equatable {
    /// `layer:head`, `layer 3` or `together`.
    public var name: String
    /// The layer.
    public var layer: Int?
    /// The head in the layer; nil for a whole layer.
    public var head: Int?
    /// The number of heads or layers that are off.
    public var count: Int?
    /// The measured change of the mean loss.
    public var trueChange: Double
    /// What the levels predict of it.
    public var prediction: Double
    /// The measured change's interval.
    public var trueInterval: Interval?
    /// The prediction's interval.
    public var predictionInterval: Interval?
    /// The change of the benchmark's accuracy; nil where none was asked.
    public var accuracyChange: Double?
    /// Its standard error, paired by question.
    public var accuracyError: Double?

    enum CodingKeys: String, CodingKey {
      case name, layer, head, count, prediction
      case trueChange = "true_change"
      case trueInterval = "true_interval"
      case predictionInterval = "prediction_interval"
      case accuracyChange = "accuracy_change"
      case accuracyError = "accuracy_change_stderr"
    }
  }

  /// Over items, how well the prediction holds.
  public struct Agreement: Codable, Sendable, Equatable {
    /// Correlations, and the slope of truth by prediction.
    public var pearson, spearman, slope: Interval?
    /// The share of items whose prediction has the sign of the truth.
    public var sameSign: Double
    /// The split-half reliability of the true changes.
    @ShownAsNull public var trueReliability: Double?
    /// The split-half reliability of the predictions.
    @ShownAsNull public var predictionReliability: Double?
    /// Resamples behind the intervals.
    public var replicates: Int

    enum CodingKeys: String, CodingKey {
      case pearson, spearman, slope, replicates
      case sameSign = "same_sign"
      case trueReliability = "true_reliability"
      case predictionReliability = "prediction_reliability"
    }

    /// The figures in a line.
    public var text: String {
      func figure(_ name: String, _ entry: Interval?) -> String {
        entry.map { "\(name) \(NumberText.fixed($0.estimate, decimals: 3)) \($0.text(decimals: 3))" } ?? "\(name) –"
      }
      return [figure("Pearson", pearson), figure("Spearman", spearman), figure("slope", slope)].joined(separator: ", ")
        + ", same sign \(NumberText.fixed(sameSign * 100, decimals: 0))%"
    }
  }

  /// The first 1, 2, … of some items together.
  public struct Curve: Codable, Sendable, Equatable {
    /// The items in the order in which they are switched off.
    public var order: [String]
    /// The change with the first 1, 2, … of them off.
    public var changes: [Change]
  }

  /// Every sample's own figures, [N][items].
  public struct Samples: Codable, Sendable, Equatable {
    /// The samples' places in the data.
    public var index: [Int]
    /// Their losses.
    public var loss: [Double]
    /// Their measured changes `[N][items]`.
    public var trueChange: [[Double]]
    /// The predicted changes `[N][items]`.
    public var prediction: [[Double]]

    enum CodingKeys: String, CodingKey {
      case index, loss, prediction
      case trueChange = "true_change"
    }
  }

  /// Where it came from.
  public var about: About
  /// Samples measured.
  public var samples: Int
  /// Samples left out because they had no label.
  public var skipped: Int
  /// Tokens of the samples.
  public var tokens: Int
  /// The mean of the samples' losses.
  public var loss: Double
  /// Each item switched off by itself.
  public var items: [Change]
  /// All items switched off together; nil for one item.
  public var together: Change?
  /// How well the prediction holds; nil for fewer than three items.
  public var agreement: Agreement?
  /// The items switched off one after another; nil where not asked for.
  public var cumulative: Curve?
  /// Random orders to set that against.
  public var random: [Curve]
  /// The benchmark that was asked, with all heads on; nil for none.
  public var benchmark: Benchmark?
  /// Every sample's own figures, where they are kept.
  public var perSample: Samples?

  /// What measuring took; known to the run that measured alone.
  public var effort: Effort?

  /// What measuring took.
  public struct Effort: Sendable, Hashable {
    /// Tokens times layers that were computed in this run.
    public var tokenLayers: Int
    /// Seconds of the measuring loop in this run.
    public var seconds: Double
  }

  enum CodingKeys: String, CodingKey {
    case about, samples, skipped, tokens, loss, items, together, agreement, cumulative, random, benchmark
    case perSample = "per_sample"
  }

  init(_ about: About, _ plan: AblationPlan, _ findings: AblationFindings, replicates: Int, skipped: Int, keepsSamples: Bool) throws {
    self.about = about
    self.skipped = skipped
    samples = findings.samples.count
    tokens = findings.tokens
    loss = findings.samples.reduce(0) { $0 + $1.loss } / Double(max(1, samples))
    effort = Effort(tokenLayers: findings.tokenLayers, seconds: findings.seconds)

    /// [N][sets], true and predicted.
    func columns(_ places: [Int]) -> (truth: [[Double]], prediction: [[Double]]) {
      (
        findings.samples.map { sample in places.map { sample.changes[$0] } },
        findings.samples.indices.map { sample in places.map { findings.prediction(sample, of: plan.sets[$0]) } }
      )
    }
    func mean(_ rows: [[Double]], _ column: Int) -> Double { rows.reduce(0) { $0 + $1[column] } / Double(max(1, rows.count)) }
    func changes(_ places: [Int], _ name: (Int) -> (name: String, item: AblationItem?, count: Int?)) throws -> (
      [Change], PredictionAgreement?
    ) {
      let (truth, prediction) = columns(places)
      var generator = SeededGenerator(seed: about.seed, stream: "ablate bootstrap")
      let agreement =
        truth.count > 1 ? try PredictionAgreement(truth: truth, prediction: prediction, replicates: replicates, using: &generator) : nil
      let changes = places.indices.map { place in
        let (name, item, count) = name(place)
        return Change(
          name: name, layer: item?.layer, head: item?.head, count: count, trueChange: mean(truth, place),
          prediction: mean(prediction, place),
          trueInterval: agreement?.truths[place],
          predictionInterval: agreement?.predictions[place])
      }
      return (changes, agreement)
    }

    let (single, agreement) = try changes(plan.single) { (plan.items[$0].name, plan.items[$0], nil) }
    items = single
    if let agreement, single.count > 2 {
      self.agreement = Agreement(
        pearson: agreement.pearson, spearman: agreement.spearman,
        slope: agreement.slope, sameSign: agreement.sameSign,
        trueReliability: agreement.truthReliability, predictionReliability: agreement.predictionReliability,
        replicates: agreement.replicates)
    }
    together = try plan.together.map { try changes([$0]) { _ in ("together", nil, plan.items.count) }.0[0] }
    cumulative = try plan.cumulative.map { places in
      Curve(
        order: plan.items.map(\.name),
        changes: try changes(places) { (plan.items[$0].name, plan.items[$0], $0 + 1) }.0)
    }
    random = try plan.random.map { order in
      Curve(
        order: order.items.map(\.name),
        changes: try changes(order.prefixes) { (order.items[$0].name, order.items[$0], $0 + 1) }.0)
    }
    if keepsSamples {
      let (truth, prediction) = columns(plan.single)
      perSample = Samples(
        index: findings.samples.map(\.index), loss: findings.samples.map(\.loss), trueChange: truth, prediction: prediction)
    }
  }

  /// What a reader of the figures should know.
  public var warnings: [String] {
    var warnings: [String] = []
    if samples < 2 { warnings.append("one sample says nothing of uncertainty: there are no intervals; measure more samples") }
    if let value = agreement?.trueReliability, value < Reliability.sufficient {
      warnings.append(
        "the split-half reliability of the true changes is \(NumberText.fixed(value, decimals: 2)), below \(Reliability.sufficient): the order of heads is uncertain; measure more samples"
      )
    }
    return warnings
  }

  /// What the random orders do where the curve has this point: the mean, the least and the greatest change.
  public func band(_ place: Int) -> (mean: Double, low: Double, high: Double)? {
    let values = random.compactMap { $0.changes.indices.contains(place) ? $0.changes[place].trueChange : nil }
    guard let low = values.min(), let high = values.max() else { return nil }
    return (values.reduce(0, +) / Double(values.count), low, high)
  }
}
