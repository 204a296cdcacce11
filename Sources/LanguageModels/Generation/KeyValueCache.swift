import CheckpointFiles
import Ground
public import Torch

/// The keys and values of tokens that were already computed, for several sequences of one decoder.
///
/// Each sequence has a slot with room for the same number of tokens, taken once: extending a sequence writes behind what is there, and nothing is
/// ever copied or concatenated. Whoever writes text owns the cache and decides which slot is whose.
public final class KeyValueCache {
  /// The number of sequences that have room.
  public let slots: Int
  /// The most tokens of a sequence.
  public let capacity: Int
  /// How many tokens of each slot's sequence are cached.
  public private(set) var lengths: [Int]
  /// How many tokens were computed into the cache.
  private(set) var computedTokens = 0
  /// Keys and values by layer, `[slots · capacity, K, D]` each.
  private let keys: [Tensor]
  private let values: [Tensor]

  /// An empty cache for a decoder, of its element type, beside it.
  public init(_ decoder: any CausalDecoder, slots: Int, capacity: Int) throws {
    let shape = decoder.shape
    guard slots > 0, capacity > 0 else { throw ModelError("a cache has at least one slot of one token, not \(slots) of \(capacity)") }
    let rows = [slots * capacity, shape.keyValueHeads, shape.headDimension]
    func room() throws -> [Tensor] {
      try (0..<shape.layers).map { _ in try Tensor.zeros(rows, elementType: decoder.elementType, on: decoder.device) }
    }
    self.slots = slots
    self.capacity = capacity
    lengths = Array(repeating: 0, count: slots)
    keys = try room()
    values = try room()
  }

  /// The bytes that one token of one sequence takes.
  public static func bytesPerToken(_ decoder: any CausalDecoder) -> Int {
    let shape = decoder.shape
    return 2 * shape.layers * shape.keyValueHeads * shape.headDimension * decoder.elementType.byteWidth
  }

  /// The bytes that caches may take: half of what the decoder's device has left. Weights in mapped files count as taken, though the system would call
  /// their memory free.
  public static func room(beside decoder: any CausalDecoder) throws -> Int {
    guard decoder.device == .cpu else { return try (decoder.device.freeMemory() ?? 2 << 30) / 2 }
    let mapped = decoder.parameters.reduce(0) { $0 + ($1.tensor.isMapped ? $1.tensor.count * $1.tensor.elementType.byteWidth : 0) }
    let available = MachineMemory.available ?? 4 << 30
    // A model larger than the memory is read from the disk again and again in any case.
    return max(available - mapped, available / 4) / 2
  }

  /// Forgets a sequence from its token `length` on.
  public func truncate(_ slot: Int, to length: Int) throws {
    try require(slot)
    guard (0...lengths[slot]).contains(length) else {
      throw ModelError("slot \(slot) holds \(lengths[slot]) tokens and cannot be cut to \(length)")
    }
    lengths[slot] = length
  }

  /// Replaces a slot's sequence by the first tokens of another's.
  public func copy(_ length: Int, from source: Int, to slot: Int) throws {
    try require(source)
    try require(slot)
    guard source != slot, (0...lengths[source]).contains(length) else {
      throw ModelError("slot \(source) holds \(lengths[source]) tokens, of which \(length) cannot be copied to slot \(slot)")
    }
    if length > 0 {
      for tensor in keys + values {
        try tensor.write(
          rowsAt: [slot * capacity], from: tensor.narrowed(0, from: source * capacity, length: length), bounds: [0, length])
      }
    }
    lengths[slot] = length
  }

  private func require(_ slot: Int) throws {
    guard lengths.indices.contains(slot) else { throw ModelError("there is no slot \(slot) in a cache of \(slots)") }
  }

  /// Tokens that continue a slot's sequence.
  public struct Addition: Sendable, Hashable {
    /// The slot.
    public var slot: Int
    /// The tokens, at least one.
    public var tokens: [Int]

    /// Tokens for a slot.
    public init(slot: Int, tokens: [Int]) {
      self.slot = slot
      self.tokens = tokens
    }
  }

  /// Where one pass reads and writes.
  struct Extension {
    let cache: KeyValueCache
    /// The row of each sample's first new token.
    let starts: [Int]

    /// Writes a layer's new keys and values `[T, K, D]` and gives all that are there.
    func write(layer: Int, _ keys: Tensor, _ values: Tensor, bounds: [Int]) throws -> (keys: Tensor, values: Tensor) {
      guard cache.keys.indices.contains(layer) else {
        throw ModelError("the cache has \(cache.keys.count) layers, not one numbered \(layer)")
      }
      try cache.keys[layer].write(rowsAt: starts, from: keys, bounds: bounds)
      try cache.values[layer].write(rowsAt: starts, from: values, bounds: bounds)
      return (cache.keys[layer], cache.values[layer])
    }
  }

  /// A pass over additions, which write behind what is cached.
  fileprivate func pass(_ additions: [Addition], on device: Device) throws -> ForwardPass {
    var bounds = [0]
    for addition in additions {
      try require(addition.slot)
      guard !addition.tokens.isEmpty, addition.tokens.count <= capacity - lengths[addition.slot] else {
        throw ModelError(
          "slot \(addition.slot) has room for \(capacity - lengths[addition.slot]) more tokens, not for \(addition.tokens.count)")
      }
      bounds.append((bounds.last ?? 0) + addition.tokens.count)
    }
    guard Set(additions.map(\.slot)).count == additions.count else { throw ModelError("one pass extends a slot once") }
    let positions = additions.flatMap { lengths[$0.slot]..<(lengths[$0.slot] + $0.tokens.count) }
    var pass = ForwardPass(
      tokens: try Tensor(additions.flatMap(\.tokens)).moved(to: device), positions: positions,
      bounds: PackedBounds(
        queries: bounds, keyStarts: additions.map { $0.slot * capacity }, keyCounts: additions.map { lengths[$0.slot] + $0.tokens.count }))
    pass.cached = Extension(cache: self, starts: additions.map { $0.slot * capacity + lengths[$0.slot] })
    return pass
  }

  /// A pass over tokens that continue the first `length` tokens of the only slot in several ways, each node behind its parent or, without one, behind
  /// those. They are written behind all that is cached, and not remembered.
  func pass(behind length: Int, tokens: [Int], positions: [Int], bounds: [Int], parents: [Int?], on device: Device) throws -> ForwardPass {
    guard slots == 1, length <= lengths[0], tokens.count <= capacity - lengths[0] else {
      throw ModelError("a cache of \(slots) slots with room for \(capacity) tokens does not hold \(tokens.count) more behind \(length)")
    }
    let starts = bounds.dropLast().map { lengths[0] + $0 }
    // What is kept is a sample without queries, which the others continue.
    var pass = ForwardPass(
      tokens: try Tensor(tokens).moved(to: device), positions: positions.map { length + $0 },
      bounds: PackedBounds(
        queries: [0] + bounds, keyStarts: [0] + starts, keyCounts: [length] + zip(bounds, bounds.dropFirst()).map { $1 - $0 },
        parents: [nil] + parents.map { $0.map { $0 + 1 } ?? 0 }))
    pass.cached = Extension(cache: self, starts: [0] + starts)
    return pass
  }

  fileprivate func advance(_ additions: [Addition]) {
    for addition in additions {
      lengths[addition.slot] += addition.tokens.count
      computedTokens += addition.tokens.count
    }
  }
}

extension CausalDecoder {
  /// Computes tokens that continue cached sequences, without gradients, and caches them. Where it throws, the cache is as it was.
  ///
  /// - Parameters:
  ///   - cache: made for this decoder.
  ///   - additions: at most one a slot, at least one token each.
  ///   - rows: of which of the new tokens, counted through all additions, the hidden states are wanted; nil for the last of each addition.
  ///   - gates: for each layer a factor on every head's output `[H]`; nil where all heads are on.
  /// - Returns: the hidden states after the last normalisation `[rows, hidden]`.
  public func extend(
    _ cache: KeyValueCache, by additions: [KeyValueCache.Addition], rows: [Int]? = nil, gates: [[Float]]? = nil
  ) throws -> Tensor {
    try withoutGradients {
      var pass = try cache.pass(additions, on: device)
      let last = pass.bounds.queries.dropFirst().map { $0 - 1 }
      pass.rows = try Tensor(rows ?? last).moved(to: device)
      pass.gates = try gates.map { try HeadGates(heads: $0, tokens: pass.positions.count, on: device) }
      let hidden = try hiddenStates(of: pass)
      cache.advance(additions)
      return hidden
    }
  }
}
