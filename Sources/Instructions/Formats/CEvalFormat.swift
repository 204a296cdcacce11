/// Chinese examination questions (Huang et al. 2023): CSV `id,question,A,B,C,D,answer` (, `explanation`), a file a subject; the test part
/// has no answers.
struct CEvalFormat: DatasetFormat {
  let name = "ceval"
  let fields = ["id", "question", "A", "B", "C", "D", "answer"]

  func fits(_ record: Record) -> Bool {
    record.has("id") && record.hasText("question") && MultipleChoice.letters.allSatisfy(record.has)
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let choice = try MultipleChoice(lettered: record, question: "question", answer: "answer")
    let id = try record.optionalText("id")
    return choice.sample(of: record, prompt: choice.prompt(inChinese: true), tags: [subject(of: record)], id: id)
  }
}
