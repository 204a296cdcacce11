import StrictJSON

/// Text without a prompt: a plain text file, whose samples are its paragraphs or (form `file`) the file as a whole, a JSON list of
/// texts, or records with little but a field `text`.
struct TextFormat: DatasetFormat {
  let name = "text"
  let fields = ["text"]
  let forms = ["paragraph", "file"]
  /// Fields that may stand beside the text without giving it a question.
  private static let companions: Set = ["text", "id", "idx", "source", "url", "timestamp", "meta", "title"]

  func textUnit(form: String) -> TextUnit? { form == "file" ? .file : .paragraph }

  func fits(_ record: Record) -> Bool {
    record.hasText("text") && record.fields.names.allSatisfy(Self.companions.contains)
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    var sample = Sample(record, prompt: "", response: try record.filledText("text"))
    sample.instruction.id = try record.optionalText("id")
    return sample
  }
}
