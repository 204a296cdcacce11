/// A table for the terminal, its columns aligned also where text is Chinese.
public struct TextTable: Sendable {
  /// Where a column's text stands.
  public enum Alignment: Sendable {
    case left, right
  }

  private var rows: [[String]]
  private let alignments: [Alignment]

  /// A table with these columns.
  public init(_ columns: [(title: String, alignment: Alignment)]) {
    rows = [columns.map(\.title)]
    alignments = columns.map(\.alignment)
  }

  /// Adds a row; missing cells are empty, surplus ones are left out.
  public mutating func add(_ row: [String]) {
    rows.append(alignments.indices.map { $0 < row.count ? row[$0] : "" })
  }

  /// The table as lines, with a rule under the titles and nothing after the last cell of a line.
  public var text: String {
    let clean = rows.map { row in row.map(Self.clean) }
    let widths = alignments.indices.map { column in clean.map { TextMeasure.columns($0[column]) }.max() ?? 0 }
    var lines = clean.map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - TextMeasure.columns(row[column]))
        return alignments[column] == .left ? row[column] + padding : padding + row[column]
      }.joined(separator: "  ")
    }
    lines.insert(widths.map { String(repeating: "─", count: $0) }.joined(separator: "  "), at: 1)
    return lines.map { line in
      String(line[..<(line.lastIndex { $0 != " " }.map { line.index(after: $0) } ?? line.startIndex)])
    }.joined(separator: "\n")
  }

  /// Without control characters, which could command the terminal.
  private static func clean(_ text: String) -> String {
    var kept = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      kept.append(scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value) ? "\u{fffd}" : scalar)
    }
    return String(kept)
  }
}
