extension KeyedDecodingContainer {
  /// The value of a setting, or its default where a record leaves it out.
  public func value<Value: Decodable>(_ key: Key, or fallback: Value) throws -> Value {
    try decodeIfPresent(Value.self, forKey: key) ?? fallback
  }
}
