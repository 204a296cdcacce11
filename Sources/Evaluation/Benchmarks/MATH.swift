import Instructions

/// Competition problems (Hendrycks et al. 2021): 5,000 of them in the test part.
struct MATH: Benchmark {
  let name = "math"
  let formats = ["math"]
  let variants: [any Variant] = [OpenCompassForm(), HarnessForm()]

  func item(of sample: Sample) throws(EvaluationError) -> Item {
    var item = try Item(sample, question: "problem")
    item.steps = item.text("solution")
    item.subject = item.text("type") ?? item.text("subject")
    return item
  }

  private static let rules: [ExtractionRule] = [.boxedOrSaid, .boxed, .betweenDollars]

  /// OpenCompass's `math_gen_265cce`.
  private struct OpenCompassForm: Variant {
    let name = "gen_265cce"
    let shots: ShotPlan? = ShotPlan(count: 4, own: OwnShots.competitionProblems)

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      var preamble = ""
      for shot in try shots.first(of: name) {
        let answer = try shot.publishedAnswer()
        preamble += "\(asked(shot))\(shot.steps ?? "")\nFinal Answer: The final answer is $\(answer)$. I hope it is correct.\n\n"
      }
      let generation = Generation(maximumTokens: 512, key: item.answer, rules: MATH.rules)
      return [Question(item, preamble: preamble, text: asked(item), task: .generation(generation))]
    }

    private func asked(_ item: Item) -> String { "Problem:\n\(item.question)\nSolution:\n" }
  }

  /// lm-evaluation-harness's `hendrycks_math`.
  private struct HarnessForm: Variant {
    let name = Harness.name
    let shots: ShotPlan? = ShotPlan(count: 0, own: OwnShots.competitionProblems)
    let metric = Metric.pooledSubjects

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      var preamble = ""
      for shot in try shots.first(of: name) { preamble += Harness.shot(asked(shot), try shot.publishedAnswer()) }
      let generation = Generation(
        stops: ["Problem:"], maximumTokens: Harness.maximumTokens, key: item.answer, rules: MATH.rules.led(by: .betweenDollars))
      return [Question(item, preamble: preamble, text: asked(item), task: .generation(generation))]
    }

    private func asked(_ item: Item) -> String { "Problem: \(item.question)\nAnswer:" }
  }
}
