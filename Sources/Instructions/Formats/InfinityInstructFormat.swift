import StrictJSON

/// Infinity Instruct (BAAI 2024): `conversations` of `from` (human, gpt, system) and `value`, `label.ability_en` and
/// `label.cate_ability_en` (the skills and their categories), `langdetect`, `source`.
struct InfinityInstructFormat: DatasetFormat {
  let name = "infinity-instruct"
  let fields = ["conversations", "label"]
  let forms = ["first-turn", "all-turns"]
  let refines = ["chat"]

  func fits(_ record: Record) -> Bool {
    record["conversations.0"]?.object != nil && (record["label.ability_en"]?.list != nil || record["label.cate_ability_en"]?.list != nil)
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let messages = try messages(of: record, in: "conversations")
    var sample = Sample(record, messages: form == "all-turns" ? messages : messages.firstExchange)
    sample.instruction.id = try record.optionalText("id")
    sample.instruction.tags = try record.tags("label.ability_en")
    sample.instruction.categories = try record.tags("label.cate_ability_en")
    sample.instruction.language = try record.optionalText("langdetect")
    return sample
  }
}
