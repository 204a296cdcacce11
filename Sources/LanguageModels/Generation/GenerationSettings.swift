import Ground

/// How text is written.
public struct GenerationSettings: Sendable, Hashable {
  /// The most new tokens.
  public var maximumTokens = 256
  /// Texts at the first of which writing ends; none of it is kept.
  public var stops: [String] = []
  /// What logits are divided by before a token is drawn; 0 takes the most likely one.
  public var temperature = 0.0
  /// Only the most likely tokens whose probabilities together reach this are drawn from; 1 for all.
  public var topP = 1.0
  /// Tokens are drawn from this many of the most likely ones; 0 for all.
  public var topK = 0
  /// What seeds the drawing. Each text draws from a stream of its own, whatever is written beside it.
  public var seed: UInt64 = 0
  /// Whether each token's log-probability under the model is kept.
  public var keepsLogProbabilities = false

  /// Greedy settings.
  public init() {}

  /// Says which settings make no sense.
  public func validate() throws {
    guard maximumTokens > 0 else { throw ModelError("text has at least one new token, not \(maximumTokens)") }
    guard temperature >= 0, temperature.isFinite else { throw ModelError("a temperature is a number from 0 on, not \(temperature)") }
    guard topP > 0, topP <= 1 else { throw ModelError("top-p is a number above 0 and up to 1, not \(topP)") }
    guard topK >= 0 else { throw ModelError("top-k is a number from 0 on, not \(topK)") }
    guard !stops.contains("") else { throw ModelError("a text that ends writing must not be empty") }
  }
}

/// One text that was written.
public struct GeneratedText: Sendable, Hashable {
  /// Why writing ended.
  public enum Finish: String, Sendable, Hashable, Codable {
    /// An end-of-sequence token or one of the stop texts.
    case stop
    /// The most tokens, or the model's last position.
    case length
  }

  /// The text up to the first stop text, without special tokens.
  public var text: String
  /// All new tokens, with those of the stop text and the end-of-sequence token where they ended it.
  public var tokens: [Int]
  /// The natural logarithm of each token's probability under the model, before temperature, top-k and top-p; empty where it was not kept.
  public var logProbabilities: [Float]
  /// Why writing ended.
  public var finish: Finish
}
