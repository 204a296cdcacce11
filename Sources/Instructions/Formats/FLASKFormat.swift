import StrictJSON

/// Instructions with the skills that they ask for (Ye et al. 2023): `instruction`, `answer`, `skill[]`, `domain[]`.
struct FLASKFormat: DatasetFormat {
  let name = "flask"
  let fields = ["instruction", "answer", "skill"]

  func fits(_ record: Record) -> Bool {
    record.hasText("instruction") && record.hasText("answer") && record["skill"]?.list != nil
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    var sample = Sample(record, prompt: try record.filledText("instruction") + "\n", response: try record.filledText("answer"))
    sample.instruction.id = try record.optionalText("idx")
    sample.instruction.tags = try record.tags("skill")
    sample.instruction.categories = try record.tags("domain")
    return sample
  }
}
