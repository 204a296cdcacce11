import Ground

/// One sample as token ids: what the model reads, and which of it carries loss.
public struct TokenizedSample: Sendable, Hashable {
  /// Prompt, response and end-of-sequence token, cut at the greatest length.
  public var tokens: [Int]
  /// For each token whether it is a label: predicted, and counted in the loss. The first token has nothing before it to predict it from.
  public var isLabel: [Bool]
  /// The 0-based position in the data.
  public var index: Int
  /// Whether tokens were cut off.
  public var isTruncated: Bool

  /// A sample; `isLabel` is as long as `tokens`.
  public init(tokens: [Int], isLabel: [Bool], index: Int = 0, isTruncated: Bool = false) {
    self.tokens = tokens
    self.isLabel = isLabel
    self.index = index
    self.isTruncated = isTruncated
  }

  /// A sample whose first `promptLength` tokens are the prompt and whose others are labels.
  public init(tokens: [Int], promptLength: Int, index: Int = 0) {
    self.init(tokens: tokens, isLabel: tokens.indices.map { $0 >= promptLength }, index: index)
  }

  /// Labels that have a token before them: what the loss is over.
  public var labelCount: Int { zip(isLabel.indices, isLabel).reduce(0) { $0 + ($1.0 > 0 && $1.1 ? 1 : 0) } }

  /// A text that changes when any token or label of samples does.
  public static func fingerprint(of samples: [TokenizedSample]) -> String {
    var fingerprint = Fingerprint()
    for sample in samples {
      fingerprint.add(sample.index)
      fingerprint.add(sample.tokens.count)
      for (token, isLabel) in zip(sample.tokens, sample.isLabel) { fingerprint.add(isLabel ? -1 - token : token) }
    }
    return fingerprint.digits
  }
}
