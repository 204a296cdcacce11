/// What separates the cells of a table, by its first rows.
struct TableShape {
  /// The byte between cells: a comma, a tab or a semicolon.
  let delimiter: UInt8
  /// Whether the rows are those of a table: at least two, and of as many cells each, two or more.
  let isTable: Bool

  private static let rows = 16

  /// - Parameter head: the first bytes of a file.
  init(of head: [UInt8]) {
    // The last line may be cut off in the middle.
    let end = head.count < FileBytes.chunkSize ? head.count : (head.lastIndex(of: 0x0A) ?? head.count)
    let whole = Array(head[..<end])
    var fallback: UInt8?
    for delimiter in [UInt8(ascii: ","), UInt8(ascii: "\t"), UInt8(ascii: ";")] {
      let sizes = CSVReader.rowSizes(of: whole, delimiter: delimiter, limit: Self.rows)
      guard let first = sizes.first, first > 1 else { continue }
      if sizes.count > 1, sizes.allSatisfy({ $0 == first }) {
        self.delimiter = delimiter
        isTable = true
        return
      }
      fallback = fallback ?? delimiter
    }
    delimiter = fallback ?? UInt8(ascii: ",")
    isTable = false
  }
}
