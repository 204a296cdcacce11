import Ground
import Foundation

/// One data file: where it is, and what kind of file its bytes say it is.
struct DataFile: Sendable, Hashable {
  var url: URL
  /// The file's name in messages: its path as the user gave it.
  var name: String
  /// Whether the bytes came through a pipe, so that no name says what they are.
  var isPiped: Bool

  init(_ url: URL, name: String? = nil, isPiped: Bool = false) {
    self.url = url
    self.name = name ?? url.relativePath
    self.isPiped = isPiped
  }

  /// The last component of the name without `.gz`, in lower case.
  var plainName: String {
    let last = (name.split(separator: "/").last.map(String.init) ?? name).lowercased()
    return last.hasSuffix(".gz") ? String(last.dropLast(3)) : last
  }

  /// What a file holds.
  enum Kind: Sendable, Hashable {
    case jsonLines
    case jsonDocument
    /// Rows of cells with this byte between them.
    case table(delimiter: UInt8)
    case text
    case parquet
  }

  /// Opens the file for reading records.
  /// - Parameter unit: what makes a record, should it be plain text.
  func records(unit: TextUnit) throws(DataError) -> any RecordReader {
    let (kind, source) = try opened()
    switch kind {
    case .parquet: return try ParquetReader(url, name: name)
    case .jsonLines: return JSONLinesReader(source, name: name)
    case .jsonDocument: return JSONDocumentReader(source, name: name)
    case .table(let delimiter): return CSVReader(source, name: name, delimiter: delimiter)
    case .text: return TextReader(source, name: name, unit: unit)
    }
  }

  /// What the file holds; its extension is a hint, its first bytes decide.
  func kind() throws(DataError) -> Kind { try opened().kind }

  private func opened() throws(DataError) -> (kind: Kind, source: any ByteSource) {
    let file = try FileBytes(url, name: name)
    let (head, source) = try DataFile.unpacked(file, name: name)
    if head.starts(with: "PAR1".utf8) {
      // Parquet is read from its end, which a gzip stream does not let one do.
      guard source === file else {
        throw .file(name, problem: "is Parquet inside gzip; unpack it with gunzip (Parquet is packed by itself)")
      }
      return (.parquet, file)
    }
    guard !head.isEmpty else { throw .file(name, problem: "is empty; it should hold at least one record") }
    if let encoding = ForeignEncoding.wide(head) {
      let conversion = ForeignEncoding.conversion(of: name, from: encoding)
      throw .file(name, problem: "is \(String(encoding.prefix(6))) and not UTF-8; \(conversion)")
    }
    return (try kind(of: head), RewoundBytes(head: head, rest: source))
  }

  /// Reads the first bytes of a source, through gzip where it is packed.
  private static func unpacked(_ file: FileBytes, name: String) throws(DataError) -> (head: [UInt8], rest: any ByteSource) {
    let head = try file.read()
    guard head.starts(with: [0x1F, 0x8B]) else { return (head, file) }
    let unpacked = try GzipBytes(RewoundBytes(head: head, rest: file), name: name, packed: file.size)
    return (try unpacked.read(), unpacked)
  }

  private func kind(of head: [UInt8]) throws(DataError) -> Kind {
    if plainName.hasSuffix(".csv") { return .table(delimiter: TableShape(of: head).delimiter) }
    if plainName.hasSuffix(".tsv") || plainName.hasSuffix(".tab") { return .table(delimiter: UInt8(ascii: "\t")) }
    let text = head.starts(with: byteOrderMark) ? head[byteOrderMark.count...] : head[...]
    let first = text.first { !isJSONWhitespace($0) }
    switch first {
    case UInt8(ascii: "["): return .jsonDocument
    case UInt8(ascii: "{"):
      if plainName.hasSuffix(".jsonl") || plainName.hasSuffix(".ndjson") { return .jsonLines }
      // `.json` and `.txt` are used for records a line, too: then the first line is a whole object, and others follow.
      let body = text.drop { isJSONWhitespace($0) }
      guard let end = body.firstIndex(of: 0x0A) else { return .jsonDocument }
      let line: Result = Result { () throws(DataError) in
        try Array(body[..<end]).withBytes { bytes throws(DataError) in try record(from: bytes, at: RecordPlace(file: name, number: 1)) }
      }
      if case .success = line { return .jsonLines }
      return .jsonDocument
    case nil:
      throw .file(name, problem: "holds nothing but white space; it should hold at least one record")
    default:
      if plainName.hasSuffix(".jsonl") || plainName.hasSuffix(".ndjson") { return .jsonLines }
      if plainName.hasSuffix(".json") { return .jsonDocument }
      if plainName.hasSuffix(".txt") || plainName.hasSuffix(".text") || plainName.hasSuffix(".md") { return .text }
      let shape = TableShape(of: head)
      if shape.isTable { return .table(delimiter: shape.delimiter) }
      if isPiped { return .text }
      throw .file(name, problem: "is none of JSON lines, JSON, CSV, TSV, Parquet (plain or gzip) and text (.txt)")
    }
  }
}
