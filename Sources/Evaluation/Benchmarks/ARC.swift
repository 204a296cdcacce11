import Instructions

/// School science questions, easy and challenge (Clark et al. 2018).
struct ARC: Benchmark {
  let name = "arc"
  let formats = ["arc"]
  let variants: [any Variant] = [TextForm(), LetterForm(), HarnessForm()]

  func item(of sample: Sample) throws(EvaluationError) -> Item {
    var item = try Item(sample)
    item.answer = item.right.map(Item.letter)
    return item
  }

  /// OpenCompass's `ARC_e_ppl_a450bd` and `ARC_c_ppl_a450bd`: the texts of the options are compared. Only questions with four options are asked.
  private struct TextForm: Variant {
    let name = "ppl_a450bd"

    func questions(of item: Item, shots: Shots) -> [Question] {
      guard item.options.count == 4 else { return [] }
      let context = "Question: \(item.question)\nAnswer: \n"
      let options = zip(Item.letters, item.options).map {
        Choice.Option(label: $0, text: $1, context: context, continuation: $1)
      }
      let choice = Choice(options: options, right: item.right, decision: .perplexity)
      return [Question(item, preamble: "", text: context, task: .choice(choice))]
    }
  }

  /// OpenCompass's `ARC_e_ppl_2ef631` and `ARC_c_ppl_2ef631`: the options are listed, and their letters compared.
  private struct LetterForm: Variant {
    let name = "ppl_2ef631"

    func questions(of item: Item, shots: Shots) -> [Question] {
      guard item.options.count == 4 else { return [] }
      let context = "\(item.question)\n\(item.optionLines)\nAnswer: "
      return [Question(item, preamble: "", text: context, task: .choice(.letters(of: item, behind: context)))]
    }
  }

  /// lm-evaluation-harness's `arc_easy` and `arc_challenge`.
  private struct HarnessForm: Variant {
    let name = Harness.name
    let shots: ShotPlan? = ShotPlan(count: 0, own: [])

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      var preamble = ""
      for shot in try shots.first(of: ARC().name) { preamble += Harness.shot(asked(shot), try shot.rightOption()) }
      let labels = item.options.indices.map(Item.letter)
      return [Harness.choice(item, preamble: preamble, text: asked(item), labels: labels, options: item.options)]
    }

    private func asked(_ item: Item) -> String { "Question: \(item.question)\nAnswer:" }
  }
}
