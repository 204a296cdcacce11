import Ground
import Instructions

/// Which samples each update learns from: a window of batch × accumulation samples, which never crosses an epoch's end.
///
/// Every epoch is shuffled anew from the seed and the epoch's number alone, so that a resumed run needs no more than its step.
public struct TrainingOrder: Sendable, Hashable {
  /// Samples of an epoch, N.
  public let sampleCount: Int
  /// Samples of a window; the last one of an epoch may be shorter.
  public let windowSize: Int
  /// What the shuffling starts from; nil for the data's own order.
  public let seed: UInt64?

  /// An order over samples 0 ..< `sampleCount`.
  public init(sampleCount: Int, windowSize: Int, seed: UInt64?) {
    self.sampleCount = max(0, sampleCount)
    self.windowSize = max(1, windowSize)
    self.seed = seed
  }

  /// Windows of an epoch.
  public var windowsPerEpoch: Int { (sampleCount + windowSize - 1) / windowSize }

  /// The samples of the window that a step learns from, in order.
  /// - Parameters:
  ///   - step: counted from 0.
  ///   - epochOrder: the order of its epoch, from ``order(ofEpoch:)``.
  public func window(_ step: Int, in epochOrder: [Int]) -> [Int] {
    guard windowsPerEpoch > 0 else { return [] }
    let first = step % windowsPerEpoch * windowSize
    return Array(epochOrder.dropFirst(first).prefix(windowSize))
  }

  /// The epoch of a step, both counted from 0.
  public func epoch(of step: Int) -> Int { windowsPerEpoch > 0 ? step / windowsPerEpoch : 0 }

  /// The samples of an epoch in the order in which they are learned.
  public func order(ofEpoch epoch: Int) -> [Int] {
    let all = Array(0..<sampleCount)
    guard let seed else { return all }
    var generator = SeededGenerator(seed: seed, stream: "epoch \(epoch)")
    return generator.shuffled(all)
  }
}
