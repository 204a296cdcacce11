import CheckpointFiles
import FineTuning

/// What a step takes. Operations are floating-point operations, a multiplication and an addition counted as two; all of it is estimated from
/// the model's sizes and the data's, so that it can be told before anything is there.
public struct StepCost: Sendable, Hashable, Codable {
  /// Floating-point operations.
  public var operations = 0.0
  /// Tokens that go through the model.
  public var tokens = 0
  /// Bytes of weights that are read.
  public var bytesRead = 0
  /// Bytes that are written.
  public var bytesWritten = 0
  /// Bytes of memory.
  public var memory = 0

  /// A step that computes next to nothing.
  public init() {}

  enum CodingKeys: String, CodingKey {
    case operations, tokens, memory
    case bytesRead = "bytes_read"
    case bytesWritten = "bytes_written"
  }

  static func + (one: StepCost, two: StepCost) -> StepCost {
    var sum = one
    sum.operations += two.operations
    sum.tokens += two.tokens
    sum.bytesRead += two.bytesRead
    sum.bytesWritten += two.bytesWritten
    sum.memory = max(one.memory, two.memory)
    return sum
  }
}

/// How long the samples of a part are.
public struct PartSize: Sendable, Hashable, Codable {
  /// Samples.
  public var samples = 0
  /// Tokens of all of them.
  public var tokens = 0
  /// Tokens of their responses.
  public var labels = 0

  /// Nothing.
  public init() {}

  init(samples: Int, tokens: Int, labels: Int) { (self.samples, self.tokens, self.labels) = (samples, tokens, labels) }

  /// So many samples of the same mean length.
  func scaled(to count: Int) -> PartSize {
    guard samples > 0 else { return PartSize() }
    let share = Double(count) / Double(samples)
    return PartSize(samples: count, tokens: Int(Double(tokens) * share), labels: Int(Double(labels) * share))
  }
}

/// Counts what steps take on a model.
struct CostModel {
  let dimensions: ModelDimensions
  let study: Study

  /// Operations of one pass over samples: every matrix once a token, the vocabulary once a label, attention over half of a sample's own length.
  private func forward(_ size: PartSize) -> Double {
    let length = Double(size.tokens) / Double(max(1, size.samples))
    let attention = 2 * Double(dimensions.layers * dimensions.heads * dimensions.headDimension) * length
    return Double(size.tokens) * (2 * Double(dimensions.matrixWeights) + attention)
      + 2 * Double(size.labels) * Double(dimensions.vocabularySize * dimensions.hiddenSize)
  }

  private func width(_ isMaster: Bool) -> Int { isMaster ? 4 : dimensions.storedWidth }

  /// Activations of so many tokens that a pass back needs, in a type of this width; estimated as the trainer does.
  private func activations(tokens: Int, width: Int) -> Int {
    let outputs =
      dimensions.layers
      * (dimensions.headDimension * (dimensions.heads + 2 * dimensions.keyValueHeads) + dimensions.hiddenSize
        + (dimensions.isGated ? 2 : 1) * dimensions.intermediateSize + dimensions.hiddenSize)
    let norms = (2 * dimensions.layers + 1) * dimensions.hiddenSize
    let kept = Int(1.35 * Double(outputs)) + 2 * norms
    return study.training.settings.checkpointsActivations
      ? tokens * width * (kept / max(1, dimensions.layers) + (dimensions.layers + 1) * dimensions.hiddenSize) : tokens * width * kept
  }

  /// Training so many updates on samples: forward, back by inputs, and back by weights, which those under adapters do not need.
  func training(_ size: PartSize, updates: Int, _ lowRank: LowRankSettings?, fromMaster: Bool) -> StepCost {
    let settings = study.training.settings
    let seen = size.scaled(to: updates * settings.windowSize)
    let type = study.training.dtype.byteWidth
    let weights = dimensions.parameters
    let mean = size.tokens / max(1, size.samples)
    let batch = min(2 * mean, study.training.maximumLength) * settings.batchSize
    var cost = StepCost()
    cost.operations = forward(seen) * ((lowRank == nil ? 3 : 2) + (settings.checkpointsActivations ? 1 : 0))
    cost.tokens = seen.tokens
    cost.bytesRead = width(fromMaster) * weights
    if let lowRank {
      let adapters = dimensions.adapterWeights(lowRank)
      cost.operations += 6 * Double(adapters) * Double(seen.tokens)
      // The adapters, and a checkpoint with them and two moments.
      cost.bytesWritten = 16 * adapters
      cost.memory = 16 * adapters + type * weights + activations(tokens: batch, width: type)
    } else {
      // The model, and a checkpoint with masters and two moments.
      cost.bytesWritten = (12 + (fromMaster ? 4 : dimensions.storedWidth)) * weights
      cost.memory = (16 + (type == 4 ? 0 : type)) * weights + activations(tokens: batch, width: type)
    }
    return cost
  }

  /// Adding adapters to the weights that they lie on, one tensor at a time.
  func merging() -> StepCost {
    var cost = StepCost()
    cost.bytesRead = dimensions.storedWidth * dimensions.parameters
    cost.bytesWritten = 4 * dimensions.parameters
    cost.memory = 8 * dimensions.vocabularySize * dimensions.hiddenSize
    return cost
  }

  /// Measuring patterns: forward, and back by inputs alone.
  func measuring(_ size: PartSize, fromMaster: Bool, keepsSamples: Bool = true) -> StepCost {
    var cost = StepCost()
    cost.operations = 2 * forward(size)
    cost.tokens = size.tokens
    cost.bytesRead = width(fromMaster) * dimensions.parameters
    cost.bytesWritten = 4 * dimensions.layers * dimensions.heads * (keepsSamples ? size.samples : 1)
    cost.memory = study.dtype.byteWidth * dimensions.parameters + (1 << 30)
    return cost
  }

  /// Evaluating: forward alone, and where text is written a pass for every new token.
  func evaluating(_ size: PartSize, benchmark: String?, fromMaster: Bool) -> StepCost {
    var asked = size
    if let benchmark {
      // Shots and options are not known before the data is; these are what the paper's evaluator has.
      let (shotTokens, newTokens) = Self.benchmarks[benchmark] ?? (512, 0)
      asked.tokens += size.samples * (shotTokens + newTokens)
      asked.labels += size.samples * newTokens
    }
    var cost = StepCost()
    cost.operations = forward(asked)
    cost.tokens = asked.tokens
    cost.bytesRead = width(fromMaster) * dimensions.parameters
    cost.memory = study.dtype.byteWidth * dimensions.parameters + (1 << 28)
    return cost
  }

  /// Tokens of shots and options, and of what is written, a question.
  private static let benchmarks: [String: (shots: Int, new: Int)] = [
    "gsm8k": (600, 256), "math": (700, 512), "mathbench": (800, 256), "cmath": (600, 256), "mgsm": (800, 256), "mmlu": (800, 0),
    "ceval": (800, 0), "cmmlu": (800, 0), "hellaswag": (300, 0), "winogrande": (60, 0), "arc": (200, 0),
  ]
}
