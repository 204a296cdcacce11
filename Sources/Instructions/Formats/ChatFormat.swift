import StrictJSON

/// Conversations: `messages` of `role` and `content`, ShareGPT's `conversations` of `from` and `value`, or TRL's `prompt` and `completion`,
/// both lists of messages. Every assistant turn (of TRL's, every one of the completion) carries loss, or with the form `first-turn` the first.
struct ChatFormat: DatasetFormat {
  let name = "chat"
  let fields = ["messages"]
  let forms = ["all-turns", "first-turn"]
  let isChat = true

  func fits(_ record: Record) -> Bool {
    record["messages.0"]?.object != nil || record["conversations.0"]?.object != nil || isCompletion(record)
  }

  private func isCompletion(_ record: Record) -> Bool { record["prompt.0"]?.object != nil && record["completion"]?.list != nil }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let messages =
      if !record.has("messages"), !record.has("conversations"), record["prompt"]?.list != nil, record.has("completion") {
        try promptAndCompletion(of: record)
      } else {
        try messages(of: record, in: record.has("messages") ? "messages" : record.has("conversations") ? "conversations" : "messages")
      }
    var sample = Sample(record, messages: form == "first-turn" ? messages.firstExchange : messages)
    sample.instruction.id = try record.optionalText("id")
    return sample
  }
}
