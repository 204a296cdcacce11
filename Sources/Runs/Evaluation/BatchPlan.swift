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

    /// The tokens of the first option, which those of its neighbours are held against.
    var beginning: [Int] { sequences.first?.tokens ?? [] }
  }

  /// A prompt as the model reads it.
  struct EncodedText {
    var prompt: QuestionEncoder.Prompt
    var stops: [String]
  }

  /// Questions that are asked together: all choices, or all texts of equal settings.
  enum Batch {
    /// The tokens that are computed with them, behind so many leading tokens that all have in common with each other and with the question before or
    /// behind them.
    case choices([EncodedChoice], computed: Int, kept: Int)
    case texts([EncodedText])

    /// Whether something is written, not only compared.
    var isTexts: Bool { if case .texts = self { true } else { false } }
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
  /// What the choice before the next batch begins with.
  private var before: [Int] = []

  init(_ questions: [Question], _ encoder: QuestionEncoder, batchTokens: Int, from first: Int) {
    self.questions = questions
    self.encoder = encoder
    self.batchTokens = batchTokens
    place = first
    // Batches follow from the questions alone, wherever a run begins.
    if questions.indices.contains(first - 1), case .choice(let choice) = encode(first - 1) { before = choice.beginning }
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
    var ahead: [Int] = []
    pending = take()
    if case .choice(let next) = pending { ahead = next.beginning }
    let common = max(first.beginning[...].commonPrefix(before[...]), first.beginning[...].commonPrefix(ahead[...]))
    var kept = KeptBeginning.keepable(min(first.sequences.sharedContext, common))
    var computed = ScoredSequence.computedCount(of: first.sequences) - kept
    while let next = take() {
      guard case .choice(let choice) = next, let last = choices.last else {
        pending = next
        break
      }
      let common = min(choice.sequences.sharedContext, first.beginning[...].commonPrefix(choice.beginning[...]))
      let keeps = KeptBeginning.keepable(min(kept, common))
      // What it begins with like the one before is computed once; what is no longer kept is computed with the batch.
      let shared = last.beginning[...].commonPrefix(choice.beginning[...])
      let more = ScoredSequence.computedCount(of: choice.sequences) - shared + kept - keeps
      // Another subject begins another batch, so that neither's shots are computed with it.
      guard keeps >= kept / 2, computed + more <= batchTokens else {
        pending = next
        break
      }
      choices.append(choice)
      kept = keeps
      computed += more
    }
    before = choices.last?.beginning ?? []
    return .choices(choices, computed: computed, kept: kept)
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
    return encode(place)
  }

  private func encode(_ place: Int) -> Encoded {
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
