public import CheckpointFiles
public import Ground
public import LanguageModels
import Probing
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

  /// Settings that would lower it.
  public struct Remedy: Sendable, Hashable {
    /// What to set.
    public var change: Message
    /// What the run would then need.
    public var bytes: Int
  }

  /// The parts, those of zero bytes left out.
  public let parts: [Part]
  /// Settings that would lower it, each with what it would then be.
  public let remedies: [Remedy]

  /// Everything together.
  public var total: Int { parts.reduce(0) { $0 + $1.bytes } }

  /// The need of a run.
  /// - Parameters:
  ///   - decoder: the model, its adapters attached where the run trains only those.
  ///   - settings: of the run.
  ///   - elementType: the compute type.
  ///   - lengths: the tokens of each sample.
  ///   - probeLengths: the tokens of each sample whose pattern is tracked.
  ///   - measuringTokens: the most tokens of a batch in which it is.
  public init(
    _ decoder: any CausalDecoder, _ settings: TrainingSettings, elementType: ElementType, lengths: [Int], probeLengths: [Int] = [],
    measuringTokens: Int = 2048
  ) {
    let parts = MemoryPlan.parts(decoder, settings, elementType, lengths, (probeLengths, measuringTokens))
    let total = parts.reduce(0) { $0 + $1.bytes }
    var remedies: [Remedy] = []
    func consider(_ message: Message, _ change: (inout TrainingSettings) -> Void) {
      var other = settings
      change(&other)
      let bytes = MemoryPlan.parts(decoder, other, elementType, lengths, (probeLengths, measuringTokens)).reduce(0) { $0 + $1.bytes }
      if bytes < total { remedies.append(Remedy(change: message, bytes: bytes)) }
    }
    if !settings.checkpointsActivations {
      consider("\(setting: Setting("checkpoint_activations"))") { $0.checkpointsActivations = true }
    }
    if settings.batchTokens == nil, settings.batchSize > 1 {
      consider("\(setting: Setting("batch_size", value: "1")) \(setting: Setting("accumulate", value: "\(settings.windowSize)"))") {
        $0.batchSize = 1
        $0.gradientAccumulation = settings.windowSize
      }
    }
    if settings.lowRank == nil { consider("\(setting: Setting("lora_rank", value: "16"))") { $0.lowRank = LowRankSettings(rank: 16) } }
    self.parts = parts
    self.remedies = remedies
  }

  private static func parts(
    _ decoder: any CausalDecoder, _ settings: TrainingSettings, _ elementType: ElementType, _ lengths: [Int],
    _ probe: (lengths: [Int], batchTokens: Int)
  ) -> [Part] {
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
    let outputs = linear.reduce(0) { $0 + $1.linearShape.outputs }
    let norms = decoder.parameters.filter { $0.tensor.shape.count == 1 && !$0.name.hasSuffix("bias") }.reduce(0) { $0 + $1.tensor.count }
    let kept = Int(1.35 * Double(outputs)) + 2 * norms
    let activations =
      settings.checkpointsActivations
      ? tokens * width * (kept / layers + (layers + 1) * decoder.shape.hiddenSize) : tokens * width * kept
    let logits = 3 * decoder.labelChunk * decoder.shape.vocabularySize
    // Adapters compute in float32 with their masters.
    let hasCopies = settings.lowRank == nil && elementType != .float32
    let kind = try? settings.optimizer.kind
    var parts = [
      Part(name: "float32 weights", bytes: 4 * trained),
      Part(name: "their copies in \(elementType)", bytes: hasCopies ? width * trained : 0),
      Part(name: "gradients", bytes: 4 * trained),
      Part(name: kind?.memory.name ?? "optimiser", bytes: (kind?.memory.bytesPerWeight ?? 0) * trained),
      Part(name: "activations of \(tokens) tokens (estimated)", bytes: activations),
    ]
    // The pattern of what was trained is that of the float32 masters. What it takes is not given back, and training's own sizes do not fit into it.
    let trackedType = settings.lowRank == nil ? ElementType.float32 : elementType
    let isTracking = settings.trackingInterval != nil && !probe.lengths.isEmpty
    if isTracking {
      let perToken = decoder.activationBytesPerToken(in: trackedType)
      let batch = PackedBatch.plan(probe.lengths, tokenLimit: probe.batchTokens).map { probe.lengths[$0].reduce(0, +) }.max() ?? 0
      let together = min(batch, max(1, ActivationMemory.limit / max(1, perToken)))
      parts.append(Part(name: "tracked patterns, \(together) tokens (estimated)", bytes: together * perToken))
    }
    parts.append(
      Part(name: "logits and libraries", bytes: logits * max(width, isTracking ? trackedType.byteWidth : 0) + (200 << 20)))
    return parts.filter { $0.bytes > 0 }
  }

  /// The most tokens that can meet in one batch.
  private static func largestBatch(_ lengths: [Int], _ settings: TrainingSettings) -> Int {
    let longest = lengths.sorted(by: >)
    let together = longest.prefix(settings.batchSize).reduce(0, +)
    guard let limit = settings.batchTokens else { return together }
    return max(min(limit, longest.prefix(settings.windowSize).reduce(0, +)), longest.first ?? 0)
  }
}
