import Foundation
import Ground

/// Draws tokens from logits: temperature, then top-k, then top-p, as transformers' warpers do.
struct TokenSampler {
  private let settings: GenerationSettings
  private var generator: SeededGenerator

  /// - Parameter stream: tells texts that share a seed apart.
  init(_ settings: GenerationSettings, stream: Int) {
    self.settings = settings
    generator = SeededGenerator(seed: settings.seed, stream: "text \(stream)")
  }

  /// One token.
  mutating func draw(from logits: ArraySlice<Float>) -> Int {
    let candidates = TokenSampler.candidates(logits, settings)
    var left = generator.uniform()
    for candidate in candidates {
      left -= candidate.probability
      if left < 0 { return candidate.token }
    }
    return candidates.last?.token ?? 0
  }

  /// The tokens that may be drawn and their probabilities: where some are left out the most likely first, and of equally likely ones
  /// the higher id, as transformers has it.
  static func candidates(_ logits: ArraySlice<Float>, _ settings: GenerationSettings) -> [(token: Int, probability: Double)] {
    guard let top = logits.max(), top > -.infinity else { return [] }
    // Without a temperature all probability is the greatest logit's.
    guard settings.temperature > 0 else {
      return logits.firstIndex(of: top).map { [(token: $0 - logits.startIndex, probability: 1)] } ?? []
    }
    // Those that equal the k-th stay, too.
    let least = settings.topK > 0 && settings.topK < logits.count ? greatest(settings.topK, of: logits) : -.infinity
    var candidates: [(token: Int, probability: Double)] = []
    for (token, logit) in logits.enumerated() where logit >= least && logit > -.infinity {
      candidates.append((token, exp((Double(logit) - Double(top)) / settings.temperature)))
    }
    var total = candidates.reduce(0) { $0 + $1.probability }
    if settings.topP < 1 {
      // The tokens below this share have less than 1 − p together, so that those above reach p without them: only they need an order.
      let share = (1 - settings.topP) * total / Double(candidates.count + 1)
      candidates.removeAll { $0.probability < share }
    }
    if settings.topP < 1 || settings.topK > 0 { candidates.sort { ($0.probability, $0.token) > ($1.probability, $1.token) } }
    if settings.topP < 1 {
      // A token is left out where those more likely than it reach the share already.
      var sum = 0.0
      let count = candidates.firstIndex { candidate in
        defer { sum += candidate.probability }
        return sum >= settings.topP * total
      }
      candidates.removeLast(candidates.count - max(1, count ?? candidates.count))
      total = candidates.reduce(0) { $0 + $1.probability }
    }
    return candidates.map { ($0.token, $0.probability / total) }
  }

  /// The k-th greatest of some numbers.
  private static func greatest(_ k: Int, of values: ArraySlice<Float>) -> Float {
    guard k <= 256 else { return values.sorted(by: >)[k - 1] }
    // The greatest so far in falling order: few numbers of a long list are among them.
    var kept: [Float] = []
    for value in values {
      if kept.count == k {
        guard let last = kept.last, value > last else { continue }
        kept.removeLast()
      }
      kept.insert(value, at: kept.firstIndex { $0 < value } ?? kept.count)
    }
    return kept.last ?? -.infinity
  }
}
