import Ground
import Instructions

/// Whom a pronoun means (Sakaguchi et al. 2021): 1,267 questions in the development part. The blank is filled with either option, and the
/// likelihood of what follows it decides.
struct Winogrande: Benchmark {
  let name = "winogrande"
  let formats = ["winogrande"]
  let variants: [any Variant] = [OpenCompassForm(), HarnessForm()]

  func item(of sample: Sample) throws(EvaluationError) -> Item {
    var item = try Item(sample, question: "sentence")
    item.answer = item.right.map { String($0 + 1) }
    return item
  }

  /// OpenCompass's `winogrande_ll_c5cf57`.
  private struct OpenCompassForm: Variant {
    let name = "ll_c5cf57"

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      let (before, after) = try halves(of: item)
      return [question(item, preamble: "", before, continuation: after)]
    }
  }

  /// lm-evaluation-harness's `winogrande`.
  private struct HarnessForm: Variant {
    let name = Harness.name
    let shots: ShotPlan? = ShotPlan(count: 0, own: [])

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      var preamble = ""
      for shot in try shots.first(of: Winogrande().name) {
        let (before, after) = try halves(of: shot)
        preamble += Harness.shot(before + (try shot.rightOption()), after.stripped)
      }
      let (before, after) = try halves(of: item)
      return [question(item, preamble: preamble, before, continuation: " " + after.stripped)]
    }
  }

  /// What stands before and behind the blank.
  private static func halves(of item: Item) throws(EvaluationError) -> (before: String, after: String) {
    let pieces = item.question.pieces(between: "_", most: 1)
    guard pieces.count == 2 else { throw EvaluationError("the sentence at index \(item.index) has no blank '_'; check the file") }
    return (pieces[0], pieces[1])
  }

  private static func question(_ item: Item, preamble: String, _ before: String, continuation: String) -> Question {
    let options = item.options.enumerated().map { position, option in
      Choice.Option(
        label: String(position + 1), text: option, context: preamble + before + option, continuation: continuation)
    }
    return Question(
      item, preamble: preamble, text: before, task: .choice(Choice(options: options, right: item.right, decision: .likelihood)))
  }
}
