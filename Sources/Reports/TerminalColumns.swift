/// How wide text is in a terminal: East Asian characters and emoji take two columns.
public enum TerminalColumns {
  /// The columns that a text takes.
  public static func count(_ text: String) -> Int { TextMeasure.columns(text) }

  /// The text, cut where it is wider than so many columns, an ellipsis in the last.
  public static func cut(_ text: String, to columns: Int) -> String {
    guard count(text) > columns else { return text }
    var kept = ""
    var left = columns - 1
    for character in text {
      left -= TextMeasure.columns(character)
      guard left >= 0 else { break }
      kept.append(character)
    }
    return columns > 0 ? kept + "…" : ""
  }
}
