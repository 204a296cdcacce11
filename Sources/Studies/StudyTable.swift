import Foundation
import Reports

/// Numbers of a study: one table is a file `tables/NAME.csv`, a table of the report, and an entry of `study.json`.
public struct StudyTable: Codable, Sendable, Hashable {
  /// A column.
  public struct Column: Codable, Sendable, Hashable {
    /// Its key in files.
    public var name: String
    /// Its title on the page.
    public var title: String
    /// The decimals of its numbers on the page; nil for texts.
    public var decimals: Int?

    /// A column of numbers.
    static func number(_ name: String, _ title: String? = nil, decimals: Int = 3) -> Column {
      Column(name: name, title: title ?? name.replacing("_", with: " "), decimals: decimals)
    }

    /// A column of texts.
    static func text(_ name: String, _ title: String? = nil) -> Column {
      Column(name: name, title: title ?? name.replacing("_", with: " "), decimals: nil)
    }
  }

  /// A cell.
  public enum Cell: Codable, Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    case text(String)
    case number(Double)
    case nothing

    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .number(Double(value)) }

    /// A number, or nothing.
    init(_ value: Double?) { self = value.map { $0.isFinite ? .number($0) : .nothing } ?? .nothing }
    /// A whole number.
    init(_ value: Int) { self = .number(Double(value)) }
    /// A text.
    init(_ value: String) { self = .text(value) }

    /// Reads a number, a text, or null as nothing.
    public init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if value.decodeNil() {
        self = .nothing
      } else if let number = try? value.decode(Double.self) {
        self = .number(number)
      } else {
        self = .text(try value.decode(String.self))
      }
    }

    /// Writes a number, a text, or null for nothing.
    public func encode(to encoder: any Encoder) throws {
      var value = encoder.singleValueContainer()
      switch self {
      case .text(let text): try value.encode(text)
      case .number(let number): try value.encode(number)
      case .nothing: try value.encodeNil()
      }
    }
  }

  /// Its name: `table-2`, `figure-4-pairs`.
  public var name: String
  /// What it shows.
  public var title: String
  /// The columns.
  public var columns: [Column]
  /// The rows, a cell for each column.
  public var rows: [[Cell]]

  init(_ name: String, _ title: String, _ columns: [Column], _ rows: [[Cell]] = []) {
    self.name = name
    self.title = title
    self.columns = columns
    self.rows = rows
  }

  /// The table as comma-separated values.
  var csv: String {
    CSVText.table(
      columns: columns.map(\.name),
      rows: rows.map { row in
        zip(row, columns).map { cell, column in
          switch cell {
          case .text(let text): text
          case .number(let number):
            column.decimals == 0 && abs(number) < 1e15 && number == number.rounded() ? "\(Int(number))" : CSVText.number(number)
          case .nothing: ""
          }
        }
      })
  }

  /// The table on a page. Columns `NAME_low` and `NAME_high` stand in brackets behind `NAME`, or by themselves where there is none. A text that is the same in
  /// every row stands in the title.
  var onPage: ReportPage.Table {
    let keys = columns.map(\.name)
    /// The place of the column that goes with another: `corrected_high` with `corrected_low`.
    func partner(_ index: Int, _ ending: String, _ other: String) -> Int? {
      keys[index].hasSuffix(ending) ? keys.firstIndex(of: keys[index].dropLast(ending.count) + other) : nil
    }
    let shared =
      rows.count < 2 ? [] : columns.indices.filter { index in columns[index].decimals == nil && Set(rows.map { $0[index] }).count == 1 }
    let shown = columns.indices.filter { index in
      partner(index, "_low", "") == nil && partner(index, "_high", "") == nil && partner(index, "_high", "_low") == nil
        && !shared.contains(index)
    }
    func text(_ cell: Cell, _ decimals: Int?) -> String {
      switch cell {
      case .text(let text): text
      case .number(let number):
        if number == number.rounded(), decimals == 0 {
          "\(Int(number))"
        } else if let decimals, abs(number) >= 1e-3 || number == 0, abs(number) < 1e7 {
          NumberText.fixed(number, decimals: decimals)
        } else {
          NumberText.short(number)
        }
      case .nothing: ""
      }
    }
    let common = shared.compactMap { if case .text(let text) = rows[0][$0], !text.isEmpty { text } else { nil } }
    return ReportPage.Table(
      title: ([title] + common).joined(separator: "; "), columns: shown.map { (columns[$0].title, columns[$0].decimals != nil) },
      rows: rows.map { row in
        shown.map { index in
          guard index < row.count else { return "" }
          let value = text(row[index], columns[index].decimals)
          if let high = partner(index, "_low", "_high") {
            return row[index] == .nothing ? "" : "[\(value), \(text(row[high], columns[high].decimals))]"
          }
          guard let low = keys.firstIndex(of: "\(keys[index])_low"), let high = keys.firstIndex(of: "\(keys[index])_high"), low < row.count,
            high < row.count, row[low] != .nothing, row[high] != .nothing
          else { return value }
          return "\(value) [\(text(row[low], columns[index].decimals)), \(text(row[high], columns[index].decimals))]"
        }
      }
    ).withoutEmptyColumns
  }
}

/// A picture of a study, `figures/NAME.svg`.
struct StudyFigure: Sendable {
  var name: String
  var chart: any Chart & Sendable
  var caption: String
  /// The table of its numbers.
  var table: String?
}

/// What a table or figure of the paper comes to in a study.
struct StudyFindings: Sendable {
  /// What to say first.
  var paragraphs: [String] = []
  var tables: [StudyTable] = []
  /// Tables that are too long for the page, and of which a figure shows all.
  var filesOnly: [StudyTable] = []
  var figures: [StudyFigure] = []
  /// Verdicts by table, model and measure.
  var verdicts: [StudyVerdicts] = []
}

/// The verdicts on arms that were judged together.
public struct StudyVerdicts: Codable, Sendable, Hashable {
  /// `table-2`.
  public var table: String
  /// The model.
  public var model: String
  /// The target, or the targets' mean.
  public var target: String
  /// `accuracy` or `loss`.
  public var measure: String
  /// How many samples were chosen; nil where arms do not differ in that.
  public var choose: Int?
  /// The arms.
  public var arms: [Verdict]
}

/// What a study found: `study.json`.
public struct StudyResult: Codable, Sendable, Hashable {
  /// The study's name.
  public var name: String
  /// The page.
  public var report: String
  /// Every table, and the numbers of every figure.
  public var tables: [StudyTable]
  /// Every verdict.
  public var verdicts: [StudyVerdicts]
  /// Steps of the plan.
  public var steps: Int
  /// Floating-point operations of all steps, estimated.
  public var operations: Double

  /// A table by its name.
  public func table(_ name: String) -> StudyTable? { tables.first { $0.name == name } }
}
