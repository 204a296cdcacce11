/// A parsed JSON value. Strings are kept as UTF-8 bytes: tokens that differ only by Unicode normalisation must stay different.
enum JSONValue: Equatable {
  case null
  case boolean(Bool)
  case integer(Int)
  case real(Double)
  case string([UInt8])
  case array([JSONValue])
  case object([Member])

  /// One key of an object with its value.
  struct Member: Equatable {
    var key: [UInt8]
    var value: JSONValue
  }

  /// The value of `key`, the last one where a key is given twice; nil where this is no object or has no such key.
  subscript(key: StaticString) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return key.withUTF8Buffer { name in members.last { $0.key.elementsEqual(name) }?.value }
  }

  /// The value of `key`, nil also where it is null.
  func present(_ key: StaticString) -> JSONValue? {
    guard let value = self[key], value != .null else { return nil }
    return value
  }

  /// The bytes of a string.
  var bytes: [UInt8]? {
    if case .string(let bytes) = self { bytes } else { nil }
  }

  /// The text of a string.
  var text: String? {
    bytes.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The truth of a boolean.
  var boolean: Bool? {
    if case .boolean(let value) = self { value } else { nil }
  }

  /// The number of an integer.
  var integer: Int? {
    if case .integer(let value) = self { value } else { nil }
  }

  /// The elements of an array.
  var elements: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The members of an object.
  var members: [Member]? {
    if case .object(let members) = self { members } else { nil }
  }

  /// What kind of value this is, for messages.
  var kind: String {
    switch self {
    case .null: "null"
    case .boolean: "a boolean"
    case .integer, .real: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}
