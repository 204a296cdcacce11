import Instructions

/// Questions of 57 subjects (Hendrycks et al. 2021).
struct MMLU: Benchmark {
  let name = "mmlu"
  let formats = ["mmlu"]
  let variants: [any Variant] = [PerplexityForm(), GenerationForm(), HarnessForm()]

  func item(of sample: Sample) throws(EvaluationError) -> Item { try Item(lettered: sample) }

  /// OpenCompass's `mmlu_ppl_ac766d`.
  private struct PerplexityForm: Variant {
    let name = "ppl_ac766d"
    let shots: ShotPlan? = ShotPlan(count: 5, own: OwnShots.choices)
    let metric = Metric.meanOfSubjects

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      // Two spaces, as OpenCompass has them.
      var preamble = "The following are multiple choice questions (with answers) about  \(spoken(item.subject)).\n\n"
      for shot in try shots.first(ofSubject: item.subject) { preamble += "\(asked(shot))\(try shot.rightLetter())\n\n" }
      return [Question(item, preamble: preamble, text: asked(item), task: .choice(.letters(of: item, behind: preamble + asked(item))))]
    }

    private func asked(_ item: Item) -> String { "\(item.question)\n\(item.optionLines)\nAnswer: " }
  }

  /// OpenCompass's `mmlu_gen_4d595a`.
  private struct GenerationForm: Variant {
    let name = "gen_4d595a"
    let shots: ShotPlan? = ShotPlan(count: 5, own: OwnShots.choices)
    let metric = Metric.meanOfSubjects

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      let header = "There is a single choice question about \(spoken(item.subject)). Answer the question by replying A, B, C or D.\n"
      var preamble = ""
      for shot in try shots.first(ofSubject: item.subject) { preamble += "\(header)\(asked(shot))\n\(try shot.rightLetter())\n\n" }
      let generation = Generation(maximumTokens: openCompassMaximumTokens, key: item.answer, rules: [.firstOption, .letterAlone])
      return [Question(item, preamble: preamble, text: header + asked(item), task: .generation(generation))]
    }

    private func asked(_ item: Item) -> String { "Question: \(item.question)\n\(item.optionLines)\nAnswer: " }
  }

  /// lm-evaluation-harness's `mmlu`.
  private struct HarnessForm: Variant {
    let name = Harness.name
    let shots: ShotPlan? = ShotPlan(count: 5, own: OwnShots.choices)
    let metric = Metric.pooledSubjects

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      var preamble = "The following are multiple choice questions (with answers) about \(spoken(item.subject)).\n\n"
      for shot in try shots.first(ofSubject: item.subject) { preamble += Harness.shot(asked(shot), try shot.rightLetter()) }
      return [Harness.letters(of: item, preamble: preamble, text: asked(item), reportsNormalized: false)]
    }

    private func asked(_ item: Item) -> String { "\(item.question.stripped)\n\(item.optionLines)\nAnswer:" }
  }
}

/// A subject as prompts say it: spaces for underscores.
private func spoken(_ subject: String?) -> String { (subject ?? "").replacing("_", by: " ") }
