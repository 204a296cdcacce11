import ArgumentParser
import Reports
import Runs

/// A result that is a table: `--csv` prints it with all digits, one kind of row, empty cells where there is nothing.
protocol TabularResult {
  /// The table.
  var table: CSVTable { get }
}

/// Titles and rows.
struct CSVTable {
  var columns: [String]
  var rows: [[String]]

  var text: String { CSVText.table(columns: columns, rows: rows) }
}

/// A result of which there are several, in one table.
protocol TabularItem {
  static func table(of items: [Self]) -> CSVTable
}

extension Array: TabularResult where Element: TabularItem {
  var table: CSVTable { Element.table(of: self) }
}

/// How a command that prints a table speaks to programs.
struct TableOptions: ParsableArguments {
  @Flag(help: "Print the table as comma-separated values on standard output, with all digits.")
  var csv = false
}

/// A command whose result is a table.
protocol TabularCommand: RunningCommand {
  var tableOptions: TableOptions { get }
}

extension TabularCommand {
  func validate() throws {
    if tableOptions.csv, output.json { throw ValidationError("--csv and --json both say how the result is printed; give one of them.") }
    try asArguments { try asked().validate() }
  }

  func run() throws { try output.show(asked(), asTable: tableOptions.csv) }
}
