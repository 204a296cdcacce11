import ActivationPatterns
import LanguageModels
import Probing
import Tokenizers

/// A sample token by token, and what its tokens have of the levels of some heads.
public struct SampleTokens: Codable, Sendable, Hashable {
  /// A head and what each token has of its level.
  public struct Head: Codable, Sendable, Hashable {
    /// The layer, counted from 0.
    public var layer: Int
    /// The query head in the layer, counted from 0.
    public var head: Int
    /// The sample's place among those in which the head is strongest, from 1 on; nil where the sample was not chosen for that.
    public var rank: Int?
    /// The head's `signed` level in the sample, the sum of `signed`: its absolute value is the `magnitude`.
    public var level: Double
    /// For each token the gradient of the sample's loss by the head's gate there, [T]. Below 0 the head lowers the loss there: to first order
    /// the loss would rise by as much without it.
    public var signed: [Float]
    /// For each token Σ_k |Γ ⊙ ∂L/∂Γ|, [T]; nil where the saliency was not measured.
    public var saliency: [Float]?
  }

  /// The sample's position in the data, counted from 0.
  public var index: Int
  /// Its name in the data; its position where it has none.
  public var id: String
  /// Its mean cross-entropy over its labels, in nats.
  public var loss: Double
  /// The token ids, [T].
  public var tokens: [Int]
  /// What each token adds to the text, [T]; bytes that are no character by themselves as `<0xE4>`.
  public var texts: [String]
  /// The places of the tokens that carry loss.
  public var labels: [Int]
  /// The heads, in the order in which they were asked for.
  public var heads: [Head]

  init(
    _ measured: MeasuredTokens, _ sample: TokenizedSample, id: String, heads: [HeadPlace], ranks: [HeadPlace: Int], _ tokenizer: Tokenizer
  ) throws {
    index = measured.index
    self.id = id
    loss = Double(measured.loss)
    tokens = sample.tokens
    texts = try tokenizer.texts(ofEach: sample.tokens)
    labels = sample.isLabel.indices.filter { $0 > 0 && sample.isLabel[$0] }
    self.heads = heads.map { head in
      let signed = measured.levels[head]?[.signed] ?? []
      return Head(
        layer: head.layer, head: head.head, rank: ranks[head], level: signed.reduce(0) { $0 + Double($1) }, signed: signed,
        saliency: measured.levels[head]?[.saliency])
    }
  }
}

/// Samples that are looked at token by token, and the heads that each is looked at for.
struct TokenChoice {
  /// For each chosen sample, by its position in the data, its place among the strongest of each head that it was chosen for.
  private(set) var ranks: [Int: [HeadPlace: Int]] = [:]

  /// The strongest samples of each head.
  /// - Parameters:
  ///   - strongest: found over samples in the order of `index`.
  ///   - index: the samples' positions in the data.
  ///   - heads: the query heads of a layer.
  init(_ strongest: StrongestSamples, index: [Int], heads: Int) {
    for (entry, samples) in zip(strongest.entries, strongest.samples) {
      for (rank, sample) in samples.enumerated() where sample.number < index.count {
        ranks[index[sample.number], default: [:]][HeadPlace(entry: entry, heads: heads)] = rank + 1
      }
    }
  }

  /// These samples, by position.
  init(_ samples: [Int]) { for sample in samples { ranks[sample] = [:] } }

  /// Measures the chosen samples once more and tells them token by token, in the order of the data.
  /// - Parameter heads: in the order in which a sample's are told. A sample that was chosen for some is told for those alone.
  func measure(
    with measurement: PatternMeasurement, _ heads: [HeadPlace], _ encoded: EncodedData, _ tokenizer: Tokenizer, _ monitor: RunMonitor
  ) throws -> [SampleTokens] {
    let places = encoded.samples.indices.filter { ranks[encoded.samples[$0].index] != nil }
    let measured = try measurement.tokenLevels(
      of: places, among: encoded.samples, heads: heads, shouldStop: monitor.shouldStop,
      progress: { done in monitor.progress(RunProgress(stage: "tokens", completed: done, total: places.count, unit: "samples")) })
    return try zip(places, measured).map { place, found in
      let sample = encoded.samples[place]
      let own = ranks[sample.index] ?? [:]
      return try SampleTokens(
        found, sample, id: encoded.identifiers(of: [sample.index]).first ?? String(sample.index),
        heads: own.isEmpty ? heads : heads.filter { own[$0] != nil }, ranks: own, tokenizer)
    }
  }
}
