public import Evaluation

/// What an evaluation found, and of what: as `--json` prints it and `EvaluationRun/out` holds it. The fields of ``result`` stand beside ``about``.
public struct EvaluationOutcome: Codable, Sendable, Hashable {
  /// The figures.
  public var result: EvaluationResult
  /// The mean of the losses over all labels, where losses are asked for; `result.value` is the mean of the samples' own means.
  public var labelLoss: Double?
  /// Labels, where losses are asked for.
  public var labels: Int?
  /// What was evaluated.
  public var about: About

  /// Which model was asked which questions.
  public struct About: Codable, Sendable, Hashable {
    /// The model as it was named.
    public var model: String
    /// Changes with any weight.
    public var modelFingerprint: String
    /// The SHA-256 of the data.
    public var dataFingerprint: String
    /// The SHA-256 of the shots; nil where no file of them was given.
    public var shotsFingerprint: String?
    /// The data's format.
    public var format: String
    /// What was computed in.
    public var dtype: String
    /// The most tokens of a prompt and what follows.
    public var maxLength: Int

    enum CodingKeys: String, CodingKey {
      case model, format, dtype
      case modelFingerprint = "model_fingerprint"
      case dataFingerprint = "data_fingerprint"
      case shotsFingerprint = "shots_fingerprint"
      case maxLength = "max_length"
    }
  }

  enum CodingKeys: String, CodingKey {
    case about, labels
    case labelLoss = "label_loss"
  }

  init(_ result: EvaluationResult, _ about: About, labelLoss: Double? = nil, labels: Int? = nil) {
    self.result = result
    self.about = about
    self.labelLoss = labelLoss
    self.labels = labels
  }

  /// Reads the figures from the level of the document, the rest from their keys.
  public init(from decoder: any Decoder) throws {
    result = try EvaluationResult(from: decoder)
    let values = try decoder.container(keyedBy: CodingKeys.self)
    about = try values.decode(About.self, forKey: .about)
    labelLoss = try values.decodeIfPresent(Double.self, forKey: .labelLoss)
    labels = try values.decodeIfPresent(Int.self, forKey: .labels)
  }

  /// Writes the figures beside ``about``, on one level.
  public func encode(to encoder: any Encoder) throws {
    try result.encode(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(about, forKey: .about)
    try values.encodeIfPresent(labelLoss, forKey: .labelLoss)
    try values.encodeIfPresent(labels, forKey: .labels)
  }
}

extension EvaluationOutcome {
  /// Whether the value is a loss in nats rather than a fraction of right answers.
  public var isLoss: Bool { result.benchmark == BenchmarkSettings.loss }
}
