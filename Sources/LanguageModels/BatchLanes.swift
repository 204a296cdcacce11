import Ground
import Torch

extension CausalDecoder {
  /// How batches share the threads.
  ///
  /// Batches of small models leave threads waiting for each other, so that two side by side, each on one thread, end sooner than two in turn on both.
  /// Large ones keep all threads busy by themselves, and one at a time takes less memory and is done, and in its journal, sooner.
  /// - Parameters:
  ///   - batchTokens: the most tokens of a batch that were asked for.
  ///   - passes: how often a batch goes through the weights: 1 forward, 2 forward and back.
  public func batchLanes(batchTokens: Int, passes: Int) -> BatchLanes {
    let tokens = min(batchTokens, BatchLanes.mostTokens / max(1, passes))
    let operations = 2 * Double(parameterCount) * Double(tokens) * Double(passes)
    guard device == .cpu, operations <= BatchLanes.mostOperations else { return BatchLanes(count: 1, batchTokens: batchTokens) }
    let room = (MachineMemory.available ?? 4 << 30) / 4
    let fitting = room / max(1, tokens * activationBytesPerToken)
    return BatchLanes(count: max(1, min(Engine.threads, fitting)), batchTokens: tokens)
  }
}

/// How many batches of how many tokens are computed side by side, each on one thread.
public struct BatchLanes: Sendable, Hashable {
  /// The batches at a time; 1 for one after another, on all threads.
  public let count: Int
  /// The most tokens of a batch. It depends on the model and on what was asked for, never on the threads, so that the batches do not either.
  public let batchTokens: Int

  /// Shorter batches leave less to wait for at the end, and these fill one core's products well enough.
  static let mostTokens = 2048
  /// What one lane may take for a batch, about a second of one core. A model of 100 million parameters gained nothing any more (docs/Performance.md).
  static let mostOperations = 1e11

  /// How many batches are handed out together: several a lane, so that one that is done early goes on with another.
  public var groupSize: Int { count > 1 ? 4 * count : 1 }
}
