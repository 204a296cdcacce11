/// What all tasks of lm-evaluation-harness 0.4 have in common.
enum Harness {
  /// The variant's name.
  static let name = "lm-eval"
  /// New tokens, where a task does not say how many.
  static let maximumTokens = 256

  /// A shot: question, delimiter and answer, and a blank line behind.
  static func shot(_ question: String, _ answer: String, delimiter: String = " ") -> String { "\(question)\(delimiter)\(answer)\n\n" }

  /// A choice among continuations of one prompt, each behind a space.
  static func choice(_ item: Item, preamble: String, text: String, labels: [String], options: [String]) -> Question {
    let context = preamble + text
    let choice = Choice(
      options: zip(labels, options).map { Choice.Option(label: $0, text: $1, context: context, continuation: " " + $1) },
      right: item.right, decision: .likelihood, reportsNormalized: true)
    return Question(item, preamble: preamble, text: text, task: .choice(choice))
  }

  /// A choice among the letters A to D.
  static func letters(of item: Item, preamble: String, text: String, reportsNormalized: Bool) -> Question {
    var question = choice(item, preamble: preamble, text: text, labels: Item.letters, options: Item.letters)
    if case .choice(var choice) = question.task {
      choice.reportsNormalized = reportsNormalized
      question.task = .choice(choice)
    }
    return question
  }
}
