import Foundation
public import StrictJSON
import Ground

/// One record of a data file, in the same form whatever the file's kind: an ordered set of named values.
public struct Record: Sendable, Hashable {
  /// The fields. A file of bare texts (a JSON list of strings, plain text) gives records with the one field `text`.
  public var fields: JSONObject
  /// Where the record starts.
  public var place: RecordPlace

  /// A record and where it stands.
  public init(fields: JSONObject, place: RecordPlace) {
    self.fields = fields
    self.place = place
  }

  /// The name of the record's file without folders, extension and `.gz`.
  var stem: String {
    let name = place.file.split(separator: "/").last ?? ""
    return String(name.prefix { $0 != "." })
  }

  /// The value at a field's name or, for a field within a field, a dotted path (`question.stem`, `instances.0.input`).
  /// A field whose own name holds the dots wins.
  subscript(path: String) -> JSONValue? {
    if let value = fields[path] { return value }
    guard path.contains(".") else { return nil }
    var value = JSONValue.object(fields)
    for part in path.split(separator: ".", omittingEmptySubsequences: false) {
      switch value {
      case .object(let object):
        guard let next = object[String(part)] else { return nil }
        value = next
      case .list(let list):
        guard let index = Int(part), list.indices.contains(index) else { return nil }
        value = list[index]
      default: return nil
      }
    }
    return value
  }

  func error(_ field: String, _ problem: Message) -> DataError {
    .field(place, name: field, problem: problem)
  }

  /// The value of a field that must be there.
  func value(_ field: String) throws(DataError) -> JSONValue {
    guard let value = self[field] else {
      throw error(
        field,
        "is missing (the record has \(fields.names.isEmpty ? "no fields" : listed(fields.names))); check that the data has this format and these names"
      )
    }
    return value
  }

  /// The text of a field that must be there; a number is taken as Python writes it.
  func text(_ field: String) throws(DataError) -> String {
    switch try value(field) {
    case .string(let text): return text
    case .int(let number): return String(number)
    case .double(let number):
      guard number.isFinite else {
        throw error(field, "is \(number) and not a number; give the text that is meant, or leave the field out")
      }
      // Beyond 2^53 not every digit of the file is known any more.
      guard number.magnitude < 0x1p53 else { throw error(field, "is a number of more digits than are kept; put it in quotes") }
      return number.description
    case let other: throw error(field, "is \(other.kind), not text")
    }
  }

  /// The text of a field that may be missing, null, or the NaN that Python writes where a table has nothing.
  func optionalText(_ field: String) throws(DataError) -> String? { try has(field) ? text(field) : nil }

  /// The text of the first of these fields that is there and not null.
  func firstText(of fields: String...) throws(DataError) -> String? {
    for field in fields {
      if let text = try optionalText(field) { return text }
    }
    return nil
  }

  /// The text of a field that must be there and hold more than white space.
  func filledText(_ field: String) throws(DataError) -> String {
    let text = try text(field)
    guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else { throw error(field, "is empty") }
    return text
  }

  /// The whole number of a field that must be there; text of digits counts.
  func integer(_ field: String) throws(DataError) -> Int {
    let value = try value(field)
    guard let number = value.int ?? value.string.flatMap({ Int($0) }) else { throw error(field, "is \(value.kind), not a whole number") }
    return number
  }

  /// The list of a field that must be there.
  func list(_ field: String) throws(DataError) -> [JSONValue] {
    let value = try value(field)
    guard let list = value.list else { throw error(field, "is \(value.kind), not a list") }
    return list
  }

  /// A field that must be there and be a list of texts.
  func texts(_ field: String) throws(DataError) -> [String] {
    var texts: [String] = []
    for (index, element) in try list(field).enumerated() {
      guard let text = element.string ?? element.int.map(String.init) else {
        throw error("\(field).\(index)", "is \(element.kind), not text")
      }
      texts.append(text)
    }
    return texts
  }

  /// A field of tags: a text, a list of texts, or nothing.
  func tags(_ field: String) throws(DataError) -> [String] {
    switch self[field] {
    case nil, .null: []
    case .list: try texts(field)
    default: [try text(field)]
    }
  }

  /// Whether a field is there and is text.
  func hasText(_ field: String) -> Bool { self[field]?.string != nil }
  /// Whether a field is there and is text, or a number that stands for one.
  func hasTextOrNumber(_ field: String) -> Bool {
    switch self[field] {
    case .string, .int: true
    case .double(let number): number.isFinite
    default: false
    }
  }
  /// Whether a field is there and not null (tables write null, and Python NaN, where JSON leaves a field out).
  func has(_ field: String) -> Bool {
    switch self[field] {
    case nil, .null: false
    case .double(let number): !number.isNaN
    default: true
    }
  }
}

extension JSONValue {
  /// About how many bytes of memory the value takes.
  var memory: Int {
    switch self {
    case .null, .bool, .int, .double: 24
    case .string(let text): 24 + text.utf8.count
    case .list(let elements): elements.reduce(56) { $0 + $1.memory }
    case .object(let object): object.fields.reduce(56) { $0 + 16 + $1.name.utf8.count + $1.value.memory }
    }
  }
}

/// Names in quotes, for a message: not more than a line can hold, however many and long they are.
func listed(_ names: [String]) -> String {
  guard !names.isEmpty else { return "none" }
  let shown = names.prefix(12).map { name in
    // By scalars: one character may be any number of them.
    let line = name.unicodeScalars.prefix(40).prefix { !CharacterSet.newlines.contains($0) }
    return line.endIndex < name.unicodeScalars.endIndex ? "'\(Substring(line))…'" : "'\(name)'"
  }
  return shown.joined(separator: ", ") + (names.count > 12 ? " and \(names.count - 12) more" : "")
}
