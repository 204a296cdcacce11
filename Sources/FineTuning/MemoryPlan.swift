public import CheckpointFiles
public import Ground
public import LanguageModels
import Probing
public import Torch

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
  /// Which of a window's batches are computed side by side, as far as what is free has room for the activations of several.
  let lanes: BatchLanes
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
  ///   - available: what the machine has free.
  ///   - threads: the most batches at a time.
  public init(
    _ decoder: any CausalDecoder, _ settings: TrainingSettings, elementType: ElementType, lengths: [Int], probeLengths: [Int] = [],
    measuringTokens: Int = 2048, available: Int? = MachineMemory.available, threads: Int = Engine.threads
  ) {
    func parts(_ settings: TrainingSettings, lanes: Int) -> [Part] {
      MemoryPlan.parts(decoder, settings, elementType, lengths, (probeLengths, measuringTokens), lanes: lanes)
    }
    // What one batch at a time leaves free is room for more of them.
    let alone = parts(settings, lanes: 1).reduce(0) { $0 + $1.bytes }
    let batch = MemoryPlan.batchBytes(decoder, settings, elementType, tokens: MemoryPlan.largestBatch(lengths, settings))
    lanes = decoder.batchLanes(batchTokens: settings.batchTokens ?? .max, passes: 2, room: max(batch, (available ?? 0) - alone + batch))
    let drops = (settings.lowRank?.dropout ?? 0) > 0
    let most = settings.batchTokens == nil ? max(1, settings.gradientAccumulation) : .max
    let together = drops ? 1 : min(most, lanes.count(bytes: batch, threads: threads))
    let planned = parts(settings, lanes: together)
    var remedies: [Remedy] = []
    func consider(_ message: Message, _ change: (inout TrainingSettings) -> Void) {
      var other = settings
      change(&other)
      let bytes = parts(other, lanes: 1).reduce(0) { $0 + $1.bytes }
      if bytes < alone { remedies.append(Remedy(change: message, bytes: bytes)) }
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
    self.parts = planned
    self.remedies = remedies
  }

  private static func parts(
    _ decoder: any CausalDecoder, _ settings: TrainingSettings, _ elementType: ElementType, _ lengths: [Int],
    _ probe: (lengths: [Int], batchTokens: Int), lanes: Int
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
    let activations = lanes * activationBytes(decoder, settings, elementType, tokens: tokens)
    let batches = lanes > 1 ? "\(lanes) batches of " : ""
    let logits = logitNumbers(decoder)
    // Adapters compute in float32 with their masters.
    let hasCopies = settings.lowRank == nil && elementType != .float32
    let kind = try? settings.optimizer.kind
    var parts = [
      // Ranks share masters and moments; where the masters are what is computed with, every rank has all of them.
      Part(name: "float32 weights", bytes: hasCopies ? 4 * trained / settings.ranks : 4 * trained),
      Part(name: "their copies in \(elementType)", bytes: hasCopies ? width * trained : 0),
      Part(name: "gradients", bytes: 4 * trained),
      Part(name: kind?.memory.name ?? "optimiser", bytes: (kind?.memory.bytesPerWeight ?? 0) * trained / settings.ranks),
      Part(name: "activations of \(batches)\(tokens) tokens (estimated)", bytes: activations),
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
      Part(name: "logits and libraries", bytes: logits * max(lanes * width, isTracking ? trackedType.byteWidth : 0) + (200 << 20)))
    return parts.filter { $0.bytes > 0 }
  }

  /// What the way back needs of a batch: the inputs of the linear layers and of the functions between them. Calibrated on Llama's block.
  private static func activationBytes(_ decoder: any CausalDecoder, _ settings: TrainingSettings, _ elementType: ElementType, tokens: Int)
    -> Int
  {
    let layers = max(1, decoder.shape.layers)
    let outputs = decoder.parameters.reduce(0) { $1.isLinear ? $0 + $1.linearShape.outputs : $0 }
    let norms = decoder.parameters.filter { $0.tensor.shape.count == 1 && !$0.name.hasSuffix("bias") }.reduce(0) { $0 + $1.tensor.count }
    let kept = Int(1.35 * Double(outputs)) + 2 * norms
    let numbers = settings.checkpointsActivations ? kept / layers + (layers + 1) * decoder.shape.hiddenSize : kept
    return tokens * elementType.byteWidth * numbers
  }

  private static func logitNumbers(_ decoder: any CausalDecoder) -> Int { 3 * decoder.labelChunk * decoder.shape.vocabularySize }

  /// What each batch that is computed at a time takes.
  static func batchBytes(_ decoder: any CausalDecoder, _ settings: TrainingSettings, _ elementType: ElementType, tokens: Int) -> Int {
    activationBytes(decoder, settings, elementType, tokens: tokens) + elementType.byteWidth * logitNumbers(decoder)
  }

  /// The most tokens that can meet in one batch.
  private static func largestBatch(_ lengths: [Int], _ settings: TrainingSettings) -> Int {
    let longest = lengths.sorted(by: >)
    let together = longest.prefix(settings.batchSize).reduce(0, +)
    guard let limit = settings.batchTokens else { return together }
    return max(min(limit, longest.prefix(settings.windowSize).reduce(0, +)), longest.first ?? 0)
  }
}
