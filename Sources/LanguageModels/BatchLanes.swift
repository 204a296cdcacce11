import CheckpointFiles
import Ground
public import Torch

extension CausalDecoder {
  /// How batches share the threads.
  ///
  /// Within a product threads wait for each other, so that two batches side by side, each on one thread, end sooner than two in turn on both. The largest
  /// models keep all threads busy by themselves, and one batch at a time takes less memory and is done, and in its journal, sooner.
  /// - Parameters:
  ///   - batchTokens: the most tokens of a batch that were asked for.
  ///   - passes: how often a batch goes through the weights: 1 forward, 2 forward and back.
  ///   - room: what the batches of all lanes together may take of the memory, in bytes; a quarter of what is free where nil.
  public func batchLanes(batchTokens: Int, passes: Int, room: Int? = nil) -> BatchLanes {
    if let room { return BatchLanes(self, batchTokens: batchTokens, passes: passes, room: room) }
    let available = MachineMemory.available ?? 4 << 30
    // Weights that do not fit into memory would be read from the disk by every lane.
    let fits = parameterCount * elementType.byteWidth <= available
    return BatchLanes(self, batchTokens: batchTokens, passes: passes, room: fits ? available / 4 : 0)
  }
}

/// Batches that are computed side by side, each on one thread, where that keeps the threads busy and fits into memory.
public struct BatchLanes: Sendable, Hashable {
  /// What a model's size means for its batches.
  enum Size: Sendable, Hashable {
    /// A batch takes one core a second or so: always side by side, so that the bits never depend on the number of threads.
    case small
    /// Side by side where that keeps the threads busy.
    case middle
    /// The same, in fewer and larger batches near the end: samples are few where each takes a second, so that most batches would be small ones, and each
    /// batch lays out all weights.
    case large

    /// Of a model with so many parameters; nil where a batch would take one core minutes, and its products are wide enough for all threads.
    init?(parameterCount: Int) {
      let operations = 2 * Double(parameterCount) * Double(BatchLanes.mostTokens)
      if operations <= 1e11 {
        self = .small
      } else if operations <= 2e12 {
        self = .middle
      } else if operations <= 1e13 {
        self = .large
      } else {
        return nil
      }
    }
  }

  /// The most tokens of a batch. It depends on the model and on what was asked for, never on the threads, so that the batches do not either.
  public let batchTokens: Int
  /// The model's size; nil where batches are never computed side by side.
  let size: Size?
  /// What the batches of all lanes together may take of the memory, in bytes.
  let room: Int

  /// Shorter batches leave less to wait for at the end, and these fill one core's products well enough.
  static let mostTokens = 2048
  /// The fewest tokens that batches near the end shrink to.
  static let fewestTokens = 256
  /// The share of the threads' time that lanes must be busy. Two threads within a product reach 0.75 to 0.9 of it, more of them less.
  static let busyShare = 0.7

  /// Lanes for batches of a model.
  /// - Parameters:
  ///   - decoder: the model.
  ///   - batchTokens: the most tokens of a batch that were asked for.
  ///   - passes: how often a batch goes through the weights.
  ///   - room: what the batches of all lanes together may take of the memory, in bytes.
  init(_ decoder: any CausalDecoder, batchTokens: Int, passes: Int, room: Int) {
    self.init(
      size: decoder.device == .cpu ? Size(parameterCount: decoder.parameterCount) : nil, batchTokens: batchTokens, passes: passes,
      room: room)
  }

  init(size: Size?, batchTokens: Int, passes: Int, room: Int) {
    self.size = size
    self.batchTokens = size == nil ? batchTokens : min(batchTokens, Self.mostTokens / max(1, passes))
    self.room = room
  }

  /// Splits samples, in order, into batches of at most `batchTokens` tokens, which shrink towards the end where they are computed side by side, so that
  /// the lanes end together.
  public func plan(_ lengths: [Int]) -> [Range<Int>] {
    size == .large ? planWindow(lengths, tokenLimit: batchTokens) : shrinking(lengths, from: batchTokens, to: Self.fewestTokens, batches: 8)
  }

  /// The same for the samples of one training window, in fewer and larger batches, since each adds to the gradients of all weights.
  /// - Parameter tokenLimit: the most tokens of a batch that were asked for.
  public func planWindow(_ lengths: [Int], tokenLimit: Int) -> [Range<Int>] {
    shrinking(lengths, from: tokenLimit, to: 2 * Self.fewestTokens, batches: 4)
  }

  /// Batches of `most` tokens, and near the end of so many that about `batches` are left, but of `fewest` at least.
  private func shrinking(_ lengths: [Int], from most: Int, to fewest: Int, batches: Int) -> [Range<Int>] {
    PackedBatch.plan(lengths) { rest in size == nil ? most : min(most, max(fewest, rest / batches)) }
  }

  /// How many batches are computed at a time, where their number is not known and is not small.
  /// - Parameter bytes: what a batch takes of the memory.
  public func count(bytes: Int, threads: Int = Engine.threads) -> Int { size == nil ? 1 : max(1, min(threads, room / max(1, bytes))) }

  /// How many of these batches are computed at a time: one, on all threads, where there are too few for the lanes to keep the threads busy.
  /// - Parameters:
  ///   - tokens: of each batch, in the order in which they are begun.
  ///   - bytes: what a batch of so many tokens takes of the memory.
  ///   - threads: that there are.
  public func count(for tokens: [Int], threads: Int = Engine.threads, bytes: (_ tokens: Int) -> Int) -> Int {
    guard let size else { return 1 }
    // The largest batches may meet.
    var left = room
    let fitting = tokens.map(bytes).sorted(by: >).prefix(threads).prefix { need in
      left -= need
      return left >= 0
    }
    let count = max(1, fitting.count)
    guard size != .small, count > 1 else { return count }
    var ends = [Int](repeating: 0, count: count)
    for length in tokens {
      guard let next = ends.indices.min(by: { ends[$0] < ends[$1] }) else { break }
      ends[next] += length
    }
    let busy = Double(ends.reduce(0, +)), whole = Double(threads * (ends.max() ?? 0))
    return busy >= Self.busyShare * whole ? count : 1
  }
}
