import Instructions

/// Mathematics in Chinese and English by school level (Liu et al. 2024): cloze questions, and single choices that are asked in four orders of their
/// options. Its one accuracy is the paper's: over all questions, choices as published.
struct MathBench: Benchmark {
  let name = "mathbench"
  let formats = ["mathbench"]
  let variants: [any Variant] = [OpenCompassForm()]

  func item(of sample: Sample) throws(EvaluationError) -> Item {
    var item = try Item(sample)
    item.subject = sample.instruction.tags.first
    item.answer = item.right.map { Item.letters[$0] } ?? item.answer?.stripped
    return item
  }

  /// OpenCompass's `mathbench_gen_7b734b`.
  private struct OpenCompassForm: Variant {
    let name = "gen_7b734b"
    let shots: ShotPlan? = ShotPlan(count: 8, own: OwnShots.chineseWordProblems + OwnShots.wordProblems)
    let metric = Metric.circular

    func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
      item.options.isEmpty ? [try Cloze(inChinese: item.language == "zh").question(item, shots)] : rotations(of: item)
    }

    /// The question with its options in the orders ABCD, BCDA, CDAB and DABC. It has no shots.
    private func rotations(of item: Item) -> [Question] {
      let chinese = item.language == "zh"
      let header =
        chinese
        ? "以下是一道关于数学的单项选择题，请你直接回答正确答案的选项序号。\n下面是你要回答的题目：\n"
        : "Here is a multiple-choice question about mathematics. Please provide the correct answer option directly.\n"
          + "Here is the question you need to answer:\n"
      return item.options.indices.map { rotation in
        var turned = item
        turned.options = Array(item.options[rotation...] + item.options[..<rotation])
        turned.right = item.right.map { ($0 - rotation + item.options.count) % item.options.count }
        let text = "\(header)\(item.question.stripped)\n\(turned.optionLines)\n\n\(chinese ? "答案选项：" : "Answer option:")"
        let generation = Generation(
          maximumTokens: 512, key: turned.right.map { Item.letters[$0] }, rules: [.firstOption, .letterAlone])
        var question = Question(turned, preamble: "", text: text, task: .generation(generation))
        question.rotation = rotation
        question.rotations = item.options.count
        return question
      }
    }
  }
}

/// MathBench's form of a question with a number for an answer, after shots that say the way there.
struct Cloze {
  let inChinese: Bool

  /// The question, after the shots of its language.
  func question(_ item: Item, _ shots: Shots) throws(EvaluationError) -> Question {
    var preamble = ""
    let language = inChinese ? "zh" : "en"
    let shown = try shots.first(of: "cloze questions in \(inChinese ? "Chinese" : "English")") {
      $0.options.isEmpty && ($0.language ?? language) == language
    }
    for shot in shown {
      // Steps that are lines elsewhere run on in this form.
      let steps = shot.steps?.replacing("\n", by: inChinese ? "" : " ") ?? ""
      let answer = try shot.publishedAnswer().stripped
      let said = inChinese ? "答案是 \(answer)" : "\(steps.isEmpty ? "" : " ")The answer is \(answer)."
      preamble += "\(asked(shot))\(steps)\(said)\n\n"
    }
    let rule = ExtractionRule.cloze(saying: inChinese ? "答案是" : "The answer is")
    let generation = Generation(maximumTokens: 512, key: item.answer, rules: [rule, .lastNumberWithCommas])
    // OpenCompass's English turn ends in a line feed, which stays where the answer is left out.
    return Question(item, preamble: preamble, text: asked(item) + (inChinese ? "" : "\n"), task: .generation(generation))
  }

  private func asked(_ item: Item) -> String { "Q: \(item.question.stripped)\nA: " }
}
