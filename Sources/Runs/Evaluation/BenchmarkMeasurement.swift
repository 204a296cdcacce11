import Evaluation
import Foundation
import Ground
import LanguageModels

/// Asks a model a benchmark's questions, batch by batch, resumable.
///
/// Batches follow from the questions alone, so that a run that is gone on with computes what one that was left alone does.
struct BenchmarkMeasurement {
  let decoder: any CausalDecoder
  let encoder: QuestionEncoder
  /// The most tokens that a batch computes; a question that takes more is a batch of its own.
  let batchTokens: Int
  /// For each layer a factor on every head's output `[H]`; nil where all heads are on.
  var gates: [[Float]]?

  /// Thrown where a measurement was asked to stop; what it found is in its journal.
  struct Stopped: Error {}

  /// How a run's journal is kept.
  struct Journal {
    /// The output beside which it lies; nil for none.
    var output: URL?
    /// What must be equal for a resume, as `key=value` joined by tabs.
    var settings: String
    var resume: Bool
    var overwrites: Bool
  }

  /// The replies, in the order of the questions.
  func run(_ questions: [Question], _ keeping: Journal? = nil, _ monitor: RunMonitor = .silent) throws -> [BenchmarkReply] {
    var replies: [BenchmarkReply] = []
    var journal: RunJournal?
    if let keeping, let output = keeping.output {
      journal = try RunJournal.open(
        beside: output, settings: keeping.settings, resume: keeping.resume, overwrites: keeping.overwrites
      ) { record in
        var record = record
        let (first, count) = (Int(record.integer(UInt32.self)), Int(record.integer(UInt32.self)))
        guard first == replies.count, count > 0, first + count <= questions.count else { return false }
        var found: [BenchmarkReply] = []
        for question in questions[first..<first + count] {
          guard let reply = BenchmarkReply(from: &record, to: question) else { return false }
          found.append(reply)
        }
        replies += found
        return true
      }
    }
    var plan = BatchPlan(questions, encoder, batchTokens: batchTokens, from: replies.count)
    let earlier = replies.count
    let started = ContinuousClock.now
    var tokens = 0
    while let batch = plan.next() {
      if monitor.shouldStop() { throw Stopped() }
      let first = replies.count
      let found = try self.replies(to: batch, questions)
      var record = JournalRecord()
      record.put(UInt32(first))
      record.put(UInt32(found.count))
      for reply in found { reply.write(to: &record) }
      try journal?.append(record)
      replies += found
      tokens += batch.computed
      let seconds = (ContinuousClock.now - started).inSeconds
      let done = replies.count - earlier
      monitor.progress(
        RunProgress(
          completed: replies.count, total: questions.count, unit: "questions", tokensPerSecond: Double(tokens) / max(seconds, 1e-9),
          secondsLeft: seconds / Double(done) * Double(questions.count - replies.count)))
    }
    return replies
  }

  private func replies(to batch: BatchPlan.Batch, _ questions: [Question]) throws -> [BenchmarkReply] {
    let sequences = batch.choices.flatMap(\.sequences)
    var scores = try decoder.tokenLogProbabilities(of: sequences, gates: gates)[...]
    return try batch.choices.map { asked in
      let own = scores.prefix(asked.sequences.count)
      scores = scores.dropFirst(own.count)
      let options = zip(asked.options, own).map { option, each in
        let continuation = each.suffix(option.continuationCount).reduce(0, +)
        // OpenCompass divides the sum over T - 1 predictions by T.
        let score = asked.decision == .perplexity ? -each.reduce(0, +) / Double(max(1, option.tokens.count)) : continuation
        return BenchmarkReply.OptionReply(logProbability: continuation, score: score, tokens: option.continuationCount)
      }
      if let wrong = options.first(where: { !$0.score.isFinite || !$0.logProbability.isFinite }) {
        throw try decoder.notFinite(
          "the log-probability of an option of the question at index \(questions[asked.question].index) is \(wrong.logProbability)")
      }
      return BenchmarkReply(
        isCut: asked.options.contains(where: \.isCut), lacksBeginning: asked.options.contains { encoder.lacksBeginning($0.tokens) },
        beginsTwice: asked.options.contains { encoder.beginsTwice($0.tokens) }, content: .options(options))
    }
  }
}

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

  struct Batch {
    var choices: [EncodedChoice]
    /// Tokens that are computed.
    var computed: Int
  }

  private let questions: [Question]
  private let encoder: QuestionEncoder
  private let batchTokens: Int
  private var place: Int
  private var pending: EncodedChoice?

  init(_ questions: [Question], _ encoder: QuestionEncoder, batchTokens: Int, from first: Int) {
    self.questions = questions
    self.encoder = encoder
    self.batchTokens = batchTokens
    place = first
  }

  /// The next batch, nil behind the last.
  mutating func next() -> Batch? {
    guard let first = take() else { return nil }
    var batch = Batch(choices: [first], computed: ScoredSequence.computedCount(of: first.sequences))
    while let choice = take() {
      // What it begins with like the one before is computed once.
      let shared = zip(batch.choices.last?.sequences.first?.tokens ?? [], choice.sequences.first?.tokens ?? []).prefix { $0 == $1 }.count
      let more = ScoredSequence.computedCount(of: choice.sequences) - shared
      guard batch.computed + more <= batchTokens else {
        pending = choice
        break
      }
      batch.choices.append(choice)
      batch.computed += more
    }
    return batch
  }

  private mutating func take() -> EncodedChoice? {
    if let waiting = pending {
      pending = nil
      return waiting
    }
    guard place < questions.count, case .choice(let choice) = questions[place].task else { return nil }
    defer { place += 1 }
    let options = encoder.encode(choice)
    return EncodedChoice(
      question: place, decision: choice.decision, options: options,
      sequences: options.map { ScoredSequence(tokens: $0.tokens, firstScored: choice.decision == .perplexity ? 1 : $0.continuation) })
  }
}
