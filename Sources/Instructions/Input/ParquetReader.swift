internal import CArrow
import Foundation
import Ground
import StrictJSON

/// A Parquet file, read batch by batch: records with the same values as the JSON form of the data. Missing values are null, lists and
/// structs are nested likewise; dates and times are the whole numbers that they are stored as. Columns of other types
/// (decimals, intervals) are left out.
final class ParquetReader: RecordReader {
  private let reader: ca_reader
  private let name: String
  private var columns: UnsafeBufferPointer<ca_column> = UnsafeBufferPointer(start: nil, count: 0)
  private var names: [String] = []
  private var rows = 0
  private var row = 0
  private var rowsBefore = 0
  private var limit: ExpansionLimit
  /// Rows of a batch: enough to read fast, few enough that long texts stay small.
  private static let batchRows: Int64 = 512

  init(_ url: URL, name: String) throws(DataError) {
    self.name = name
    limit = ExpansionLimit(packed: try FileBytes(url, name: name).size)
    var opened: ca_reader?
    guard ca_open(url.path(percentEncoded: false), Self.batchRows, &opened) == 0, let opened else {
      // Where Arrow is missing, its message says what to do.
      throw .file(name, problem: "cannot be read as Parquet: \(Self.message())\(ca_load() == 0 ? "; fetch the file again" : "")")
    }
    reader = opened
  }

  deinit { ca_close(reader) }

  func next() throws(DataError) -> Record? {
    if row == rows {
      guard try readBatch() else { return nil }
    }
    let place = RecordPlace(file: name, number: rowsBefore + row + 1, isRow: true)
    let index = row
    row += 1
    var fields = JSONObject()
    var budget = Budget()
    fields.reserve(columns.count)
    for (number, column) in columns.enumerated() where column.kind != Int32(CA_OTHER.rawValue) {
      do throws(Problem) {
        fields.append(names[number], try Self.value(of: column, at: index, &budget))
      } catch {
        throw .field(place, name: names[number], problem: Message(error.text))
      }
    }
    return Record(fields: fields, place: place)
  }

  private func readBatch() throws(DataError) -> Bool {
    rowsBefore += rows
    rows = 0
    row = 0
    var start: UnsafePointer<ca_column>?
    var count: Int32 = 0
    var batch: Int64 = 0
    guard ca_next(reader, &start, &count, &batch) == 0 else {
      throw .file(name, problem: "the Parquet data behind row \(rowsBefore) is broken: \(Self.message())")
    }
    guard batch > 0 else { return false }
    // A row of nothing takes time, too.
    guard limit.take(Int(ca_batch_bytes(reader)) + 32 * Int(batch)) else { throw .file(name, problem: ExpansionLimit.problem) }
    columns = UnsafeBufferPointer(start: start, count: Int(count))
    if rowsBefore == 0 {
      names = columns.map { String(cString: $0.name) }
      var seen: Set<String> = []
      for name in names where !seen.insert(name).inserted { throw .file(self.name, problem: "the name '\(name)' heads two columns") }
    }
    guard columns.count == names.count, columns.allSatisfy({ $0.length >= batch }) else {
      throw .file(name, problem: "the Parquet data behind row \(rowsBefore) is broken: its columns differ in length")
    }
    rows = Int(batch)
    return true
  }

  /// What is wrong with one value.
  private struct Problem: Error {
    var text: String
  }

  /// What a record may take yet.
  private struct Budget {
    var values = RecordLimits.values
    var bytes = RecordLimits.bytes
  }

  /// A value of a column. Offsets come from the file, so each is checked.
  private static func value(of column: ca_column, at index: Int, _ budget: inout Budget) throws(Problem) -> JSONValue {
    guard index >= 0, index < Int(column.length) else { throw Problem(text: "reaches beyond its column") }
    budget.values -= 1
    guard budget.values >= 0 else { throw Problem(text: "has more than \(RecordLimits.values) elements") }
    if let validity = column.validity, validity[index] == 0 { return .null }
    switch UInt32(truncatingIfNeeded: column.kind) {
    case CA_BOOL.rawValue:
      return .bool(column.values?.load(fromByteOffset: index, as: UInt8.self) == 1)
    case CA_INTEGER.rawValue:
      guard let values = column.values else { return .null }
      return .int(Int(values.load(fromByteOffset: 8 * index, as: Int64.self)))
    case CA_FLOAT.rawValue:
      guard let values = column.values else { return .null }
      return .double(values.load(fromByteOffset: 8 * index, as: Double.self))
    case CA_TEXT.rawValue:
      let range = try range(of: column, at: index, upTo: Int(column.bytes))
      guard !range.isEmpty, let values = column.values else { return "" }
      budget.bytes -= range.count
      guard budget.bytes >= 0 else { throw Problem(text: "makes the record larger than \(RecordLimits.bytes >> 20) MiB") }
      let bytes = UnsafeRawBufferPointer(start: values + range.lowerBound, count: range.count)
      do throws(ForeignText.Problem) {
        return .string(try ForeignText.text(bytes.bindMemory(to: UInt8.self)))
      } catch {
        throw Problem(text: error.rawValue)
      }
    case CA_LIST.rawValue:
      guard let child = column.children else { return [] }
      let range = try range(of: column, at: index, upTo: Int(child.pointee.length))
      var elements: [JSONValue] = []
      elements.reserveCapacity(min(range.count, budget.values))
      for element in range { elements.append(try value(of: child.pointee, at: element, &budget)) }
      return .list(elements)
    case CA_STRUCT.rawValue:
      var object = JSONObject()
      for child in UnsafeBufferPointer(start: column.children, count: Int(column.child_count)) where child.kind != Int32(CA_OTHER.rawValue)
      {
        object.append(String(cString: child.name), try value(of: child, at: index, &budget))
      }
      return .object(object)
    default:
      return .null
    }
  }

  private static func range(of column: ca_column, at index: Int, upTo end: Int) throws(Problem) -> Range<Int> {
    guard let offsets = column.offsets else { return 0..<0 }
    let (from, to) = (Int(offsets[index]), Int(offsets[index + 1]))
    guard from >= 0, from <= to, to <= end else { throw Problem(text: "reaches beyond its column") }
    return from..<to
  }

  /// The boundary's last failure in one line, without the full stop that the sentence gets.
  private static func message() -> String {
    let text = String(cString: ca_error()).split(whereSeparator: \.isNewline).joined(separator: " ")
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }
}
