/// Two losses of the same samples, at the beginning of a training and at its end. The losses of two steps are of different samples, whose
/// differences are easily larger than what was learned.
public struct LossComparison: Sendable, Hashable, Codable {
  /// Which samples they are of.
  public enum Basis: String, Sendable, Codable {
    /// The evaluation data, with the base model and with the weights that were kept.
    case evaluation
    /// All samples: the mean over every label of the first epoch and of the last whole one, each window before its own update.
    case epochs
    /// The samples of the first window, with the base model and with the weights that were kept: where no two epochs were learned from.
    case firstWindow = "first_window"
  }

  /// Which samples they are of.
  public var basis: Basis
  /// The mean cross-entropy of a label at the beginning.
  public var before: Double
  /// The same at the end.
  public var after: Double

  /// The comparison that a run's lines allow.
  /// - Parameters:
  ///   - lines: the lines of `metrics.jsonl`.
  ///   - keptStep: the step whose weights were kept.
  ///   - order: which samples each step learned from.
  ///   - labels: the labels of each sample.
  ///   - firstWindowAfter: computes the loss of the first window's samples with the weights that were kept.
  init?(
    _ lines: [StepMetrics], keptStep: Int, order: TrainingOrder, labels: [Int], firstWindowAfter: () throws -> Double
  ) rethrows {
    let evaluations = lines.filter { $0.evalLoss != nil }
    if let before = evaluations.first(where: { $0.step == 0 })?.evalLoss,
      let after = evaluations.last(where: { $0.step == keptStep })?.evalLoss, keptStep > 0
    {
      self.init(basis: .evaluation, before: before, after: after)
      return
    }
    let losses = Dictionary(lines.compactMap { line in line.loss.map { (line.step, $0) } }, uniquingKeysWith: { $1 })
    func mean(ofEpoch epoch: Int) -> Double? {
      let samples = order.order(ofEpoch: epoch)
      var sum = 0.0
      var count = 0
      for step in epoch * order.windowsPerEpoch..<(epoch + 1) * order.windowsPerEpoch {
        guard let loss = losses[step + 1] else { return nil }
        let members = order.window(step, in: samples).reduce(0) { $0 + labels[$1] }
        sum += loss * Double(members)
        count += members
      }
      return count > 0 ? sum / Double(count) : nil
    }
    let epochs = (losses.keys.max() ?? 0) / max(1, order.windowsPerEpoch)
    if epochs >= 2, let before = mean(ofEpoch: 0), let after = mean(ofEpoch: epochs - 1) {
      self.init(basis: .epochs, before: before, after: after)
      return
    }
    guard let before = losses[1] else { return nil }
    self.init(basis: .firstWindow, before: before, after: try firstWindowAfter())
  }

  init(basis: Basis, before: Double, after: Double) {
    self.basis = basis
    self.before = before
    self.after = after
  }
}
