/// A value of JSON's data model. Integers that fit are kept apart from other numbers, so that an identifier or a label is
/// read back exactly as it was written.
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case list([JSONValue])
  case object(JSONObject)

  /// The text of a `.string`, otherwise nil.
  public var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The number of an `.int`, or of a `.double` without a fraction that fits, otherwise nil.
  public var int: Int? {
    switch self {
    case .int(let value): value
    case .double(let value): Int(exactly: value)
    default: nil
    }
  }

  /// The number of an `.int` or a `.double`, otherwise nil.
  public var double: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  /// The truth value of a `.bool`, otherwise nil.
  public var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The elements of a `.list`, otherwise nil.
  public var list: [JSONValue]? {
    if case .list(let value) = self { value } else { nil }
  }

  /// The fields of an `.object`, otherwise nil.
  public var object: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  /// What kind of value this is, in words for a message: "text", "a whole number", "a list"…
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .int: "a whole number"
    case .double: "a number"
    case .string: "text"
    case .list: "a list"
    case .object: "an object"
    }
  }
}

/// The fields of a JSON object, in the order in which they were written.
///
/// Names are compared byte for byte: Swift's `==` on strings is canonical equivalence, under which two different
/// field names could be taken for one.
public struct JSONObject: Sendable, Hashable {
  /// One field: its name and its value.
  public struct Field: Sendable, Hashable {
    /// The field's name.
    public var name: String
    /// The field's value.
    public var value: JSONValue

    /// A field.
    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// The fields in their written order.
  public var fields: [Field]

  /// An object of these fields, in order.
  public init(_ fields: [Field] = []) {
    self.fields = fields
  }

  /// The names of the fields in their written order.
  public var names: [String] { fields.map(\.name) }

  /// The value of the first field of this name, nil where there is none. Setting replaces it, or appends a new field;
  /// setting nil removes the field.
  public subscript(name: String) -> JSONValue? {
    get { fields.first { $0.name.utf8.elementsEqual(name.utf8) }?.value }
    set {
      if let index = fields.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
        if let newValue { fields[index].value = newValue } else { fields.remove(at: index) }
      } else if let newValue {
        fields.append(Field(name, newValue))
      }
    }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// An object of these fields, in order.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    fields = elements.map { Field($0.0, $0.1) }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral,
  ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A text.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A whole number.
  public init(integerLiteral value: Int) { self = .int(value) }
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .double(value) }
  /// null.
  public init(nilLiteral: ()) { self = .null }
  /// A list.
  public init(arrayLiteral elements: JSONValue...) { self = .list(elements) }
  /// An object of these fields, in order.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements.map { JSONObject.Field($0.0, $0.1) }))
  }
}
