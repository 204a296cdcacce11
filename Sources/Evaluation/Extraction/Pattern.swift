import Foundation

/// A regular expression, compiled once, that reads text as the evaluators' Python does: `.` stops at a line feed only, and `$` stands at the
/// end or before a last line feed.
struct Pattern: Sendable {
  private let expression: NSRegularExpression

  /// - Parameter pattern: written into the program, so that one that does not compile is a fault of the program.
  init(_ pattern: String, dotMatchesLines: Bool = false) {
    do {
      let lines: NSRegularExpression.Options = dotMatchesLines ? .dotMatchesLineSeparators : []
      expression = try NSRegularExpression(pattern: pattern, options: [.useUnixLineSeparators, lines])
    } catch {
      preconditionFailure("the pattern \(pattern) does not compile: \(error)")
    }
  }

  /// What the whole pattern and its groups matched; a group that took no part is nil.
  typealias Match = [String?]

  /// The first match.
  func first(in text: String) -> Match? {
    let whole = text as NSString
    return expression.firstMatch(in: text, range: NSRange(location: 0, length: whole.length)).map { groups($0, of: whole) }
  }

  /// All matches that do not overlap, from the left.
  func all(in text: String) -> [Match] {
    let whole = text as NSString
    return expression.matches(in: text, range: NSRange(location: 0, length: whole.length)).map { groups($0, of: whole) }
  }

  /// The text with every match replaced; `$1` in the template is a group.
  func replacing(in text: String, by template: String) -> String {
    expression.stringByReplacingMatches(in: text, range: NSRange(location: 0, length: (text as NSString).length), withTemplate: template)
  }

  private func groups(_ match: NSTextCheckingResult, of text: NSString) -> Match {
    (0..<match.numberOfRanges).map { group in
      let range = match.range(at: group)
      return range.location == NSNotFound ? nil : text.substring(with: range)
    }
  }
}
