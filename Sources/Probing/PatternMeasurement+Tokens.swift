public import LanguageModels
import Torch

extension PatternMeasurement {
  /// Measures a few samples once more, and keeps what each token has of the levels of some heads.
  ///
  /// Batches follow from the chosen samples alone, so that two runs that choose the same ones find the same bits.
  /// - Parameters:
  ///   - places: the samples' places among `samples`, rising.
  ///   - samples: all samples of the data, which `batch:N` counts.
  ///   - heads: heads of the decoder.
  ///   - shouldStop: asked before every batch.
  ///   - progress: told after every batch how many of the chosen samples are done.
  /// - Throws: `Stopped`, and what `Probe.tokenLevels` throws.
  public func tokenLevels(
    of places: [Int], among samples: [TokenizedSample], heads: [HeadPlace], shouldStop: () -> Bool = { false },
    progress: (Int) -> Void = { _ in }
  ) throws -> [MeasuredTokens] {
    let weights = labelWeights(samples)
    let lanes = probe.decoder.batchLanes(batchTokens: batchTokens, passes: 2)
    let lengths = places.map { samples[$0].tokens.count }
    let plan = lanes.plan(lengths)
    var rest = plan[...]
    var found: [MeasuredTokens] = []
    try Engine.sideBySide(
      lanes: lanes.count(for: plan.map { lengths[$0].reduce(0, +) }, bytes: probe.activationBytes),
      next: { () -> Range<Int>? in
        guard let range = rest.first else { return nil }
        if shouldStop() { throw Stopped() }
        rest = rest.dropFirst()
        return range
      },
      { range, _ -> [MeasuredTokens] in
        let members = places[range]
        return try probe.tokenLevels(of: members.map { samples[$0] }, heads: heads, labelWeights: members.map { weights[$0] })
      },
      inOrder: { _, batch in
        found += batch
        progress(found.count)
      })
    return found
  }
}
