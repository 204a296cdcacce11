import Foundation
import Ground
import StrictJSON

/// Prompts to continue: JSON lines, each a text or an object with a text under `prompt`.
enum PromptFile {
  /// The prompts of a file, blank lines left out.
  /// - Throws: `FileError` where it cannot be read, `RunError` with the line that is no prompt.
  static func texts(of url: URL) throws -> [String] {
    let path = url.path(percentEncoded: false)
    let bytes = try InputFile.contents(of: url, limit: 1 << 30)
    var texts: [String] = []
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      guard line.contains(where: { !" \t\r".utf8.contains($0) }) else { continue }
      let value: JSONValue
      do throws(JSONError) { value = try JSONParser().parse(line) } catch {
        throw RunError("\(path):\(index + 1) is not JSON: \(error); a line of prompts is a JSON string or an object with 'prompt'")
      }
      guard let text = value.string ?? value.object?["prompt"]?.string else {
        throw RunError("\(path):\(index + 1) is neither a JSON string nor an object with a text under 'prompt'; correct the line")
      }
      texts.append(text)
    }
    return texts
  }
}
