import Foundation
import StrictJSON

/// Functions with their documentation (Husain et al. 2019). JSON lines: `code`, `docstring`; on the hub: `func_code_string`,
/// `func_documentation_string`. The form `generation` asks for the function, `summary` for the documentation.
struct CodeSearchNetFormat: DatasetFormat {
  let name = "code-search-net"
  let fields = ["code", "docstring"]
  let forms = ["generation", "summary"]

  func fits(_ record: Record) -> Bool {
    (record.hasText("code") && record.hasText("docstring"))
      || (record.hasText("func_code_string") && record.hasText("func_documentation_string"))
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let isOriginal = record.has("code")
    let code = try record.filledText(isOriginal ? "code" : "func_code_string")
    let documentation = try record.filledText(isOriginal ? "docstring" : "func_documentation_string")
    let language = try record.optionalText("language")
    let derived: JSONObject = ["code": .string(code), "docstring": .string(documentation)]
    // Python functions hold their documentation, which would give the summary away.
    let sample =
      form == "summary"
      ? Sample(record, prompt: withoutDocumentation(code, language: language) + "\n", response: documentation, derived: derived)
      : Sample(record, prompt: documentation + "\n", response: code, derived: derived)
    let id = try record.optionalText(isOriginal ? "url" : "func_code_url")
    return sample.with {
      $0.id = id
      $0.tags = language.map { [$0] } ?? []
    }
  }

  /// A Python function without the lines of its first documentation string; other languages write it above the function.
  private func withoutDocumentation(_ code: String, language: String?) -> String {
    guard language?.lowercased() == "python" else { return code }
    let lines = code.components(separatedBy: "\n")
    for (index, line) in lines.enumerated() {
      let start = line.drop { $0 == " " || $0 == "\t" }.drop { "rRuUbB".contains($0) }
      guard let quote = ["\"\"\"", "'''"].first(where: { start.hasPrefix($0) }) else { continue }
      if start.dropFirst(3).contains(quote) { return (lines[..<index] + lines[(index + 1)...]).joined(separator: "\n") }
      guard let end = lines[(index + 1)...].firstIndex(where: { $0.contains(quote) }) else { return code }
      return (lines[..<index] + lines[(end + 1)...]).joined(separator: "\n")
    }
    return code
  }
}
