/// Chinese questions of many subjects (Li et al. 2023): CSV `,Question,A,B,C,D,Answer`, a file a subject.
struct CMMLUFormat: DatasetFormat {
  let name = "cmmlu"
  let fields = ["Question", "A", "B", "C", "D", "Answer"]

  func fits(_ record: Record) -> Bool {
    record.hasText("Question") && record.has("Answer") && MultipleChoice.letters.allSatisfy(record.has)
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let choice = try MultipleChoice(lettered: record, question: "Question", answer: "Answer")
    // The column of numbers has no name.
    let id = try record.optionalText("")
    return choice.sample(of: record, prompt: choice.prompt(inChinese: true), tags: [subject(of: record)], id: id)
  }
}
