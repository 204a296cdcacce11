import Evaluation
import Ground

/// Questions, what a model replied to them, and what that comes to.
struct ScoredBenchmark: Sendable {
  let questions: BenchmarkQuestions
  let replies: [BenchmarkReply]
  let verdicts: [Verdict]
  let result: EvaluationResult

  init(_ questions: BenchmarkQuestions, _ replies: [BenchmarkReply]) {
    self.questions = questions
    self.replies = replies
    verdicts = zip(questions.questions, replies).map { $1.verdict(on: $0) }
    var board = Scoreboard()
    var extraction: [String] = []
    for (question, verdict) in zip(questions.questions, verdicts) {
      board.add(verdict, on: question)
      let rule = question.task.ruleThatCounts
      if !extraction.contains(rule) { extraction.append(rule) }
    }
    result = EvaluationResult(
      questions.benchmark, questions.variant, shots: questions.shots, extraction: extraction, board: board, leftOut: questions.leftOut,
      truncated: replies.count(where: \.isCut))
  }

  /// A line a question.
  var predictions: [Prediction] {
    zip(questions.questions, zip(replies, verdicts)).map { Prediction($0, $1.0, $1.1) }
  }

  /// Says what must not be overlooked.
  func tell(_ monitor: RunMonitor, seconds: Double) {
    let count = replies.count
    let lacking = replies.count(where: \.lacksBeginning)
    if lacking > 0 {
      monitor.warn(
        "\(lacking) of \(count) prompts lack the beginning-of-sequence token that the tokenizer puts before texts, because they were cut on the left as \(questions.variant.name) cuts them; their scores may suffer"
      )
    }
    let twice = replies.count(where: \.beginsTwice)
    if twice > 0 {
      monitor.warn(
        "\(twice) of \(count) prompts begin with two beginning-of-sequence tokens: their text begins with one; look at one of them")
    }
    if result.truncated > 0 { monitor.warn("\(result.truncated) of \(count) prompts were cut on the left because they did not fit") }
    if result.close > 0 {
      monitor.note("note: \(result.close) choices are decided by less than 1e-5, so that rounding may decide them elsewhere")
    }
  }
}

extension Question.Task {
  /// The rule that reads the answer, or what decides between options.
  var ruleThatCounts: String {
    switch self {
    case .choice(let choice): choice.decision == .perplexity ? "least perplexity" : "greatest log-likelihood"
    case .generation(let generation): generation.rules.first?.name ?? "none"
    }
  }
}
