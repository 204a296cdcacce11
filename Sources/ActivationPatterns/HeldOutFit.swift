import Ground

/// R² on what a fit has not seen, over many random halvings: does Σ α basic resemble the target beyond the entries or samples that
/// α was chosen on?
public struct HeldOutFit: Sendable, Equatable {
  /// The mean R² over halvings.
  public let mean: Double
  /// The R² that 2.5% of halvings do not reach.
  public let low: Double
  /// The R² that 97.5% of halvings do not exceed.
  public let high: Double
  /// The number of halvings.
  public let splits: Int

  /// α from a random half of the heads, R² on the other half. Nil where the target is constant or has fewer than four entries.
  /// - Throws: `PatternError` where shapes differ or there is no basic.
  public static func overHeads(
    target: HeadMatrix, basics: [HeadMatrix], options: PatternFit.Options = .init(), splits: Int = 100,
    using generator: inout some RandomNumberGenerator
  ) throws -> HeldOutFit? {
    let problem = try FitProblem(target: target, basics: basics, options: options)
    var order = problem.kept
    guard order.count >= 4 else { return nil }
    var values: [Double] = []
    for _ in 0..<splits {
      generator.shuffle(&order)
      let (seen, unseen) = (order.prefix(order.count / 2), order.dropFirst(order.count / 2))
      let fit = try FitProblem(
        target: seen.map { target.values[$0] }, basics: basics.map { basic in seen.map { basic.values[$0] } }, options: options
      ).fit(Array(basics.indices))
      if let r2 = Self.r2(
        of: fit, target: unseen.map { target.values[$0] }, basics: basics.map { basic in unseen.map { basic.values[$0] } })
      {
        values.append(r2)
      }
    }
    return HeldOutFit(values)
  }

  /// α from a random half of every task's samples, R² on the pattern of the other half. Nil where it is undefined.
  /// - Throws: `PatternError` where there is no basic.
  public static func overSamples(
    target: SampledLevels, basics: [SampledLevels], options: PatternFit.Options = .init(), splits: Int = 100,
    using generator: inout some RandomNumberGenerator
  ) throws -> HeldOutFit? {
    let resampler = Resampler(basics + [target])
    var values: [Double] = []
    for _ in 0..<splits {
      let halves = resampler.halves(using: &generator)
      let fit = try FitProblem(
        target: target.mean(weights: halves[basics.count].first), basics: zip(basics, halves).map { $0.mean(weights: $1.first) },
        options: options
      ).fit(Array(basics.indices))
      let unseen = zip(basics, halves).map { $0.mean(weights: $1.second) }
      if let r2 = Self.r2(of: fit, target: target.mean(weights: halves[basics.count].second), basics: unseen) { values.append(r2) }
    }
    return HeldOutFit(values)
  }

  private init?(_ values: [Double]) {
    guard let low = Interval.quantile(0.025, of: values), let high = Interval.quantile(0.975, of: values) else { return nil }
    mean = values.compensatedSum() / Double(values.count)
    self.low = low
    self.high = high
    splits = values.count
  }

  private static func r2(of fit: PatternFit, target: [Double], basics: [[Double]]) -> Double? {
    let kept = target.indices.filter { index in !target[index].isNaN && basics.allSatisfy { !$0[index].isNaN } }
    let seen = kept.map { target[$0] }
    guard let least = seen.min(), let greatest = seen.max(), least < greatest else { return nil }
    let mean = seen.compensatedSum() / Double(seen.count)
    var (error, total) = (CompensatedSum(), CompensatedSum())
    for index in kept {
      var predicted = fit.intercept ?? 0
      for (coefficient, basic) in zip(fit.coefficients, basics) { predicted += coefficient * basic[index] }
      error.add((target[index] - predicted) * (target[index] - predicted))
      total.add((target[index] - mean) * (target[index] - mean))
    }
    return total.value > 0 ? 1 - error.value / total.value : nil
  }
}
