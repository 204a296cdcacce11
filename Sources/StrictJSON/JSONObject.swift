/// The fields of a JSON object, in the order in which they were written.
///
/// Names are compared byte for byte: Swift's `==` on strings is canonical equivalence, under which two different
/// field names could be taken for one.
public struct JSONObject: Sendable {
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
  public private(set) var fields: [Field]
  /// The place of each name, once there are too many to look through.
  private var places: [FieldName: Int]?

  /// Up to this many fields, a name is found sooner by looking at each than by hashing it.
  private static let fewFields = 24

  /// An object of these fields, in order.
  public init(_ fields: [Field] = []) {
    self.fields = fields
    if fields.count > Self.fewFields { indexPlaces() }
  }

  /// The names of the fields in their written order.
  public var names: [String] { fields.map(\.name) }

  /// Whether there is a field of this name.
  public func contains(_ name: String) -> Bool { place(of: name) != nil }

  /// Makes room for `count` fields.
  public mutating func reserve(_ count: Int) { fields.reserveCapacity(count) }

  /// Puts a field behind the others. Where its name is there already, looking the name up finds the earlier field.
  public mutating func append(_ name: String, _ value: JSONValue) {
    fields.append(Field(name, value))
    if places != nil {
      // The first of a name counts.
      if places?[FieldName(text: name)] == nil { places?[FieldName(text: name)] = fields.count - 1 }
    } else if fields.count > Self.fewFields {
      indexPlaces()
    }
  }

  /// The value of the first field of this name, nil where there is none. Setting replaces it, or appends a new field;
  /// setting nil removes the field.
  public subscript(name: String) -> JSONValue? {
    get { place(of: name).map { fields[$0].value } }
    set {
      if let index = place(of: name) {
        if let newValue {
          fields[index].value = newValue
        } else {
          fields.remove(at: index)
          places = nil
          if fields.count > Self.fewFields { indexPlaces() }
        }
      } else if let newValue {
        append(name, newValue)
      }
    }
  }

  private func place(of name: String) -> Int? {
    if let places { return places[FieldName(text: name)] }
    return fields.firstIndex { $0.name.hasSameBytes(as: name) }
  }

  private mutating func indexPlaces() {
    places = Dictionary(fields.enumerated().map { (FieldName(text: $0.element.name), $0.offset) }, uniquingKeysWith: { first, _ in first })
  }
}

extension JSONObject: Hashable {
  /// Whether both have the same fields in the same order.
  public static func == (left: JSONObject, right: JSONObject) -> Bool { left.fields == right.fields }

  /// Hashes the fields.
  public func hash(into hasher: inout Hasher) { hasher.combine(fields) }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// An object of these fields, in order.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(elements.map { Field($0.0, $0.1) })
  }
}

/// A name that is equal to another only if its bytes are.
private struct FieldName: Hashable {
  var text: String

  static func == (left: FieldName, right: FieldName) -> Bool { left.text.hasSameBytes(as: right.text) }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

extension String {
  /// Whether both texts have the same UTF-8.
  fileprivate func hasSameBytes(as other: String) -> Bool {
    utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
  }
}
