/// Chinese word problems of grades 1 to 6 (Wei et al. 2023): `question`, `golden`, `grade`.
struct CMATHFormat: DatasetFormat {
  let name = "cmath"
  let fields = ["question", "golden"]

  func fits(_ record: Record) -> Bool {
    record.hasText("question") && record.has("golden")
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let answer = try record.filledText("golden")
    let grade = try record.optionalText("grade")
    return Sample(record, prompt: "问题：\(try record.filledText("question"))\n答案：", response: answer).with {
      $0.tags = grade.map { ["grade \($0)"] } ?? []
      $0.answer = .text(answer)
    }
  }
}
