public import Tokenizers

/// Turns questions into token ids as the evaluator of their variant does.
///
/// OpenCompass encodes whole texts with the tokenizer's special tokens, and keeps the beginning-of-sequence token where a prompt is cut.
/// lm-evaluation-harness encodes a context and the whole behind it, takes what is longer than the context for the continuation, adds no special token
/// to a text that already begins with one, and cuts without regard to it.
public struct QuestionEncoder: Sendable {
  /// The most tokens that a prompt and what follows it take.
  public let maximumLength: Int
  /// Whether the tokenizer puts a beginning-of-sequence token before a text.
  public let addsBeginning: Bool
  private let tokenizer: Tokenizer
  private let endOfSequence: Int?
  private let beginning: Int?
  private let beginningText: String?
  private let isHarness: Bool

  /// - Parameters:
  ///   - tokenizer: the model's own.
  ///   - endOfSequence: the model's end-of-sequence token, which never follows a prompt.
  ///   - variant: whose way of encoding is taken.
  ///   - maximumLength: the most tokens of a sequence; the one after the last is predicted only.
  public init(_ tokenizer: Tokenizer, endOfSequence: Int?, for variant: any Variant, maximumLength: Int) {
    self.tokenizer = tokenizer
    self.endOfSequence = endOfSequence
    self.maximumLength = max(1, maximumLength)
    isHarness = variant.name == Harness.name
    beginning = tokenizer.beginningOfSequence
    addsBeginning = beginning != nil && tokenizer.encode("").first == beginning
    beginningText = (beginning ?? endOfSequence).flatMap { try? tokenizer.decode([$0]) }
  }

  /// An option as the model reads it.
  public struct Option: Sendable, Hashable {
    /// Context and continuation.
    public var tokens: [Int]
    /// The place of the continuation's first token; from 1 on.
    public var continuation: Int
    /// Whether tokens were cut off on the left.
    public var isCut: Bool

    /// The tokens of the continuation.
    public var continuationCount: Int { tokens.count - continuation }
  }

  /// A prompt as the model reads it.
  public struct Prompt: Sendable, Hashable {
    /// What the model continues with.
    public var tokens: [Int]
    /// The most new tokens, of those that are asked for, which the model has positions for.
    public var newTokens: Int
    /// Whether tokens were cut off on the left.
    public var isCut: Bool
  }

  /// The options of a choice, in their order.
  public func encode(_ choice: Choice) -> [Option] {
    // Mostly one context stands before all options.
    var known: (context: String, count: Int)?
    return choice.options.map { option in
      if isHarness { return harness(option) }
      // OpenCompass cuts the continuation out of the text to find where it begins.
      let context = choice.decision == .likelihood ? option.whole.removing(option.continuation) : option.context
      let count: Int
      if let known, known.context.isExactly(context) { count = known.count } else { count = encode(context).count }
      known = (context, count)
      return cut(encode(option.whole), continuation: count, to: maximumLength)
    }
  }

  /// A prompt that the model continues.
  /// - Parameters:
  ///   - prompt: the text before what the model writes.
  ///   - wanted: the new tokens that are asked for. They get at most half of the greatest length where prompt and text do not fit together.
  public func encode(prompt: String, newTokens wanted: Int) -> Prompt {
    let room = max(maximumLength - wanted, maximumLength - maximumLength / 2)
    let all = encode(prompt)
    let tokens = cut(all, to: room)
    return Prompt(tokens: tokens, newTokens: min(wanted, maximumLength - tokens.count), isCut: tokens.count < all.count)
  }

  /// Whether a sequence lacks the beginning-of-sequence token that the tokenizer puts before texts.
  public func lacksBeginning(_ tokens: [Int]) -> Bool { addsBeginning && tokens.first != beginning }

  /// Whether a sequence begins with two beginning-of-sequence tokens.
  public func beginsTwice(_ tokens: [Int]) -> Bool {
    beginning != nil && tokens.count > 1 && tokens[0] == beginning && tokens[1] == beginning
  }

  private func encode(_ text: String) -> [Int] {
    if isHarness, let beginningText, text.beginsExactly(with: beginningText) { return tokenizer.encode(text, addSpecialTokens: false) }
    return tokenizer.encode(prompt: text, endOfSequence: endOfSequence)
  }

  /// The pair as lm-evaluation-harness's `_encode_pair` has it: spaces at the end of the context belong to the continuation.
  private func harness(_ option: Choice.Option) -> Option {
    guard !option.context.isEmpty else {
      var ids = tokenizer.encode(option.continuation, addSpecialTokens: false)
      if let first = beginning ?? endOfSequence, ids.first != first { ids.insert(first, at: 0) }
      return cut(ids, continuation: 1, to: maximumLength + 1)
    }
    let before = encode(option.context.withoutTrailingSpace)
    let behind = encode(option.whole).dropFirst(before.count)
    return cut(before + behind, continuation: before.count, to: maximumLength + 1)
  }

  private func cut(_ tokens: [Int], continuation: Int, to length: Int) -> Option {
    let kept = cut(tokens, to: length)
    let place = min(continuation, tokens.count - 1) - (tokens.count - kept.count)
    return Option(tokens: kept, continuation: max(1, place), isCut: kept.count < tokens.count)
  }

  private func cut(_ tokens: [Int], to length: Int) -> [Int] {
    guard tokens.count > length else { return tokens }
    if !isHarness, length > 1, let first = tokens.first, first == beginning { return [first] + tokens.suffix(length - 1) }
    return Array(tokens.suffix(length))
  }
}
