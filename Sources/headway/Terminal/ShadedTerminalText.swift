import Foundation
import Ground
import Reports
import Runs

/// Samples token by token for a terminal: shaded where it has colours, and in any case with the strongest tokens in words.
struct ShadedTerminalText {
  /// What standard output shows.
  let text: String
  /// How many tokens are named.
  private static let named = 8

  init(_ result: ExplainResult, usesColors: Bool) {
    var text = ""
    for sample in result.samples {
      for head in sample.heads {
        text += "\(Self.heading(sample, head).terminalLine)\n"
        text += Self.passage(sample, head, usesColors: usesColors) + "\n"
        text += Self.strongest(sample, head) + "\n\n"
      }
    }
    self.text = text
  }

  private static func heading(_ sample: SampleTokens, _ head: SampleTokens.Head) -> String {
    let rank = head.rank.map { ", number \($0) of this head" } ?? ""
    return
      "head \(head.layer):\(head.head), sample \(sample.id)\(rank): signed level \(NumberText.short(head.level, digits: 3)), loss \(NumberText.fixed(sample.loss, decimals: 3))"
  }

  private static func passage(_ sample: SampleTokens, _ head: SampleTokens.Head, usesColors: Bool) -> String {
    guard usesColors else { return sample.texts.joined().terminalText }
    let greatest = head.signed.lazy.map(abs).max() ?? 0
    return zip(sample.texts, head.signed).map { text, value in
      // A shade does not run on behind the end of a line.
      text.terminalText.split(separator: "\n", omittingEmptySubsequences: false).map { shaded(String($0), value, of: greatest) }
        .joined(separator: "\n")
    }.joined()
  }

  /// Blue below zero, orange above, from the terminal's 256 colours.
  private static func shaded(_ text: String, _ value: Float, of greatest: Float) -> String {
    let shades = value < 0 ? [189, 153, 111, 75, 69, 26] : [230, 223, 216, 209, 202, 166]
    let step = greatest > 0 ? Int((abs(value) / greatest * Float(shades.count)).rounded()) : 0
    guard step > 0, !text.isEmpty else { return text }
    return "\u{1B}[48;5;\(shades[step - 1]);38;5;\(step > 4 ? 231 : 16)m\(text)\u{1B}[0m"
  }

  /// The tokens that have the most of the level, which need no colour.
  private static func strongest(_ sample: SampleTokens, _ head: SampleTokens.Head) -> String {
    let whole = head.signed.reduce(0) { $0 + Double(abs($1)) }
    let order = head.signed.indices.sorted { (abs(head.signed[$1]), $0) < (abs(head.signed[$0]), $1) }.prefix(named)
    return "  most at: "
      + order.map { place in
        let share = whole > 0 ? 100 * Double(abs(head.signed[place])) / whole : 0
        return
          "\(place) '\(sample.texts[place].terminalLine)' \(NumberText.short(Double(head.signed[place]), digits: 2)) (\(NumberText.fixed(share, decimals: 0))%)"
      }.joined(separator: ", ")
  }
}
