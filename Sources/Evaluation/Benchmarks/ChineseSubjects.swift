import Ground

/// The Chinese names of a benchmark's subjects, which its prompts say, by the names of the files.
struct ChineseSubjects: Sendable {
  let benchmark: String
  let names: [String: String]

  /// The Chinese name of an item's subject.
  func name(of item: Item) throws(EvaluationError) -> String {
    let subject = item.subject ?? ""
    guard let name = names[subject] else {
      throw EvaluationError(
        "'\(subject)' is no subject of \(benchmark) (the item at index \(item.index)); keep the published names of the files, which say the subject"
      )
    }
    return name
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
