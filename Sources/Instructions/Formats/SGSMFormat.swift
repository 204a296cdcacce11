import Ground
import Foundation
import StrictJSON

/// Grade-school problems solved by Python programs (Christ et al. 2024): Alpaca's fields, with `output` =
/// `Question: …\nSolution:\n` and then the program. The question is the prompt, not the instruction, which is the same for all.
struct SGSMFormat: DatasetFormat {
  let name = "sgsm"
  let fields = ["instruction", "output"]
  let refines = ["alpaca"]

  func fits(_ record: Record) -> Bool {
    record.hasText("instruction") && record["output"]?.string.map { parts(of: $0) != nil && $0.contains("def solution()") } ?? false
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let output = try record.filledText("output")
    guard let (question, program) = parts(of: output) else {
      throw record.error("output", "does not have the form 'Question: …', a line 'Solution:', and the program")
    }
    return Sample(
      record, prompt: "Question: \(question)\nSolution:\n", response: program,
      derived: ["question": .string(question), "program": .string(program)])
  }

  private func parts(of output: String) -> (question: String, program: String)? {
    guard output.hasPrefix("Question:"), let mark = output.range(of: "\nSolution:\n") else { return nil }
    let question = output[..<mark.lowerBound].dropFirst("Question:".count).drop { $0 == " " }
    let program = output[mark.upperBound...]
    return question.isEmpty || program.isEmpty ? nil : (String(question), String(program))
  }
}
