import Evaluation
import Ground

/// What a model replied to one question: all that verdicts, predictions and journals are made of.
struct BenchmarkReply: Sendable, Hashable {
  /// Whether the prompt was cut because it did not fit.
  var isCut = false
  /// Whether the prompt lacks the beginning-of-sequence token that the tokenizer puts before texts.
  var lacksBeginning = false
  /// Whether it begins with two of them.
  var beginsTwice = false
  var content: Content

  enum Content: Sendable, Hashable {
    case options([OptionReply])
    case text(String, tokens: Int)
  }

  /// What was measured for an option.
  struct OptionReply: Sendable, Hashable {
    /// Of the continuation, in nats, summed over its tokens.
    var logProbability: Double
    /// What decides.
    var score: Double
    /// Tokens of the continuation.
    var tokens: Int
  }

  /// The verdict on it.
  func verdict(on question: Question) -> Verdict {
    switch (question.task, content) {
    case (.choice(let choice), .options(let options)):
      choice.verdict(logProbabilities: options.map(\.logProbability), scores: options.map(\.score))
    case (.generation(let generation), .text(let text, _)): generation.verdict(on: text)
    default: .unanswered
    }
  }
}

// MARK: - In journals

extension BenchmarkReply {
  func write(to record: inout JournalRecord) {
    record.put(UInt8(isCut ? 1 : 0) | UInt8(lacksBeginning ? 2 : 0) | UInt8(beginsTwice ? 4 : 0))
    switch content {
    case .options(let options):
      record.put(UInt32(options.count))
      for option in options {
        record.put(option.logProbability.bitPattern)
        record.put(option.score.bitPattern)
        record.put(UInt32(clamping: option.tokens))
      }
    case .text(let text, let tokens):
      record.put(UInt32.max)
      record.put(text)
      record.put(UInt32(clamping: tokens))
    }
  }

  /// The next reply of a record; nil where it is not one to this question.
  init?(from record: inout JournalRecord, to question: Question) {
    let flags = record.integer(UInt8.self)
    let count = record.integer(UInt32.self)
    switch question.task {
    case .choice(let choice):
      guard count == choice.options.count, record.remaining >= 20 * choice.options.count else { return nil }
      content = .options(
        choice.options.map { _ in
          OptionReply(
            logProbability: Double(bitPattern: record.integer(UInt64.self)), score: Double(bitPattern: record.integer(UInt64.self)),
            tokens: Int(record.integer(UInt32.self)))
        })
    case .generation:
      guard count == .max, let text = record.text() else { return nil }
      content = .text(text, tokens: Int(record.integer(UInt32.self)))
    }
    isCut = flags & 1 != 0
    lacksBeginning = flags & 2 != 0
    beginsTwice = flags & 4 != 0
  }
}
