import Evaluation
import LanguageModels

/// Divides questions into batches, in order.
struct BatchPlan {
  /// A choice as the model reads it.
  struct EncodedChoice {
    /// The question's place.
    var question: Int
    var decision: Choice.Decision
    var options: [QuestionEncoder.Option]
    /// What is scored of each option: all of it for a perplexity, else the continuation.
    var sequences: [ScoredSequence]
  }

  /// A prompt as the model reads it.
  struct EncodedText {
    var prompt: QuestionEncoder.Prompt
    var stops: [String]
  }

  /// Questions that are asked together: all choices, or all texts of equal settings.
  enum Batch {
    /// The tokens that are computed with them.
    case choices([EncodedChoice], computed: Int)
    case texts([EncodedText])
  }

  private enum Encoded {
    case choice(EncodedChoice)
    case text(EncodedText)
  }

  /// The most texts of a batch. Fewer are written at a time; those that are done make room for the next.
  static let mostTexts = 64

  private let questions: [Question]
  private let encoder: QuestionEncoder
  private let batchTokens: Int
  private var place: Int
  private var pending: Encoded?

  init(_ questions: [Question], _ encoder: QuestionEncoder, batchTokens: Int, from first: Int) {
    self.questions = questions
    self.encoder = encoder
    self.batchTokens = batchTokens
    place = first
  }

  /// The next batch, nil behind the last.
  mutating func next() -> Batch? {
    switch take() {
    case nil: nil
    case .choice(let first): choices(from: first)
    case .text(let first): texts(from: first)
    }
  }

  private mutating func choices(from first: EncodedChoice) -> Batch {
    var choices = [first]
    var computed = ScoredSequence.computedCount(of: first.sequences)
    while let next = take() {
      guard case .choice(let choice) = next else {
        pending = next
        break
      }
      // What it begins with like the one before is computed once.
      let shared = zip(choices.last?.sequences.first?.tokens ?? [], choice.sequences.first?.tokens ?? []).prefix { $0 == $1 }.count
      let more = ScoredSequence.computedCount(of: choice.sequences) - shared
      guard computed + more <= batchTokens else {
        pending = next
        break
      }
      choices.append(choice)
      computed += more
    }
    return .choices(choices, computed: computed)
  }

  private mutating func texts(from first: EncodedText) -> Batch {
    var texts = [first]
    while texts.count < Self.mostTexts, let next = take() {
      guard case .text(let text) = next, text.stops == first.stops, text.prompt.newTokens == first.prompt.newTokens else {
        pending = next
        break
      }
      texts.append(text)
    }
    return .texts(texts)
  }

  private mutating func take() -> Encoded? {
    if let waiting = pending {
      pending = nil
      return waiting
    }
    guard place < questions.count else { return nil }
    defer { place += 1 }
    switch questions[place].task {
    case .choice(let choice):
      let options = encoder.encode(choice)
      return .choice(
        EncodedChoice(
          question: place, decision: choice.decision, options: options,
          sequences: options.map { ScoredSequence(tokens: $0.tokens, firstScored: choice.decision == .perplexity ? 1 : $0.continuation) }))
    case .generation(let generation):
      return .text(
        EncodedText(
          prompt: encoder.encode(prompt: questions[place].prompt, newTokens: generation.maximumTokens), stops: generation.stops))
    }
  }
}
