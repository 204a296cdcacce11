public import StrictJSON

/// A form in which datasets are published. One file and one line in ``DatasetFormats/all`` a format; nothing else knows its name.
protocol DatasetFormat: Sendable {
  /// The name that `--format` takes.
  var name: String { get }
  /// The fields it reads, for messages and help: `question`, `answer`.
  var fields: [String] { get }
  /// The ways in which it makes samples of a record, by name, the default first. Empty where there is one way only.
  var forms: [String] { get }
  /// Formats that this one is a special case of: where both fit, this one is meant.
  var refines: [String] { get }
  /// What makes a record where the file is plain text; nil where the format is not published so.
  func textUnit(form: String) -> TextUnit?
  /// Whether a record looks like one of this format. A file is in the format if most of its first records do.
  func fits(_ record: Record) -> Bool
  /// The samples that a record holds: one, in most formats.
  func samples(of record: Record, form: String) throws(DataError) -> [Sample]
}

extension DatasetFormat {
  var forms: [String] { [] }
  var refines: [String] { [] }
  func textUnit(form: String) -> TextUnit? { nil }
}

/// An instruction together with the fields that it was made of, which templates and benchmarks draw on.
public struct Sample: Sendable, Hashable {
  public var instruction: Instruction
  /// The record's own fields, then those that the format derives (the options of a question as `options`, its subject as `subject`…).
  public var fields: JSONObject

  /// - Parameters:
  ///   - record: gives the fields.
  ///   - derived: fields that the format adds, or puts in the place of the record's own.
  init(_ record: Record, prompt: String, response: String?, derived: JSONObject = JSONObject()) {
    instruction = Instruction(prompt: prompt, response: response ?? "")
    instruction.isAnswered = response != nil
    fields = record.fields
    for field in derived.fields { fields[field.name] = field.value }
  }

  /// The sample with its instruction changed.
  func with(_ change: (inout Instruction) -> Void) -> Sample {
    var copy = self
    change(&copy.instruction)
    return copy
  }
}

/// The formats that Headway reads.
public enum DatasetFormats {
  /// Every format, one line each. Recognition asks all of them, so the order does not matter.
  static let all: [any DatasetFormat] = [
    PairsFormat(),
    GSM8KFormat(),
  ]

  /// The names of the formats, in alphabetical order.
  public static var names: [String] { all.map(\.name).sorted() }

  /// The fields that a format reads, nil where there is no such format.
  public static func fields(of name: String) -> [String]? { all.first { $0.name == name }?.fields }

  /// The format of a name.
  static func named(_ name: String) throws(DataError) -> any DatasetFormat {
    guard let format = all.first(where: { $0.name == name }) else {
      throw .options("There is no data format '\(name)'. The formats are: \(names.joined(separator: ", ")).")
    }
    return format
  }

  /// The one format that a file is in, from its first records.
  static func recognise(_ file: DataFile) throws(DataError) -> any DatasetFormat {
    let isText = try file.kind() == .text
    var shared: [Record]?
    var fitting: [any DatasetFormat] = []
    for format in all {
      let unit = format.textUnit(form: format.forms.first ?? "")
      let records: [Record]
      if isText {
        guard let unit else { continue }
        records = try firstRecords(of: file, unit: unit)
      } else {
        if shared == nil { shared = try firstRecords(of: file, unit: .file) }
        records = shared ?? []
      }
      if records.count(where: format.fits) * 2 > records.count { fitting.append(format) }
    }
    let refined = Set(fitting.flatMap(\.refines))
    fitting.removeAll { refined.contains($0.name) }
    if let format = fitting.first, fitting.count == 1 { return format }
    let found = shared?.first.map { "its fields are \(listed($0.fields.names))" } ?? "it is plain text"
    if fitting.isEmpty {
      throw .file(
        file.name,
        problem:
          "is in no format that Headway knows (\(found)); name the fields with --map prompt=FIELD,response=FIELD or the format with --format"
      )
    }
    throw .file(file.name, problem: "fits the formats \(listed(fitting.map(\.name))) (\(found)); name the right one with --format")
  }

  /// Up to this many records are looked at to recognise a format.
  private static let recognitionRecords = 16

  /// A file's first records; broken ones are left out unless nothing else is there.
  private static func firstRecords(of file: DataFile, unit: TextUnit) throws(DataError) -> [Record] {
    var reader = try file.records(unit: unit)
    var records: [Record] = []
    var failure: DataError?
    for _ in 0..<(4 * recognitionRecords) where records.count < recognitionRecords {
      do throws(DataError) {
        guard let record = try reader.next() else { break }
        records.append(record)
      } catch {
        failure = failure ?? error
        guard error.concernsOneRecord else { break }
      }
    }
    if records.isEmpty { throw failure ?? .file(file.name, problem: "holds no record") }
    return records
  }

  private static func listed(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.map { "'\($0)'" }.joined(separator: ", ")
  }
}
