import Ground
import Instructions

/// Which ending follows (Zellers et al. 2019): 10,042 questions in the validation part.
struct HellaSwag: Benchmark {
  let name = "hellaswag"
  let formats = ["hellaswag", "hellaswag-text"]
  let variants: [any Variant] = [LineForm(), SentenceForm(), HarnessForm()]

  func item(of sample: Sample) throws(EvaluationError) -> Item {
    var item = try Item(sample, question: "ctx")
    item.answer = item.right.map(String.init)
    return item
  }

  /// OpenCompass's `hellaswag_ppl_47bff9`: context and ending on lines of their own.
  private struct LineForm: Variant {
    let name = "ppl_47bff9"

    func questions(of item: Item, shots: Shots) -> [Question] {
      let query = HellaSwag.query(of: item)
      // OpenCompass takes what follows the second ": " of activity and context, which cuts some contexts.
      let context = item.text("activity_label") == nil ? query : query.pieces(between: ": ", most: 2).last ?? query
      return [perplexityQuestion(item, context + "\n")]
    }
  }

  /// OpenCompass's `hellaswag_ppl_a6e128`: activity, context and ending as one text.
  private struct SentenceForm: Variant {
    let name = "ppl_a6e128"

    func questions(of item: Item, shots: Shots) -> [Question] { [perplexityQuestion(item, query(of: item) + " ")] }
  }

  /// lm-evaluation-harness's `hellaswag`.
  private struct HarnessForm: Variant {
    let name = Harness.name
    let shots: ShotPlan? = ShotPlan(count: 0, own: [])

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      var preamble = ""
      for shot in try shots.first(of: HellaSwag().name) { preamble += Harness.shot(try asked(shot), cleaned(try shot.rightOption())) }
      return [Harness.choice(item, preamble: preamble, text: try asked(item), labels: labels, options: item.options.map(cleaned))]
    }

    private func asked(_ item: Item) throws(EvaluationError) -> String {
      guard ["ctx_a", "ctx_b", "activity_label"].allSatisfy({ item.text($0) != nil }) else {
        throw EvaluationError(
          "lm-eval's form of HellaSwag needs the fields ctx_a, ctx_b and activity_label, which the item at index \(item.index) lacks; give the JSON lines or Parquet file of the dataset, not its text form"
        )
      }
      return query(of: item)
    }
  }

  private static let labels = ["0", "1", "2", "3"]

  /// Activity and context as lm-evaluation-harness writes them; OpenCompass's copy of the dataset has them in this form too. The second part of the
  /// context begins with a capital letter where the dataset tells the parts apart.
  private static func query(of item: Item) -> String {
    var context = item.question
    if let first = item.text("ctx_a"), let second = item.text("ctx_b") {
      context = first + " " + second.capitalizedSentence
    }
    guard let activity = item.text("activity_label") else { return cleaned(context) }
    return cleaned(activity + ": " + context)
  }

  private static func perplexityQuestion(_ item: Item, _ context: String) -> Question {
    let options = zip(labels, item.options).map { label, text in
      Choice.Option(label: label, text: cleaned(text), context: context, continuation: cleaned(text))
    }
    return Question(
      item, preamble: "", text: context, task: .choice(Choice(options: options, right: item.right, decision: .perplexity)))
  }

  /// A text without the marks in brackets that WikiHow's part of the dataset holds.
  private static func cleaned(_ text: String) -> String {
    bracketed.replacing(in: text.stripped.replacing(" [title]", by: ". "), by: "").replacing("  ", by: " ")
  }

  private static let bracketed = Pattern(#"\[.*?\]"#)
}
