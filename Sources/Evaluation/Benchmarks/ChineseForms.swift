/// What C-Eval and CMMLU say in OpenCompass's forms; all else of the forms is the same.
struct ChineseWording: Sendable {
  let subjects: ChineseSubjects
  /// What stands before a question that says what it is about, by the subject's Chinese name.
  let header: @Sendable (_ subject: String) -> String
  /// What stands before all where it is said once.
  let soleHeader: @Sendable (_ subject: String) -> String
  /// A question up to where its answer's letter goes.
  let asked: @Sendable (Item) -> String
  /// What joins a question to its answer where they are rounds of their own.
  let joint: String

  /// The shots, each a question and the letter of its answer.
  func rounds(_ shots: [Item], header: String = "", joint: String = "", end: String) throws(EvaluationError) -> String {
    var text = ""
    for shot in shots { text += "\(header)\(asked(shot))\(joint)\(try shot.rightLetter())\(end)" }
    return text
  }
}

/// OpenCompass's forms in which every question says what it is about.
struct ChinesePerplexityForm: Variant {
  let name: String
  let wording: ChineseWording
  let shots: ShotPlan? = ShotPlan(count: 5, own: OwnShots.chineseChoices)
  let metric = Metric.meanOfSubjects

  func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
    let header = wording.header(try wording.subjects.name(of: item))
    // A round a line, and OpenCompass's separator of two line feeds as a line of its own.
    var preamble = try wording.rounds(shots.first(ofSubject: item.subject), header: header, joint: wording.joint, end: "\n\n\n")
    if !preamble.isEmpty { preamble += "\n\n" }
    let text = header + wording.asked(item) + wording.joint
    return [Question(item, preamble: preamble, text: text, task: .choice(.letters(of: item, behind: preamble + text)))]
  }
}

/// OpenCompass's forms with one header before all.
struct ChineseHeadedPerplexityForm: Variant {
  let name: String
  let wording: ChineseWording
  let shots: ShotPlan? = ShotPlan(count: 5, own: OwnShots.chineseChoices)
  let metric = Metric.meanOfSubjects

  func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
    let header = wording.soleHeader(try wording.subjects.name(of: item))
    let preamble = try header + wording.rounds(shots.first(ofSubject: item.subject), end: "\n\n")
    let text = wording.asked(item)
    return [Question(item, preamble: preamble, text: text, task: .choice(.letters(of: item, behind: preamble + text)))]
  }
}

/// OpenCompass's forms that are answered by a text.
struct ChineseGenerationForm: Variant {
  let name: String
  let wording: ChineseWording
  let shots: ShotPlan? = ShotPlan(count: 5, own: OwnShots.chineseChoices)
  let metric = Metric.meanOfSubjects

  func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
    let header = wording.header(try wording.subjects.name(of: item))
    let preamble = try wording.rounds(shots.first(ofSubject: item.subject), header: header, joint: wording.joint, end: "\n")
    // What joins rounds does not follow the last.
    let generation = Generation(
      maximumTokens: openCompassMaximumTokens, key: item.answer, rules: [.firstCapital, .firstOption, .letterAlone])
    return [Question(item, preamble: preamble, text: header + wording.asked(item), task: .generation(generation))]
  }
}

/// lm-evaluation-harness's form of C-Eval and CMMLU.
struct ChineseHarnessForm: Variant {
  let name = Harness.name
  let shots: ShotPlan? = ShotPlan(count: 0, own: OwnShots.chineseChoices)
  let metric = Metric.pooledSubjects
  let subjects: ChineseSubjects
  let header: @Sendable (_ subject: String) -> String

  func questions(of item: Item, shots: Shots) throws(EvaluationError) -> [Question] {
    var preamble = header(try subjects.name(of: item))
    for shot in try shots.first(ofSubject: item.subject) { preamble += Harness.shot(asked(shot), try shot.rightLetter()) }
    return [Harness.letters(of: item, preamble: preamble, text: asked(item), reportsNormalized: true)]
  }

  private func asked(_ item: Item) -> String { "\(item.question.stripped)\n\(item.optionLines)\n答案：" }
}
