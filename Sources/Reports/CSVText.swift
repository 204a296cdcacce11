/// Tables as comma-separated values (RFC 4180), for the program that reads a picture's numbers.
public enum CSVText {
  /// The table's text: a line of titles, then the rows; lines end in a line feed.
  public static func table(columns: [String], rows: [[String]]) -> String {
    ([columns] + rows).map { $0.map(quoted).joined(separator: ",") + "\n" }.joined()
  }

  /// The number with all its digits; empty where there is none.
  public static func number(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "" }
    return "\(value)"
  }

  private static func quoted(_ text: String) -> String {
    // By bytes: to Swift "\r\n" is one character that equals neither of its halves.
    let special: Set<UInt8> = [UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r")]
    guard text.utf8.contains(where: special.contains) else { return text }
    return "\"\(text.replacing("\"", with: "\"\""))\""
  }
}
