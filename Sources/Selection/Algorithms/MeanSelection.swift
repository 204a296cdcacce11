/// The samples that are most like the mean of the target, which is what the paper does.
public struct MeanSelection: SelectionAlgorithm {
  public let name = "mean"
  public let looksAtEach = false

  /// The algorithm.
  public init() {}

  public func choose(_ count: Int, by likeness: any Likeness, among isAllowed: (Int) -> Bool) throws -> [Choice] {
    try BestSelection().choose(count, by: likeness, among: isAllowed)
  }
}
