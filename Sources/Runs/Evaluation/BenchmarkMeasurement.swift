import Evaluation
import Foundation
import Ground
import LanguageModels
import Ranks
import Tokenizers
import Torch

/// Asks a model a benchmark's questions, batch by batch, resumable.
///
/// Batches follow from the questions alone, so that a run that is gone on with computes what one that was left alone does.
struct BenchmarkMeasurement {
  let model: LanguageModel
  let tokenizer: Tokenizer
  let encoder: QuestionEncoder
  /// The most tokens that a batch computes; a question that takes more is a batch of its own.
  let batchTokens: Int
  /// For each layer a factor on every head's output `[H]` while options are compared; nil where all heads are on.
  var gates: [[Float]]?
  /// The processes that ask together; nil for this one alone. On all but the first nothing is found.
  var ranks: RankGroup?

  /// The most texts that are written at a time; the generator writes fewer where their keys and values do not fit into memory.
  private static let textsAtATime = 32

  /// Thrown where a measurement was asked to stop; what it found is in its journal.
  struct Stopped: Error {}

  /// How a run's journal is kept.
  struct Journal {
    /// The output beside which it lies; nil for none.
    var output: URL?
    /// What must be equal for a resume.
    var identity: RunIdentity
    var resume: Bool
    var overwrites: Bool
  }

  /// The replies, in the order of the questions.
  func run(_ questions: [Question], _ keeping: Journal? = nil, _ monitor: RunMonitor = .silent) throws -> [BenchmarkReply] {
    var replies: [BenchmarkReply] = []
    var journal: RunJournal?
    if let keeping, let output = keeping.output {
      journal = try RunJournal.open(
        beside: output, identity: keeping.identity, resume: keeping.resume, overwrites: keeping.overwrites
      ) { record in
        var record = record
        guard let found = Self.replies(from: &record, to: questions[replies.count...], first: replies.count) else { return false }
        replies += found
        return true
      }
    }
    // Where the first rank's journal ends the others begin, too.
    let earlier = try ranks?.told(replies.count) ?? replies.count
    let lanes = model.decoder.batchLanes(batchTokens: batchTokens, passes: 1)
    var plan = BatchPlan(questions, encoder, batchTokens: lanes.batchTokens, from: earlier)
    let laneCount = lanes.count(bytes: lanes.batchTokens * model.decoder.activationBytesPerToken)
    let beginnings = (0..<laneCount).map { _ in KeptBeginning(model.decoder, gates: gates) }
    let started = ContinuousClock.now
    var tokens = 0
    /// Tells the progress; `more` questions of the batch at hand are done.
    func tell(_ more: Int = 0) {
      let seconds = (ContinuousClock.now - started).inSeconds
      let done = replies.count + more
      monitor.progress(
        RunProgress(
          completed: done, total: questions.count, unit: "questions", tokensPerSecond: Double(tokens) / max(seconds, 1e-9),
          secondsLeft: done > earlier ? seconds / Double(done - earlier) * Double(questions.count - done) : nil))
    }
    func record(_ found: [BenchmarkReply]) -> JournalRecord {
      var record = JournalRecord()
      record.put(UInt32(replies.count))
      record.put(UInt32(found.count))
      for reply in found { reply.write(to: &record) }
      return record
    }
    func keep(_ found: [BenchmarkReply]) throws {
      try journal?.append(record(found))
      replies += found
      tell()
    }
    var upcoming = plan.next()
    while let first = upcoming {
      // Options go through the lanes; texts, which take all threads, batch by batch.
      try RankGroup.sideBySide(
        on: ranks, lanes: first.isTexts ? 1 : laneCount,
        next: { () -> BatchPlan.Batch? in
          guard let batch = upcoming, batch.isTexts == first.isTexts else { return nil }
          upcoming = plan.next()
          if case .choices(_, let computed, _) = batch { tokens += computed }
          return batch
        },
        shouldStop: monitor.shouldStop, stopped: Stopped(),
        { batch, lane in
          switch batch {
          case .choices(let choices, _, let kept): return try self.replies(to: choices, questions, behind: beginnings[lane], keeping: kept)
          case .texts(let texts):
            var done = 0
            return try self.replies(to: texts, monitor) { text in
              done += 1
              tokens += text.tokens.count
              tell(done)
            }
          }
        },
        encode: { record($0).bytes },
        decode: { bytes, _ in
          var record = JournalRecord(bytes)
          guard let found = Self.replies(from: &record, to: questions[replies.count...]) else {
            throw RunError("another rank sent replies to other questions; start all ranks with the same version of Headway")
          }
          return found
        },
        inOrder: { _, found in try keep(found) })
    }
    return replies
  }

  /// The replies of a record, to the first of these questions; nil where they are not.
  /// - Parameter first: the place of the first of them, where the record must have it.
  private static func replies(from record: inout JournalRecord, to questions: ArraySlice<Question>, first: Int? = nil) -> [BenchmarkReply]?
  {
    let (place, count) = (Int(record.integer(UInt32.self)), Int(record.integer(UInt32.self)))
    guard place == first ?? place, (1...max(1, questions.count)).contains(count) else { return nil }
    var found: [BenchmarkReply] = []
    for question in questions.prefix(count) {
      guard let reply = BenchmarkReply(from: &record, to: question) else { return nil }
      found.append(reply)
    }
    return found.count == count ? found : nil
  }

  /// What is written to prompts of equal settings.
  private func replies(
    to texts: [BatchPlan.EncodedText], _ monitor: RunMonitor, finished: (GeneratedText) -> Void
  ) throws -> [BenchmarkReply] {
    var settings = GenerationSettings()
    settings.maximumTokens = texts.first?.prompt.newTokens ?? 1
    settings.stops = texts.first?.stops ?? []
    let generator = try TextGenerator(model, tokenizer, settings: settings, batchSize: Self.textsAtATime, passTokens: batchTokens)
    let written = try generator.write(
      texts.map(\.prompt.tokens), finished: { _, text in finished(text) }, shouldStop: monitor.shouldStop)
    return try zip(texts, written).map { asked, text in
      guard let text else { throw Stopped() }
      return BenchmarkReply(
        isCut: asked.prompt.isCut, lacksBeginning: encoder.lacksBeginning(asked.prompt.tokens),
        beginsTwice: encoder.beginsTwice(asked.prompt.tokens), content: .text(text.text, tokens: text.tokens.count))
    }
  }

  /// What is measured for options.
  private func replies(
    to choices: [BatchPlan.EncodedChoice], _ questions: [Question], behind beginning: KeptBeginning, keeping kept: Int
  ) throws -> [BenchmarkReply] {
    let sequences = choices.flatMap(\.sequences)
    var scores = try model.decoder.tokenLogProbabilities(of: sequences, gates: gates, behind: beginning, keeping: kept)[...]
    return try choices.map { asked in
      let own = scores.prefix(asked.sequences.count)
      scores = scores.dropFirst(own.count)
      let options = zip(asked.options, own).map { option, each in
        let continuation = each.suffix(option.continuationCount).reduce(0, +)
        // OpenCompass divides the sum over T - 1 predictions by T.
        let score = asked.decision == .perplexity ? -each.reduce(0, +) / Double(max(1, option.tokens.count)) : continuation
        return BenchmarkReply.OptionReply(logProbability: continuation, score: score, tokens: option.continuationCount)
      }
      if let wrong = options.first(where: { !$0.score.isFinite || !$0.logProbability.isFinite }) {
        throw try model.decoder.notFinite(
          "the log-probability of an option of the question at index \(questions[asked.question].index) is \(wrong.logProbability)")
      }
      return BenchmarkReply(
        isCut: asked.options.contains(where: \.isCut), lacksBeginning: asked.options.contains { encoder.lacksBeginning($0.tokens) },
        beginsTwice: asked.options.contains { encoder.beginsTwice($0.tokens) }, content: .options(options))
    }
  }
}
