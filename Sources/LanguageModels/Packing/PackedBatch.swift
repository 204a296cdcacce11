/// Samples laid end to end, no padding: T tokens, B samples, M labels.
public struct PackedBatch: Sendable {
  /// The tokens of all samples `[T]`.
  public let tokens: [Int]
  /// Each token's place in its own sample `[T]`.
  public let positions: [Int]
  /// Where each sample begins, and T `[B + 1]`.
  public let bounds: [Int]
  /// The rows whose hidden state predicts a label `[M]`, ascending: the token before it.
  public let labelPositions: [Int]
  /// The token that each of them predicts `[M]`.
  public let targets: [Int]
  /// The weight of each label in the loss `[M]`; with `.sample` 1 / the sample's number of labels, so that the loss is the sum of the samples' means.
  public let labelWeights: [Float]
  /// Where each sample's labels begin in `labelPositions`, and M `[B + 1]`.
  public let labelBounds: [Int]

  /// Packs samples in order.
  ///
  /// - Parameters:
  ///   - samples: in the order in which they are laid end to end.
  ///   - weights: for each sample the weight of one of its labels; 1 / its number of labels where nil.
  public init(_ samples: [TokenizedSample], labelWeights weights: [Double]? = nil) {
    var tokens: [Int] = []
    var positions: [Int] = []
    var bounds = [0]
    var labelPositions: [Int] = []
    var targets: [Int] = []
    var labelWeights: [Float] = []
    var labelBounds = [0]
    for (number, sample) in samples.enumerated() {
      let start = tokens.count
      let given = weights.flatMap { $0.indices.contains(number) ? $0[number] : nil }
      let weight = given ?? 1 / Double(max(1, sample.labelCount))
      tokens += sample.tokens
      positions += 0..<sample.tokens.count
      for place in sample.tokens.indices.dropFirst() where sample.isLabel[place] {
        labelPositions.append(start + place - 1)
        targets.append(sample.tokens[place])
        labelWeights.append(Float(weight))
      }
      bounds.append(tokens.count)
      labelBounds.append(labelPositions.count)
    }
    self.tokens = tokens
    self.positions = positions
    self.bounds = bounds
    self.labelPositions = labelPositions
    self.targets = targets
    self.labelWeights = labelWeights
    self.labelBounds = labelBounds
  }

  /// The number of samples.
  public var sampleCount: Int { bounds.count - 1 }

  /// Splits samples, in order, into batches of at most `tokenLimit` tokens; a longer sample is a batch of its own.
  public static func plan(_ lengths: [Int], tokenLimit: Int) -> [Range<Int>] { plan(lengths) { _ in tokenLimit } }

  /// The same with a limit for each batch.
  /// - Parameter tokenLimit: the most tokens of a batch with which so many tokens are left, its own included.
  static func plan(_ lengths: [Int], tokenLimit: (_ rest: Int) -> Int) -> [Range<Int>] {
    var plan: [Range<Int>] = []
    var first = 0
    var total = 0
    var rest = lengths.reduce(0, +)
    var limit = tokenLimit(rest)
    for (number, length) in lengths.enumerated() {
      if number > first, total + length > limit {
        plan.append(first..<number)
        first = number
        rest -= total
        total = 0
        limit = tokenLimit(rest)
      }
      total += length
    }
    if first < lengths.count { plan.append(first..<lengths.count) }
    return plan
  }
}
