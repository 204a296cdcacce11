import Foundation
import StrictJSON

/// Competition problems (Hendrycks et al. 2021): `problem`, `solution`, `level`, `type` (or `subject`), and in some editions `answer`.
/// Published as a folder of one JSON file a problem, as JSON lines, and as Parquet.
struct MATHFormat: DatasetFormat {
  let name = "math"
  let fields = ["problem", "solution"]

  func fits(_ record: Record) -> Bool {
    record.hasText("problem") && record.hasText("solution")
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let problem = try record.filledText("problem")
    let solution = try record.filledText("solution")
    let subject = try record.firstText(of: "type", "subject")
    let level = try record.optionalText("level")
    let answer = try record.firstText(of: "answer") ?? lastBoxed(in: solution)
    var sample = Sample(record, prompt: "Problem: \(problem)\nSolution: ", response: solution)
    sample.instruction.id = try record.firstText(of: "unique_id", "idx")
    // PRM800K's edition writes the level as the bare number.
    sample.instruction.tags = [subject, level.map { Int($0) == nil ? $0 : "Level \($0)" }].compactMap(\.self)
    sample.instruction.answer = answer.map(Answer.text)
    return sample
  }
}

/// What stands in the last `\boxed{…}` (or `\fbox{…}`) of a LaTeX text, its inner braces balanced; for the form without braces
/// (`\boxed 5$`), what stands before the next `$`. Nil where there is none.
public func lastBoxed(in text: String) -> String? {
  let bytes = Array(text.utf8)
  let commands = [Array(#"\boxed"#.utf8), Array(#"\fbox"#.utf8)]
  var index = bytes.count - 1
  while index >= 0 {
    if bytes[index] == UInt8(ascii: "\\"), let command = commands.first(where: { bytes[index...].starts(with: $0) }) {
      return argument(in: bytes, from: index + command.count)
    }
    index -= 1
  }
  return nil
}

private func argument(in bytes: [UInt8], from start: Int) -> String? {
  guard start < bytes.count else { return nil }
  guard bytes[start] == UInt8(ascii: "{") else {
    let end = bytes[start...].firstIndex(of: UInt8(ascii: "$")) ?? bytes.count
    return String(decoding: bytes[start..<end], as: UTF8.self).trimmingCharacters(in: .whitespaces)
  }
  var depth = 0
  for index in start..<bytes.count {
    if bytes[index] == UInt8(ascii: "{") { depth += 1 }
    if bytes[index] == UInt8(ascii: "}") {
      depth -= 1
      if depth == 0 { return String(decoding: bytes[(start + 1)..<index], as: UTF8.self) }
    }
  }
  return nil
}
