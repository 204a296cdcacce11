import Ground
import StrictJSON

/// Instructions in the layout of Stanford Alpaca (Taori et al. 2023): `instruction`, `input` (may be empty or absent), `output`, asked
/// with the two prompts of that project. Also LLaMA-Factory's files, GPTeacher, and the re-cast ARC of LLM-Adapters, whose `answer`
/// is the key.
struct AlpacaFormat: DatasetFormat {
  let name = "alpaca"
  let fields = ["instruction", "input", "output"]

  func fits(_ record: Record) -> Bool {
    record.hasText("instruction") && record.hasTextOrNumber("output")
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    if let history = record["history"]?.list, !history.isEmpty {
      throw record.error("history", "holds earlier turns, which this format does not read; turn the file into 'messages'")
    }
    let prompt = alpacaPrompt(try record.filledText("instruction"), input: try record.optionalText("input") ?? "")
    var sample = Sample(record, prompt: prompt, response: try record.text("output"))
    sample.instruction.id = try record.optionalText("id")
    sample.instruction.answer = try record.optionalText("answer").map(Answer.text)
    return sample
  }
}

/// Alpaca's prompt, in the form with an input where there is one.
func alpacaPrompt(_ instruction: String, input: String) -> String {
  input.isEmpty
    ? "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
      + "### Instruction:\n\(instruction)\n\n### Response:"
    : "Below is an instruction that describes a task, paired with an input that provides further context. "
      + "Write a response that appropriately completes the request.\n\n"
      + "### Instruction:\n\(instruction)\n\n### Input:\n\(input)\n\n### Response:"
}
