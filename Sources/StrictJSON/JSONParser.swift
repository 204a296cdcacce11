/// What is wrong with a JSON text, and where.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Bytes from the start of the text that was parsed.
  public var offset: Int
  /// The problem, as the end of a sentence.
  public var problem: String

  /// A problem at this byte.
  public init(offset: Int, problem: String) {
    self.offset = offset
    self.problem = problem
  }

  /// The problem and the byte where it lies.
  public var description: String { "\(problem) (byte \(offset))" }
}

/// Reads JSON (RFC 8259) from UTF-8 bytes, strictly: what the standard does not allow is an error with its place.
///
/// It is made for input from outside: nesting and the number of values are limited, so that no text can exhaust the stack or the memory;
/// invalid UTF-8, unpaired surrogates, duplicate names in one object and numbers beyond a `Double` are errors. ``JSONScanner`` reads
/// the same language piece by piece.
public struct JSONParser: Sendable {
  /// The deepest nesting of lists and objects that is read.
  public var depthLimit: Int
  /// The most values that are read, elements and fields included. A value takes 24 to 130 bytes of memory beside the text that it holds,
  /// so this bounds the memory of a text whatever stands in it.
  public var valueLimit: Int
  /// Whether `NaN`, `Infinity` and `-Infinity`, which Python writes although they are not JSON, are read as numbers.
  public var acceptsNonFiniteNumbers: Bool
  /// Whether a byte-order mark may stand before the text, as Python's "utf-8-sig" writes it.
  public var acceptsByteOrderMark: Bool
  /// Whether an object may give a name twice; the last one counts then, as for Python.
  public var acceptsRepeatedNames: Bool

  /// A parser with these limits; what is not strict JSON is refused unless it is accepted by name.
  public init(
    depthLimit: Int = 128, valueLimit: Int = 1 << 20, acceptsNonFiniteNumbers: Bool = false, acceptsByteOrderMark: Bool = false,
    acceptsRepeatedNames: Bool = false
  ) {
    self.depthLimit = depthLimit
    self.valueLimit = valueLimit
    self.acceptsNonFiniteNumbers = acceptsNonFiniteNumbers
    self.acceptsByteOrderMark = acceptsByteOrderMark
    self.acceptsRepeatedNames = acceptsRepeatedNames
  }

  /// Reads the one value that the bytes hold, with nothing but white space around it.
  public func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) -> JSONValue {
    var scanner = JSONScanner(bytes, options: self)
    let value = try scanner.value()
    try scanner.end()
    return value
  }

  /// Reads the one value that the bytes hold.
  public func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
    let result: Result<JSONValue, JSONError> = bytes.withUnsafeBufferPointer { buffer in
      do throws(JSONError) { return .success(try parse(buffer)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Reads the one value that the bytes hold.
  public func parse(_ bytes: some Sequence<UInt8>) throws(JSONError) -> JSONValue {
    try parse(Array(bytes))
  }

  /// Reads the one value that the text holds.
  public func parse(_ text: String) throws(JSONError) -> JSONValue {
    try parse(Array(text.utf8))
  }
}
