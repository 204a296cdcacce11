/// The samples that are most like the mean of the target, which is what the paper does.
public struct MeanSelection: SelectionAlgorithm {
  /// `mean` in settings.
  public let name = "mean"
  /// There is one target, the mean.
  public let looksAtEach = false

  /// The algorithm.
  public init() {}

  /// Picks the greatest likenesses to the one target.
  public func choose(_ count: Int, by likeness: any Likeness, among isAllowed: (Int) -> Bool) throws -> [Choice] {
    try BestSelection().choose(count, by: likeness, among: isAllowed)
  }
}
