import ActivationPatterns

/// Rank correlations of a few figures.
enum RankCorrelation {
  /// Spearman's correlation of two lists with a third held fixed: of what is left of their ranks when those of the third are regressed out,
  /// (r_xy − r_xz r_yz) / √((1 − r_xz²)(1 − r_yz²)). Plain where the third is the same everywhere; nil where nothing is left of a list.
  static func partial(_ x: [Double], _ y: [Double], without z: [Double]) -> Double? {
    guard let xy = Correlation.spearman(x, y) else { return nil }
    guard let xz = Correlation.spearman(x, z), let yz = Correlation.spearman(y, z) else { return xy }
    let left = (1 - xz * xz) * (1 - yz * yz)
    guard left > 1e-12 else { return nil }
    return max(-1, min(1, (xy - xz * yz) / left.squareRoot()))
  }

  /// The reliability of a mean of k values, from the mean correlation of two single ones (Spearman and Brown 1910): k r / (1 + (k − 1) r).
  static func steppedUp(_ r: Double, to count: Int) -> Double? {
    let below = 1 + Double(count - 1) * r
    return below > 0 ? Double(count) * r / below : nil
  }
}
