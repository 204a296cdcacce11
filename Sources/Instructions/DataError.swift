import Foundation
public import Ground

/// Where a record stands: a file, and a line or (in Parquet) a row, counted from 1.
public struct RecordPlace: Sendable, Hashable, CustomStringConvertible {
  /// The file, as the user named it.
  public var file: String
  /// The line, or the row, counted from 1.
  public var number: Int
  /// Whether `number` counts rows (Parquet) rather than lines.
  public var isRow: Bool

  /// A place in a file.
  public init(file: String, number: Int, isRow: Bool = false) {
    self.file = file
    self.number = number
    self.isRow = isRow
  }

  /// `file:line`, or `file: row N`.
  public var description: String { isRow ? "\(file): row \(number)" : "\(file):\(number)" }
}

/// Why data cannot be read. Each is one sentence that names the place and the remedy.
public enum DataError: Error, Sendable, Hashable, ExplainedError {
  /// A field of a record is missing or not of the right kind.
  case field(RecordPlace, name: String, problem: Message)
  /// A record is broken as a whole.
  case record(RecordPlace, problem: Message)
  /// A file or folder cannot be read, and no later record of it can.
  case file(String, problem: Message)
  /// The format cannot be settled, or an option does not fit.
  case options(Message)

  /// Whether the error concerns one record only, so that reading can go on behind it.
  public var concernsOneRecord: Bool {
    switch self {
    case .field, .record: true
    case .file, .options: false
    }
  }

  /// One sentence: what, where, remedy.
  public var message: Message {
    switch self {
    case .field(let place, let name, let problem): "\(place): field \(listed([name])) \(problem)"
    case .record(let place, let problem): "\(place): \(problem)"
    case .file(let file, let problem): "\(file): \(problem)"
    case .options(let sentence): sentence
    }
  }
}
