import Ground
import StrictJSON

/// Gives the records of one file, one after another.
///
/// An error that concerns one record (``DataError/concernsOneRecord``) leaves the reader behind that record, ready for the next.
protocol RecordReader {
  mutating func next() throws(DataError) -> Record?
}

/// A file of one JSON value a line; lines of nothing but white space are passed over.
struct JSONLinesReader: RecordReader {
  private var lines: LineReader
  private let name: String

  init(_ source: any ByteSource, name: String) {
    lines = LineReader(source, name: name)
    self.name = name
  }

  mutating func next() throws(DataError) -> Record? {
    while let line = try lines.next() {
      if line.allSatisfy(isJSONWhitespace) { continue }
      return try line.withBytes { bytes throws(DataError) in
        try record(from: bytes, at: RecordPlace(file: name, number: lines.lineNumber))
      }
    }
    return nil
  }
}

/// The parser's settings for data: Python writes `NaN` where a table had no number, and such a row should still be read.
let dataParser = JSONParser(valueLimit: RecordLimits.values, acceptsNonFiniteNumbers: true)

extension [UInt8] {
  /// Runs `body`, which may throw a typed error, on the bytes.
  func withBytes<Value>(_ body: (UnsafeBufferPointer<UInt8>) throws(DataError) -> Value) throws(DataError) -> Value {
    let result: Result<Value, DataError> = withUnsafeBufferPointer { bytes in
      do throws(DataError) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}

func isJSONWhitespace(_ byte: UInt8) -> Bool {
  byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
}

/// The record that a JSON text holds: an object's fields, or a bare text as the field `text`.
func record(from bytes: UnsafeBufferPointer<UInt8>, at place: RecordPlace) throws(DataError) -> Record {
  let value: JSONValue
  do throws(JSONError) {
    value = try dataParser.parse(bytes)
  } catch {
    if let problem = ForeignEncoding.problem(of: bytes, in: place.file) { throw .record(place, problem: "the record \(problem)") }
    throw .record(place, problem: "the JSON is broken: \(error)")
  }
  switch value {
  case .object(let fields): return Record(fields: fields, place: place)
  case .string: return Record(fields: ["text": value], place: place)
  default: throw .record(place, problem: "the record is \(value.kind), not an object of fields")
  }
}
