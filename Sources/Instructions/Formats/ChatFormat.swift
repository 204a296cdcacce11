import StrictJSON

/// Conversations: `messages` of `role` and `content`, or ShareGPT's `conversations` of `from` and `value`. Every assistant turn carries
/// loss, or with the form `first-turn` the first.
struct ChatFormat: DatasetFormat {
  let name = "chat"
  let fields = ["messages"]
  let forms = ["all-turns", "first-turn"]
  let isChat = true

  func fits(_ record: Record) -> Bool {
    record["messages.0"]?.object != nil || record["conversations.0"]?.object != nil
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let messages = try messages(of: record, in: record.has("messages") ? "messages" : "conversations")
    var sample = Sample(record, messages: form == "first-turn" ? messages.firstExchange : messages)
    sample.instruction.id = try record.optionalText("id")
    return sample
  }
}
