import Ground
import Foundation
import Runs

extension DataSummary: ReadableResult {
  var notes: [String] { written.map { ["\(count) samples written to \($0)"] } ?? [] }

  var text: String {
    let named = files.count == 1 ? files[0] : "\(files.count) files"
    var lines = [
      "\(named): \(count) samples, format \(format)\(recognised ? " (recognised by its fields)" : "")",
      "prompts by  \(template)",
    ]
    let left = [
      (unanswered, "without a published answer"), (skipped, "bad records passed over"), (filtered, "left out by the filter"),
      (duplicates, "duplicates left out"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    if !left.isEmpty { lines.append("of these    \(left.joined(separator: ", "))") }
    if let promptCharacters { lines.append("prompt      \(promptCharacters.text) characters") }
    if let responseCharacters { lines.append("response    \(responseCharacters.text) characters") }
    if let tokens {
      lines.append("tokens      \(tokens.text), \(tokens.total) in all, \(aboveMaxLength ?? 0) samples above \(maximumLength)")
      lines += tokens.bars
    }
    for (label, names) in [("tasks", tasks), ("languages", languages), ("tags", tags), ("categories", categories)] where !names.isEmpty {
      let sorted = names.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      let shown = sorted.prefix(20).map { "\($0.key.terminalLine.excerpt(200)) \($0.value)" }.joined(separator: ", ")
      let label = label.padding(toLength: 12, withPad: " ", startingAt: 0)
      lines.append(label + shown + (sorted.count > 20 ? " and \(sorted.count - 20) more" : ""))
    }
    return (lines + samples.flatMap(\.lines)).joined(separator: "\n")
  }
}

extension DataSummary.Lengths {
  fileprivate var text: String { "\(min) to \(max), median \(median), mean \(String(format: "%.1f", mean))" }

  /// The histogram, a bar a line.
  fileprivate var bars: [String] {
    let bars = histogram.filter { $0.count == 3 }
    let most = bars.map { $0[2] }.max() ?? 1
    let width = bars.map { "\($0[1] - 1)".count }.max() ?? 1
    return bars.map { bar in
      let range = String(repeating: " ", count: width - "\(bar[0])".count) + "\(bar[0])–\(bar[1] - 1)"
      let padded = range.padding(toLength: 2 * width + 1, withPad: " ", startingAt: 0)
      // A bar that is not empty shows at least a mark.
      let marks = bar[2] == 0 ? 0 : Swift.max(1, Int((Double(bar[2]) * 40 / Double(Swift.max(1, most))).rounded()))
      return "            \(padded)  \(String(repeating: "█", count: marks)) \(bar[2])"
    }
  }
}

extension DataSummary.Sample {
  /// Prompt and response visibly apart: every line says by its first mark which text it belongs to, and where a text ends.
  fileprivate var lines: [String] {
    var title = "── sample \(index)"
    if let id { title += "  id \(id.terminalLine.excerpt(200))" }
    if !tags.isEmpty { title += "  [\(tags.joined(separator: ", ").terminalLine.excerpt(200))]" }
    if let answer { title += "  answer \(answer.terminalLine.excerpt(200))" }
    if let option, options.indices.contains(option) { title += "  answer \(options[option].terminalLine.excerpt(200))" }
    var lines = ["", title] + Self.lines(of: prompt, mark: "│ ")
    if let response {
      if !response.isEmpty { lines += Self.lines(of: response, mark: "▶ ") }
    } else {
      lines.append("▶ (no published answer)")
    }
    for turn in turns where turn.count == 2 && !turn[1].isEmpty {
      lines += Self.lines(of: turn[1], mark: turn[0] == "assistant" ? "▶ " : "│ ")
    }
    return lines
  }

  private static func lines(of text: String, mark: String) -> [String] {
    // By scalars: "\r\n" is one character, and one without a line feed in it as far as searching goes.
    let parts = text.excerpt(2000).unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    return parts.enumerated().map { mark + String($1) + ($0 == parts.count - 1 ? "¶" : "") }
  }
}
