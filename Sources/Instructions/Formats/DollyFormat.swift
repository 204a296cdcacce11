import StrictJSON

/// Instructions written by employees of Databricks (2023): `instruction`, `context`, `response`, `category`, asked with Alpaca's prompts.
struct DollyFormat: DatasetFormat {
  let name = "dolly"
  let fields = ["instruction", "context", "response"]

  func fits(_ record: Record) -> Bool {
    record.hasText("instruction") && record.has("context") && record.hasTextOrNumber("response")
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let prompt = alpacaPrompt(try record.filledText("instruction"), input: try record.optionalText("context") ?? "")
    var sample = Sample(record, prompt: prompt, response: try record.text("response"))
    sample.instruction.tags = try record.tags("category")
    return sample
  }
}
