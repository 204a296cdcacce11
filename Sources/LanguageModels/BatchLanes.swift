import Ground
import Torch

extension CausalDecoder {
  /// How many batches are computed side by side, each on one thread; 1 for one after another, on all threads.
  ///
  /// Batches of small models leave threads waiting for each other, so that two side by side end sooner than two in turn. Large ones keep all threads
  /// busy by themselves, and one at a time takes less memory and is done, and in its journal, sooner.
  /// - Parameters:
  ///   - batchTokens: the tokens of a batch.
  ///   - bytesPerToken: what a batch keeps of a token while it is computed.
  ///   - passes: how often a batch goes through the weights: 1 forward, 2 forward and back.
  public func batchLanes(batchTokens: Int, bytesPerToken: Int, passes: Int) -> Int {
    guard device == .cpu, Engine.threads > 1 else { return 1 }
    let operations = 2 * Double(parameterCount) * Double(batchTokens) * Double(passes)
    guard operations <= mostOperationsOfALane else { return 1 }
    let room = (MachineMemory.available ?? 4 << 30) / 4
    return max(1, min(Engine.threads, room / max(1, batchTokens * bytesPerToken)))
  }

  /// Some ten seconds of one core.
  private var mostOperationsOfALane: Double { 2e12 }
}
