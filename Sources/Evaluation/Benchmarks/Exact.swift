import Instructions

/// Any data of prompts and responses: the model goes on with the prompt, and is right where it writes the response and nothing else.
///
/// No evaluator's: prompts are as they are in the data, and no rule looks for an answer inside a longer text.
struct Exact: Benchmark {
  let name = "exact"
  let formats = ["pairs"]
  let variants: [any Variant] = [VerbatimForm()]

  func item(of sample: Sample) throws(EvaluationError) -> Item {
    var item = try Item(sample, question: "prompt")
    item.question = sample.instruction.prompt
    item.answer = sample.instruction.isAnswered ? sample.instruction.response : nil
    item.subject = sample.instruction.task
    return item
  }

  private struct VerbatimForm: Variant {
    let name = "verbatim"
    /// A text that goes on beyond the longest response that a short answer has is wrong whatever follows.
    private static let maximumTokens = 64

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      let generation = Generation(maximumTokens: Self.maximumTokens, key: item.answer, rules: [.wholeText])
      return [Question(item, preamble: "", text: item.question, task: .generation(generation))]
    }
  }
}

extension ExtractionRule {
  /// The whole output, without white space at its ends, code point by code point.
  fileprivate static let wholeText = ExtractionRule(
    name: "whole-text",
    find: { output in
      let text = output.stripped
      return text.isEmpty ? nil : FoundAnswer(text: text)
    },
    agrees: { $0.isExactly($1.stripped) })
}
