import StrictJSON
import Ground

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
  /// Whether its samples are chats, which are written in the model's own chat form where it has one.
  var isChat: Bool { get }
  /// What makes a record where the file is plain text; nil where the format is not published so.
  func textUnit(form: String) -> TextUnit?
  /// Whether a record looks like one of this format. A file is in the format if most of its first records do.
  func fits(_ record: Record) -> Bool
  /// The sample that a record holds.
  func sample(of record: Record, form: String) throws(DataError) -> Sample
  /// The samples of a record that holds several, each with its own error. Formats with one sample a record leave it as it is.
  func samples(of record: Record, form: String) throws(DataError) -> [Result<Sample, DataError>]
}

extension DatasetFormat {
  var forms: [String] { [] }
  var refines: [String] { [] }
  var isChat: Bool { false }
  func textUnit(form: String) -> TextUnit? { nil }
  func samples(of record: Record, form: String) throws(DataError) -> [Result<Sample, DataError>] {
    [.success(try sample(of: record, form: form))]
  }
}

/// The formats that Headway reads.
public enum DatasetFormats {
  /// Every format, one line each. Recognition asks all of them, so the order does not matter.
  static let all: [any DatasetFormat] = [
    AlpacaFormat(),
    ARCFormat(),
    CEvalFormat(),
    ChatFormat(),
    CMATHFormat(),
    CMMLUFormat(),
    CodeSearchNetFormat(),
    DollyFormat(),
    FLASKFormat(),
    GSM8KFormat(),
    HellaSwagFormat(),
    HellaSwagTextFormat(),
    InfinityInstructFormat(),
    MathBenchFormat(),
    MATHFormat(),
    MGSMFormat(),
    MMLUFormat(),
    PairsFormat(),
    RefGPTFormat(),
    SGSMFormat(),
    SQuADFormat(),
    TextFormat(),
    WinograndeFormat(),
  ]

  /// The names of the formats, in alphabetical order.
  public static var names: [String] { all.map(\.name).sorted() }

  /// The fields that a format reads, nil where there is no such format.
  public static func fields(of name: String) -> [String]? { all.first { $0.name == name }?.fields }

  /// The forms of a format that makes samples in several ways, empty for one way; nil where there is no such format.
  public static func forms(of name: String) -> [String]? { all.first { $0.name == name }?.forms }

  /// The format of a name.
  static func named(_ name: String) throws(DataError) -> any DatasetFormat {
    guard let format = all.first(where: { $0.name == name }) else {
      throw .options("there is no data format '\(name)'; the formats are \(names.joined(separator: ", "))")
    }
    return format
  }

  /// The one format that a file is in, from its first records.
  /// - Parameter earlier: the format of the data before, which decides where several fit.
  static func recognise(_ file: DataFile, after earlier: (any DatasetFormat)? = nil) throws(DataError) -> any DatasetFormat {
    let isText = try file.kind() == .text
    var shared: [Record]?
    var fitting: [any DatasetFormat] = []
    var failure: DataError?
    for format in all {
      let unit = format.textUnit(form: format.forms.first ?? "")
      if isText, unit == nil { continue }
      do throws(DataError) {
        let records: [Record]
        if isText {
          records = try firstRecords(of: file, unit: unit ?? .file)
        } else {
          if shared == nil { shared = try firstRecords(of: file, unit: .file) }
          records = shared ?? []
        }
        if records.count(where: format.fits) * 2 > records.count { fitting.append(format) }
      } catch {
        guard isText, error.concernsOneRecord else { throw error }
        failure = error  // cut differently, the text may still be sound
      }
    }
    if fitting.isEmpty, let failure { throw failure }
    let refined = Set(fitting.flatMap(\.refines))
    fitting.removeAll { refined.contains($0.name) }
    if let format = fitting.first, fitting.count == 1 { return format }
    if let earlier, fitting.contains(where: { $0.name == earlier.name }) { return earlier }
    if fitting.isEmpty, let error = shared.flatMap(mistyped) { throw error }
    let found = shared?.first.map { "its fields are \(listed($0.fields.names))" } ?? "it is plain text"
    if fitting.isEmpty {
      throw .file(
        file.name,
        problem:
          "is in no format that Headway knows (\(found)); \(shared?.first.flatMap(remedy) ?? "name the fields with \(setting: .map.set(to: "prompt=FIELD,response=FIELD")) or the format with \(setting: .format)")"
      )
    }
    throw .file(
      file.name, problem: "fits the formats \(listed(fitting.map(\.name))) (\(found)); name the right one with \(setting: .format)")
  }

  /// What a format finds wrong with a record that has all of its fields and yet is none of it.
  private static func mistyped(_ records: [Record]) -> DataError? {
    for record in records {
      for format in all where format.fields.count > 1 && format.fields.allSatisfy({ record[$0] != nil }) && !format.fits(record) {
        do throws(DataError) { _ = try format.sample(of: record, form: format.forms.first ?? "") } catch { return error }
      }
    }
    return nil
  }

  /// What can be done about a record of a shape that is known and yet no format.
  private static func remedy(for record: Record) -> Message? {
    if record.has("chosen"), record.has("rejected") {
      let wanted: Message =
        record["chosen.0"]?.object == nil
        ? "\(setting: .map.set(to: record.has("prompt") ? "prompt=prompt,response=chosen" : "response=chosen"))"
        : "\(setting: .format.set(to: "chat")) and \(setting: .map.set(to: record["prompt.0"]?.object == nil ? "messages=chosen" : "completion=chosen"))"
      return "it holds preferences; read the answers that were chosen with \(wanted)"
    }
    if record.has("architectures") || record.has("model_type") { return "it is a model's configuration; name the data instead" }
    func spelled(_ name: String) -> String? { record.fields.names.first { $0.lowercased() == name } }
    if let prompt = spelled("prompt"), let response = spelled("response") ?? spelled("completion"), record.has(prompt), record.has(response)
    {
      return "read it with \(setting: .map.set(to: "prompt=\(prompt),response=\(response)"))"
    }
    guard record.hasText("text") else { return nil }
    return
      "read its texts with \(setting: .format.set(to: "text")), or name the fields with \(setting: .map.set(to: "prompt=FIELD,response=FIELD"))"
  }

  /// Up to this many records are looked at to recognise a format.
  private static let recognitionRecords = 16

  /// A file's first records; broken ones are left out unless nothing else is there.
  private static func firstRecords(of file: DataFile, unit: TextUnit) throws(DataError) -> [Record] {
    var reader = try file.records(unit: unit)
    var records: [Record] = []
    var failure: DataError?
    var size = 0
    for _ in 0..<(4 * recognitionRecords) where records.count < recognitionRecords && size < RecordLimits.recognitionBytes {
      do throws(DataError) {
        guard let record = try reader.next() else { break }
        records.append(record)
        size += JSONValue.object(record.fields).memory
      } catch {
        failure = failure ?? error
        guard error.concernsOneRecord else { break }
      }
    }
    if records.isEmpty { throw failure ?? .file(file.name, problem: "holds no record") }
    return records
  }

}
