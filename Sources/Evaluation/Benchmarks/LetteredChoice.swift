import Instructions

/// New tokens where an OpenCompass configuration names no number: its own setting for base models.
let openCompassMaximumTokens = 1024

extension Item {
  /// The item of a question with the options A to D and a subject.
  init(lettered sample: Sample, question field: String = "question") throws(EvaluationError) {
    try self.init(sample, question: field)
    subject = text("subject")
    answer = right.map { Self.letters[$0] }
  }
}

extension Choice {
  /// The letters A to D as continuations of a prompt, compared by the perplexity of the whole.
  static func letters(of item: Item, behind context: String) -> Choice {
    Choice(
      options: Item.letters.map { Option(label: $0, text: $0, context: context, continuation: $0) }, right: item.right,
      decision: .perplexity)
  }
}
