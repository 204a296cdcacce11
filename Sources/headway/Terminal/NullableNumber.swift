/// A number that JSON shows as `null` where it is undefined, in place of leaving its key out.
struct NullableNumber: Encodable {
  var value: Double?

  init(_ value: Double?) { self.value = value }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let value, value.isFinite { try container.encode(value) } else { try container.encodeNil() }
  }
}

/// An optional value that JSON shows as `null` where it is missing, in place of leaving its key out.
@propertyWrapper
struct ShownAsNull<Value: Encodable>: Encodable {
  var wrappedValue: Value?

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}
