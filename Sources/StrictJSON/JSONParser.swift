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
/// It is made for input from outside: nesting is limited, so that no text can exhaust the stack; invalid UTF-8, unpaired
/// surrogates, duplicate names in one object and numbers beyond a `Double` are errors.
public struct JSONParser: Sendable {
  /// The deepest nesting of lists and objects that is read.
  public var depthLimit: Int
  /// Whether `NaN`, `Infinity` and `-Infinity`, which Python writes although they are not JSON, are read as numbers.
  public var acceptsNonFiniteNumbers: Bool

  /// A parser that refuses nesting beyond `depthLimit`, and NaN and Infinity unless they are accepted.
  public init(depthLimit: Int = 128, acceptsNonFiniteNumbers: Bool = false) {
    self.depthLimit = depthLimit
    self.acceptsNonFiniteNumbers = acceptsNonFiniteNumbers
  }

  /// Reads the one value that the bytes hold, with nothing but white space around it.
  public func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) -> JSONValue {
    var cursor = Cursor(bytes: bytes, options: self)
    cursor.skipWhitespace()
    let value = try cursor.value(depth: 0)
    cursor.skipWhitespace()
    if cursor.position < bytes.count { throw cursor.error("something follows the end of the value") }
    return value
  }

  /// Reads the one value that the bytes hold.
  public func parse(_ bytes: some Sequence<UInt8>) throws(JSONError) -> JSONValue {
    let array = Array(bytes)
    let result: Result<JSONValue, JSONError> = array.withUnsafeBufferPointer { buffer in
      do throws(JSONError) { return .success(try parse(buffer)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Reads the one value that the text holds.
  public func parse(_ text: String) throws(JSONError) -> JSONValue {
    try parse(text.utf8)
  }
}

/// Walks over the bytes. Every read checks the end of the buffer.
private struct Cursor {
  let bytes: UnsafeBufferPointer<UInt8>
  let options: JSONParser
  var position = 0

  init(bytes: UnsafeBufferPointer<UInt8>, options: JSONParser) {
    self.bytes = bytes
    self.options = options
  }

  /// The byte at the cursor; 0, which JSON allows nowhere, behind the end.
  @inline(__always)
  var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

  func error(_ problem: String, at offset: Int? = nil) -> JSONError {
    JSONError(offset: offset ?? position, problem: problem)
  }

  /// The problem of an unexpected byte or end.
  func unexpected(_ wanted: String) -> JSONError {
    guard position < bytes.count else { return error("the text ends where \(wanted) should be") }
    let byte = bytes[position]
    let shown = byte > 0x20 && byte < 0x7F ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x" + String(byte, radix: 16, uppercase: true)
    return error("\(shown) stands where \(wanted) should be")
  }

  mutating func skipWhitespace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    switch current {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"): return try object(depth: depth + 1)
    case UInt8(ascii: "["): return try list(depth: depth + 1)
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "N") where options.acceptsNonFiniteNumbers: return try word("NaN", .double(.nan))
    case UInt8(ascii: "I") where options.acceptsNonFiniteNumbers: return try word("Infinity", .double(.infinity))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw unexpected("a value")
    }
  }

  mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    let count = word.utf8CodeUnitCount
    guard bytes.count - position >= count else { throw unexpected("a value") }
    for index in 0..<count where bytes[position + index] != word.utf8Start[index] { throw unexpected("a value") }
    position += count
    return value
  }

  mutating func list(depth: Int) throws(JSONError) -> JSONValue {
    guard depth <= options.depthLimit else { throw error("lists and objects are nested deeper than \(options.depthLimit)") }
    position += 1
    skipWhitespace()
    var elements: [JSONValue] = []
    if current == UInt8(ascii: "]") {
      position += 1
      return .list(elements)
    }
    while true {
      elements.append(try value(depth: depth))
      skipWhitespace()
      switch current {
      case UInt8(ascii: ","):
        position += 1
        skipWhitespace()
      case UInt8(ascii: "]"):
        position += 1
        return .list(elements)
      default: throw unexpected("',' or ']'")
      }
    }
  }

  mutating func object(depth: Int) throws(JSONError) -> JSONValue {
    guard depth <= options.depthLimit else { throw error("lists and objects are nested deeper than \(options.depthLimit)") }
    position += 1
    skipWhitespace()
    var object = JSONObject()
    var seen = SeenNames()
    if current == UInt8(ascii: "}") {
      position += 1
      return .object(object)
    }
    while true {
      guard current == UInt8(ascii: "\"") else { throw unexpected("a field name") }
      let start = position
      let name = try string()
      if seen.isRepeated(name, among: object.fields) { throw error("the field '\(name)' is there twice", at: start) }
      skipWhitespace()
      guard current == UInt8(ascii: ":") else { throw unexpected("':'") }
      position += 1
      skipWhitespace()
      object.fields.append(JSONObject.Field(name, try value(depth: depth)))
      skipWhitespace()
      switch current {
      case UInt8(ascii: ","):
        position += 1
        skipWhitespace()
      case UInt8(ascii: "}"):
        position += 1
        return .object(object)
      default: throw unexpected("',' or '}'")
      }
    }
  }

  /// -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
  mutating func number() throws(JSONError) -> JSONValue {
    let start = position
    let negative = current == UInt8(ascii: "-")
    if negative {
      position += 1
      if options.acceptsNonFiniteNumbers, current == UInt8(ascii: "I") { return try word("Infinity", .double(-.infinity)) }
    }
    let firstDigit = position
    var magnitude = 0
    var fits = true
    while case let digit = current &- UInt8(ascii: "0"), digit <= 9 {
      let (product, overflow1) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, overflow2) = product.subtractingReportingOverflow(Int(digit))  // downwards: Int.min has no positive twin
      fits = fits && !overflow1 && !overflow2
      magnitude = sum
      position += 1
    }
    if position == firstDigit { throw unexpected("a digit") }
    if bytes[firstDigit] == UInt8(ascii: "0"), position - firstDigit > 1 { throw error("a number starts with a needless zero", at: start) }
    var isWhole = true
    if current == UInt8(ascii: ".") {
      isWhole = false
      position += 1
      try digits()
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      isWhole = false
      position += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    if isWhole, fits {
      if negative { return .int(magnitude) }
      let (positive, overflow) = Int(0).subtractingReportingOverflow(magnitude)
      if !overflow { return .int(positive) }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Double(text), value.isFinite else { throw error("the number \(text.prefix(40)) is too large", at: start) }
    return .double(value)
  }

  mutating func digits() throws(JSONError) {
    let start = position
    while case let digit = current &- UInt8(ascii: "0"), digit <= 9 { position += 1 }
    if position == start { throw unexpected("a digit") }
  }

  mutating func string() throws(JSONError) -> String {
    position += 1
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        let text = try validated(UnsafeBufferPointer(rebasing: bytes[start..<position]), from: start)
        position += 1
        return text
      }
      if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
      if byte < 0x20 { throw controlCharacter(byte) }
      position += 1
    }
    throw error("a text is not closed by '\"'", at: start - 1)
  }

  /// The rest of a string from its first escape on.
  mutating func escapedString(from start: Int) throws(JSONError) -> String {
    var buffer = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        let result: Result<String, JSONError> = buffer.withUnsafeBufferPointer { pointer in
          do throws(JSONError) { return .success(try validated(pointer, from: start)) } catch { return .failure(error) }
        }
        position += 1
        return try result.get()
      case UInt8(ascii: "\\"):
        position += 1
        try escape(into: &buffer)
      case 0..<0x20:
        throw controlCharacter(byte)
      default:
        buffer.append(byte)
        position += 1
      }
    }
    throw error("a text is not closed by '\"'", at: start - 1)
  }

  func controlCharacter(_ byte: UInt8) -> JSONError {
    error("a text holds the control character 0x\(String(byte, radix: 16, uppercase: true)) unescaped")
  }

  func validated(_ pointer: UnsafeBufferPointer<UInt8>, from start: Int) throws(JSONError) -> String {
    guard let text = String(validating: pointer, as: UTF8.self) else { throw error("a text is not valid UTF-8", at: start) }
    return text
  }

  /// What stands behind a backslash.
  mutating func escape(into buffer: inout [UInt8]) throws(JSONError) {
    let escape = current
    switch escape {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(escape)
    case UInt8(ascii: "b"): buffer.append(0x08)
    case UInt8(ascii: "f"): buffer.append(0x0C)
    case UInt8(ascii: "n"): buffer.append(0x0A)
    case UInt8(ascii: "r"): buffer.append(0x0D)
    case UInt8(ascii: "t"): buffer.append(0x09)
    case UInt8(ascii: "u"):
      try unicodeEscape(into: &buffer)
      return
    default: throw unexpected("an escape (one of \"\\/bfnrtu)")
    }
    position += 1
  }

  mutating func unicodeEscape(into buffer: inout [UInt8]) throws(JSONError) {
    let start = position - 1
    position += 1
    var code = UInt32(try hexQuad())
    if code >= 0xD800, code < 0xDC00, current == UInt8(ascii: "\\"), position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "u") {
      position += 2
      let low = UInt32(try hexQuad())
      guard low >= 0xDC00, low < 0xE000 else { throw error("half of a surrogate pair stands alone", at: start) }
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
    }
    guard let scalar = UnicodeScalar(code) else { throw error("half of a surrogate pair stands alone", at: start) }
    buffer.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  mutating func hexQuad() throws(JSONError) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      let byte = current
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: throw unexpected("a hexadecimal digit")
      }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }
}

/// Finds repeated names: by looking through a short list, by a set of bytes once the list is long.
private struct SeenNames {
  private var set: Set<[UInt8]> = []

  mutating func isRepeated(_ name: String, among fields: [JSONObject.Field]) -> Bool {
    if fields.count < 16 { return fields.contains { $0.name.utf8.elementsEqual(name.utf8) } }
    if set.isEmpty { set = Set(fields.map { Array($0.name.utf8) }) }
    return !set.insert(Array(name.utf8)).inserted
  }
}
