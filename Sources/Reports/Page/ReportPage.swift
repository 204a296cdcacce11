internal import Mustache

/// One self-contained HTML page of tables, pictures and the settings behind them, with an explorer where there is something to explore. It opens from
/// disk and needs no network: a content policy in the page itself forbids it to load anything.
public struct ReportPage: Sendable {
  /// A table whose rows a reader sorts by clicking on a column's title.
  public struct Table: Sendable {
    /// What it shows; empty for none.
    public var title: String
    /// The titles of the columns, and whether each holds numbers.
    public var columns: [(title: String, isNumber: Bool)]
    /// The rows, a text for each column.
    public var rows: [[String]]

    /// A table.
    public init(title: String = "", columns: [(title: String, isNumber: Bool)], rows: [[String]]) {
      self.title = title
      self.columns = columns
      self.rows = rows
    }

    /// The table without the columns that are empty in every row.
    public var withoutEmptyColumns: Table {
      let kept = columns.indices.filter { column in rows.contains { column < $0.count && !$0[column].isEmpty } }
      return Table(
        title: title, columns: kept.map { columns[$0] }, rows: rows.map { row in kept.map { $0 < row.count ? row[$0] : "" } })
    }
  }

  /// A picture and where its numbers are.
  public struct Picture: Sendable {
    /// The SVG document, made by this library.
    var svg: String
    /// What to say below it; empty for nothing.
    public var caption: String
    /// What the pointer does on it, which paper leaves out; empty for nothing.
    var hint: String
    /// The file of its numbers, relative to the page; nil for none.
    public var numbers: String?

    /// A picture of a chart.
    public init(_ chart: some Chart, caption: String = "", numbers: String? = nil) {
      svg = chart.svg()
      self.caption = caption
      hint = chart.hint
      self.numbers = numbers
    }
  }

  /// A part of the page.
  public struct Section: Sendable {
    /// Its heading.
    public var title: String
    /// What to say first.
    public var paragraphs: [String]
    /// Its tables.
    public var tables: [Table]
    /// Its pictures.
    public var pictures: [Picture]
    /// The settings and fingerprints behind it, folded away until asked for.
    public var settings: [Table]

    /// A part of the page.
    public init(
      title: String, paragraphs: [String] = [], tables: [Table] = [], pictures: [Picture] = [], settings: [Table] = []
    ) {
      self.title = title
      self.paragraphs = paragraphs
      self.tables = tables
      self.pictures = pictures
      self.settings = settings
    }
  }

  /// The page's heading.
  public var title: String
  /// A line below it; empty for none.
  public var subtitle: String
  /// What was measured and found, a paragraph each, for those who read no further.
  public var summary: [String]
  /// What a reader can go through from tasks to tokens; nil for nothing.
  public var explorer: HeadExplorer?
  /// The parts, in order.
  public var sections: [Section]

  /// A page.
  public init(title: String, subtitle: String = "", summary: [String] = [], explorer: HeadExplorer? = nil, sections: [Section]) {
    self.title = title
    self.subtitle = subtitle
    self.summary = summary
    self.explorer = explorer
    self.sections = sections
  }

  /// The page as HTML. All text is escaped.
  /// - Throws: `EncodingError` where the explorer holds a number that is not finite; an error of the template library would be a fault of ours.
  public func html() throws -> String {
    // Escaping is done here, for the characters that XML forbids as well as for markup, so the template takes text as it is.
    var context: [String: Any] = [
      "title": title.escapedForMarkup, "subtitle": subtitle.escapedForMarkup, "summary": summary.map(\.escapedForMarkup),
      "style": PageStyle.whole, "script": PageScript.whole,
      "contents": sections.enumerated().map { index, section in
        ["anchor": "part\(index + 1)", "title": section.title.escapedForMarkup]
      },
      "sections": sections.enumerated().map { index, section in self.context(section, index) },
    ]
    if let explorer, !explorer.isEmpty {
      context["explorer"] = ["data": try explorer.json(), "charts": ChartStyle.sheet(scales: ColorScale.Kind.allCases)]
    }
    return try MustacheTemplate(string: ReportTemplate.page).render(context)
  }

  private func context(_ section: Section, _ index: Int) -> [String: Any] {
    [
      "anchor": "part\(index + 1)", "title": section.title.escapedForMarkup,
      "paragraphs": section.paragraphs.map(\.escapedForMarkup), "tables": section.tables.map(Self.context),
      "pictures": section.pictures.map { picture -> [String: Any] in
        var context: [String: Any] = ["svg": picture.svg, "caption": picture.caption.escapedForMarkup]
        if !picture.hint.isEmpty { context["hint"] = picture.hint.escapedForMarkup }
        if let numbers = picture.numbers { context["numbers"] = ["address": Self.address(numbers), "name": numbers.escapedForMarkup] }
        return context
      },
      "hasSettings": !section.settings.isEmpty, "settings": section.settings.map(Self.context),
    ]
  }

  /// The most characters of a text that stays on one line where there is room to scroll.
  private static let shortText = 32

  private static func context(_ table: Table) -> [String: Any] {
    let kinds = table.columns.indices.map { column in
      if table.columns[column].isNumber { return "number" }
      return table.rows.allSatisfy { column >= $0.count || $0[column].count <= shortText } ? "text short" : "text"
    }
    return [
      "title": table.title.escapedForMarkup,
      "columns": table.columns.map { ["title": $0.title.escapedForMarkup, "kind": $0.isNumber ? "number" : "text"] },
      "rows": table.rows.map { row in
        [
          "cells": table.columns.indices.map { column in
            [
              "text": (column < row.count ? row[column] : "").escapedForMarkup, "kind": kinds[column],
            ]
          }
        ]
      },
    ]
  }

  /// A relative address: every byte but letters, digits and a few marks escaped, so that no name is taken for a scheme or query.
  static func address(_ path: String) -> String {
    path.utf8.map { byte in
      let isPlain =
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/")].contains(byte)
      let digits = String(byte, radix: 16, uppercase: true)
      return isPlain ? String(UnicodeScalar(byte)) : "%\(digits.count == 1 ? "0" : "")\(digits)"
    }.joined()
  }
}
