/// A value that JSON shows as `null` where it is missing or not finite, in place of leaving its key out. What is missing in JSON is read as nil.
@propertyWrapper
public struct ShownAsNull<Value: Codable & Sendable>: Codable, Sendable {
  /// The value; nil where it is missing.
  public var wrappedValue: Value?

  /// Wraps a value.
  public init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  /// Reads null as a missing value.
  public init(from decoder: any Swift.Decoder) throws {
    let container = try decoder.singleValueContainer()
    wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
  }

  /// Writes null for a value that is missing or not finite.
  public func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue, (wrappedValue as? Double)?.isFinite ?? true {
      try container.encode(wrappedValue)
    } else {
      try container.encodeNil()
    }
  }
}

extension ShownAsNull: Equatable where Value: Equatable {}

extension KeyedDecodingContainer {
  /// What the compiler calls for a wrapped property: a key that is missing is a value that is missing.
  func decode<Value>(_ type: ShownAsNull<Value>.Type, forKey key: Key) throws -> ShownAsNull<Value> {
    try decodeIfPresent(type, forKey: key) ?? ShownAsNull(wrappedValue: nil)
  }
}
