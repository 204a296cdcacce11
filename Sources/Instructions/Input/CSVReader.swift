import Ground
import StrictJSON

/// A table of values separated by commas (RFC 4180), semicolons or tabs: quoted cells may hold separators, line breaks and doubled quotes. All
/// values are text.
///
/// Tables with tabs are also published without any quoting: there a quote that does not close at a cell's end is one like any other character.
struct CSVReader: RecordReader {
  private var lines: LineReader
  private let delimiter: UInt8
  private let name: String
  private var columns: [String]?
  private var pending: Row?

  /// A row of cells and the line on which it starts.
  struct Row {
    var cells: [String]
    var line: Int
  }

  init(_ source: any ByteSource, name: String, delimiter: UInt8 = UInt8(ascii: ",")) {
    lines = LineReader(source, name: name, keepsCarriageReturns: true)
    self.name = name
    self.delimiter = delimiter
  }

  /// How many cells the first rows have; a row that is broken ends the list.
  static func rowSizes(of bytes: [UInt8], delimiter: UInt8, limit: Int) -> [Int] {
    var reader = CSVReader(MemoryBytes(bytes), name: "", delimiter: delimiter)
    var sizes: [Int] = []
    while sizes.count < limit, let row = try? reader.row() { sizes.append(row.cells.count) }
    return sizes
  }

  mutating func next() throws(DataError) -> Record? {
    if columns == nil { try settleColumns() }
    var upcoming = pending
    pending = nil
    if upcoming == nil { upcoming = try row() }
    guard let row = upcoming, let columns else { return nil }
    let place = RecordPlace(file: name, number: row.line)
    guard row.cells.count == columns.count else {
      throw .record(place, problem: "the row has \(row.cells.count) cells where the table has \(columns.count) columns")
    }
    return Record(fields: JSONObject(zip(columns, row.cells).map { JSONObject.Field($0, .string($1)) }), place: place)
  }

  /// The columns are the first row's names. MMLU is published without such a row: six cells, the last a letter.
  private mutating func settleColumns() throws(DataError) {
    guard let first = try row() else {
      columns = []
      return
    }
    let letters = ["A", "B", "C", "D"]
    if first.cells.count == 6, letters.contains(first.cells[5]), Array(first.cells[2...]) != letters {
      columns = ["question"] + letters + ["answer"]
      pending = first
      return
    }
    var seen: Set<String> = []
    for (index, cell) in first.cells.enumerated() where !seen.insert(cell).inserted {
      throw .file("\(name):\(first.line)", problem: "the name '\(cell)' heads two columns (the second is column \(index + 1))")
    }
    columns = first.cells
  }

  /// The next row that is not blank.
  private mutating func row() throws(DataError) -> Row? {
    while let line = try lines.next() {
      if isEnd(0, of: line) { continue }
      let number = lines.lineNumber
      return Row(cells: try cells(of: line, startingAt: number), line: number)
    }
    return nil
  }

  /// Whether nothing stands at or behind the index but the carriage return of the line's end.
  private func isEnd(_ index: Int, of line: [UInt8]) -> Bool {
    index >= line.count || (index == line.count - 1 && line[index] == 0x0D)
  }

  /// Whether the quote at the index opens a quoted cell. Between tabs it only does where what closes it stands at the cell's end.
  private func opensQuotedCell(_ index: Int, of line: [UInt8]) -> Bool {
    guard delimiter == UInt8(ascii: "\t") else { return true }
    var index = index + 1
    while index < line.count {
      guard line[index] == UInt8(ascii: "\"") else {
        index += 1
        continue
      }
      guard index + 1 < line.count, line[index + 1] == UInt8(ascii: "\"") else {
        return isEnd(index + 1, of: line) || line[index + 1] == delimiter
      }
      index += 2
    }
    return true
  }

  /// Splits a line into cells, reading on where a quoted cell goes over the line's end.
  private mutating func cells(of line: [UInt8], startingAt number: Int) throws(DataError) -> [String] {
    let place = RecordPlace(file: name, number: number)
    var cells: [String] = []
    var line = line
    var size = line.count
    var cell: [UInt8] = []
    var index = 0
    while true {
      cell.removeAll(keepingCapacity: true)
      if index < line.count, line[index] == UInt8(ascii: "\""), opensQuotedCell(index, of: line) {
        index += 1
        quoted: while true {
          guard index < line.count else {
            guard let more = try lines.next() else { throw .record(place, problem: "a quoted cell is not closed by '\"'") }
            size += more.count + 1
            guard size <= RecordLimits.bytes else {
              throw .file(
                name, problem: "the row that starts on line \(number) is larger than \(RecordLimits.bytes >> 20) MiB; is a quote left open?"
              )
            }
            cell.append(0x0A)
            line = more
            index = 0
            continue
          }
          let byte = line[index]
          index += 1
          if byte != UInt8(ascii: "\"") {
            cell.append(byte)
          } else if index < line.count, line[index] == UInt8(ascii: "\"") {
            cell.append(byte)
            index += 1
          } else {
            break quoted
          }
        }
        guard isEnd(index, of: line) || line[index] == delimiter else {
          throw .record(place, problem: "cell \(cells.count + 1) goes on behind its closing quote")
        }
      } else {
        while !isEnd(index, of: line), line[index] != delimiter {
          cell.append(line[index])
          index += 1
        }
      }
      guard cells.count < RecordLimits.cells else {
        throw .file(name, problem: "the row on line \(number) has more than \(RecordLimits.cells) cells")
      }
      do throws(ForeignText.Problem) {
        cells.append(try foreignText(cell))
      } catch {
        throw .record(place, problem: "cell \(cells.count + 1) \(problem(error, of: cell, in: name))")
      }
      if isEnd(index, of: line) { return cells }
      index += 1
    }
  }
}
