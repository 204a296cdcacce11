import Instructions

/// Grade-school word problems (Cobbe et al. 2021): 1,319 of them in the test part.
struct GSM8K: Benchmark {
  let name = "gsm8k"
  let formats = ["gsm8k"]
  let variants: [any Variant] = [OpenCompassForm(), HarnessForm()]

  func item(of sample: Sample) throws(EvaluationError) -> Item {
    var item = try Item(sample)
    // The published answer is the way there, then `#### ` and the number.
    item.steps = item.text("answer")?.before("\n####")
    return item
  }

  private static let rules: [ExtractionRule] = [.lastNumber, .lastNumberWithCommas, .strictMatch, .flexibleExtract]

  /// OpenCompass's `gsm8k_gen_1d7fe4`.
  private struct OpenCompassForm: Variant {
    let name = "gen_1d7fe4"
    let shots: ShotPlan? = ShotPlan(count: 4, own: OwnShots.wordProblems)

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      var preamble = ""
      for shot in try shots.first(of: name) {
        // The annotations of a calculator, `<<16-3=13>>`, are no part of this form.
        let steps = calculatorAnnotation.replacing(in: shot.steps ?? "", by: "")
        preamble += "\(asked(shot))\n\(steps)\nThe answer is \(try shot.publishedAnswer())\n\n"
      }
      // The rules read up to the next question only, so that nothing is lost by stopping there.
      let generation = Generation(stops: ["Question:"], maximumTokens: 512, key: item.answer, rules: GSM8K.rules)
      return [Question(item, preamble: preamble, text: asked(item), task: .generation(generation))]
    }

    private func asked(_ item: Item) -> String { "Question: \(item.question)\nLet's think step by step\nAnswer:" }
  }

  /// lm-evaluation-harness's `gsm8k`.
  private struct HarnessForm: Variant {
    let name = Harness.name
    let shots: ShotPlan? = ShotPlan(count: 5, own: OwnShots.wordProblems)

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      var preamble = ""
      for shot in try shots.first(of: name) {
        let answer = try shot.publishedAnswer()
        let published = shot.text("answer") ?? "\(shot.steps ?? "")\n#### \(answer)"
        preamble += Harness.shot(asked(shot), published)
      }
      let generation = Generation(
        stops: ["Question:", "</s>", "<|im_end|>"], maximumTokens: Harness.maximumTokens, key: item.answer,
        rules: GSM8K.rules.led(by: .strictMatch))
      return [Question(item, preamble: preamble, text: asked(item), task: .generation(generation))]
    }

    private func asked(_ item: Item) -> String { "Question: \(item.question)\nAnswer:" }
  }
}

private let calculatorAnnotation = Pattern("<<[^<>]*>>")
