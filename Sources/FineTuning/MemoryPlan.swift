public import CheckpointFiles
public import LanguageModels
import Torch

/// What a run will need of the machine's memory, in bytes. Weights and optimiser are exact; activations are estimated from the layers' widths.
public struct MemoryPlan: Sendable {
  /// One part of it.
  public struct Part: Sendable, Hashable {
    /// What it is for.
    public var name: String
    /// How much of it.
    public var bytes: Int
  }

  /// The parts, those of zero bytes left out.
  public let parts: [Part]
  /// Options that would lower it, each with what it would then be.
  public let remedies: [(option: String, bytes: Int)]

  /// Everything together.
  public var total: Int { parts.reduce(0) { $0 + $1.bytes } }

  /// The need of a run.
  /// - Parameters:
  ///   - decoder: the model, its adapters attached where the run trains only those.
  ///   - settings: of the run.
  ///   - elementType: the compute type.
  ///   - lengths: the tokens of each sample.
  public init(_ decoder: any Decoder, _ settings: TrainingSettings, elementType: ElementType, lengths: [Int]) {
    self.init(decoder, settings, elementType: elementType, lengths: lengths, withRemedies: true)
  }

  private init(_ decoder: any Decoder, _ settings: TrainingSettings, elementType: ElementType, lengths: [Int], withRemedies: Bool) {
    let linear = decoder.parameters.filter(\.isLinear)
    let trained: Int
    if let lowRank = settings.lowRank {
      let names = Set(lowRank.targets)
      trained = linear.reduce(0) { sum, weight in
        let name = LowRankAdapter.layerName(of: weight).split(separator: ".").last.map(String.init) ?? ""
        return names.contains(name) || names.contains("all-linear") ? sum + lowRank.rank * weight.tensor.shape.reduce(0, +) : sum
      }
    } else {
      trained = decoder.parameterCount
    }
    let width = elementType.byteWidth
    let tokens = MemoryPlan.largestBatch(lengths, settings)
    // What the way back needs of a token: the inputs of the linear layers and of the functions between them. Calibrated on Llama's block.
    let layers = max(1, decoder.shape.layers)
    let outputs = linear.reduce(0) { $0 + ($1.tensor.shape.first ?? 0) }
    let norms = decoder.parameters.filter { $0.tensor.shape.count == 1 && !$0.name.hasSuffix("bias") }.reduce(0) { $0 + $1.tensor.count }
    let kept = Int(1.35 * Double(outputs)) + 2 * norms
    let activations =
      settings.checkpointsActivations
      ? tokens * width * (kept / layers + (layers + 1) * decoder.shape.hiddenSize) : tokens * width * kept
    let logits = 3 * decoder.labelChunk * decoder.shape.vocabularySize * width
    let parts = [
      Part(name: "float32 weights", bytes: 4 * trained),
      Part(name: "their copies in \(elementType)", bytes: elementType == .float32 ? 0 : width * trained),
      Part(name: "gradients", bytes: 4 * trained),
      Part(name: "moments", bytes: 8 * trained),
      Part(name: "activations of \(tokens) tokens (estimated)", bytes: activations),
      Part(name: "logits and libraries", bytes: logits + (200 << 20)),
    ].filter { $0.bytes > 0 }
    let total = parts.reduce(0) { $0 + $1.bytes }
    self.parts = parts
    var remedies: [(option: String, bytes: Int)] = []
    if withRemedies {
      func consider(_ option: String, _ change: (inout TrainingSettings) -> Void) {
        var other = settings
        change(&other)
        let plan = MemoryPlan(decoder, other, elementType: elementType, lengths: lengths, withRemedies: false)
        if plan.total < total { remedies.append((option, plan.total)) }
      }
      if !settings.checkpointsActivations { consider("--checkpoint-activations") { $0.checkpointsActivations = true } }
      if settings.batchTokens == nil, settings.batchSize > 1 {
        consider("--batch-size 1 --accumulate \(settings.windowSize)") {
          $0.batchSize = 1
          $0.gradientAccumulation = settings.windowSize
        }
      }
      if settings.lowRank == nil { consider("--lora-rank 16") { $0.lowRank = LowRankSettings(rank: 16) } }
    }
    self.remedies = remedies
  }

  /// The most tokens that can meet in one batch.
  private static func largestBatch(_ lengths: [Int], _ settings: TrainingSettings) -> Int {
    let longest = lengths.sorted(by: >)
    let together = longest.prefix(settings.batchSize).reduce(0, +)
    guard let limit = settings.batchTokens else { return together }
    return max(min(limit, longest.prefix(settings.windowSize).reduce(0, +)), longest.first ?? 0)
  }
}
