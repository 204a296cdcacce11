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
        "'\(subject)' is not a subject of \(benchmark) (the item at index \(item.index)); keep the published names of the files, which say the subject"
      )
    }
    return name
  }
}
