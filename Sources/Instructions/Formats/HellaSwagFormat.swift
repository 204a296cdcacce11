import Ground
import Foundation
import StrictJSON

/// Which ending follows (Zellers et al. 2019): `ctx`, four `endings`, `label` (a number, in Parquet text, empty in the test part).
struct HellaSwagFormat: DatasetFormat {
  let name = "hellaswag"
  let fields = ["ctx", "endings", "label"]

  func fits(_ record: Record) -> Bool {
    record.hasText("ctx") && record["endings"]?.list != nil
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    let endings = try record.texts("endings")
    guard endings.count == 4 else { throw record.error("endings", "has \(endings.count) elements, not 4") }
    var label: Int?
    if record.has("label"), record["label"] != .null, record["label"] != "" {
      let number = try record.integer("label")
      guard endings.indices.contains(number) else { throw record.error("label", "is \(number), not 0 to 3") }
      label = number
    }
    let sample = Sample(record, prompt: try record.filledText("ctx"), response: label.map { " " + endings[$0] })
    let id = try record.optionalText("ind")
    let activity = try record.optionalText("activity_label")
    return sample.with {
      $0.id = id
      $0.tags = activity.map { [$0] } ?? []
      $0.options = endings
      $0.answer = label.map(Answer.option)
    }
  }
}

/// HellaSwag as plain text, six lines a question: `activity: ctx`, the label, the four endings.
struct HellaSwagTextFormat: DatasetFormat {
  let name = "hellaswag-text"
  let fields = ["text"]
  let refines = ["text"]
  private let hellaSwag = HellaSwagFormat()

  func textUnit(form: String) -> TextUnit? { .lines(6) }

  func fits(_ record: Record) -> Bool {
    guard let parts = lines(of: record) else { return false }
    return parts[0].contains(": ") && ["0", "1", "2", "3"].contains(parts[1])
  }

  func sample(of record: Record, form: String) throws(DataError) -> Sample {
    guard let lines = lines(of: record) else { throw .record(record.place, problem: "the question does not have six lines") }
    guard let mark = lines[0].range(of: ": ") else {
      throw .record(record.place, problem: "the question's first line does not have the form 'activity: context'")
    }
    guard let label = Int(lines[1]), (0...3).contains(label) else {
      throw .record(record.place, problem: "the question's second line is not a label 0 to 3")
    }
    let fields: JSONObject = [
      "activity_label": .string(String(lines[0][..<mark.lowerBound])), "ctx": .string(String(lines[0][mark.upperBound...])),
      "label": .int(label), "endings": .list(lines[2...].map(JSONValue.string)),
    ]
    return try hellaSwag.sample(of: Record(fields: fields, place: record.place), form: "")
  }

  private func lines(of record: Record) -> [String]? {
    let lines = record["text"]?.string?.components(separatedBy: "\n")
    return lines?.count == 6 ? lines : nil
  }
}
