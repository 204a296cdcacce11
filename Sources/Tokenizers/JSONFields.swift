import StrictJSON

extension JSONValue {
  /// The value of a field of an object.
  subscript(field: String) -> JSONValue? { object?[field] }

  /// The value of a field, nil also where it is null.
  func present(_ field: String) -> JSONValue? {
    guard let value = self[field], value != .null else { return nil }
    return value
  }

  /// The UTF-8 bytes of a text.
  var bytes: [UInt8]? { string.map { Array($0.utf8) } }
}
