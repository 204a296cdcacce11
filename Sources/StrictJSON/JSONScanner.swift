/// Pulls a JSON text value by value from UTF-8 bytes: a header or a vocabulary becomes tables without becoming a tree of values
/// first, and ``value()`` makes a tree of what is small.
///
/// Strict as ``JSONParser`` says. Every read checks the end of the buffer.
public struct JSONScanner {
  let bytes: UnsafeBufferPointer<UInt8>
  let options: JSONParser
  /// The next byte that is read.
  public internal(set) var position = 0
  /// Values of trees that were read, for the limit on them.
  public internal(set) var valueCount: Int
  /// Where strings with escapes are put together.
  private var unescaped: [UInt8] = []

  /// A scanner of `bytes`, which must stay valid as long as it is used.
  /// - Parameters:
  ///   - bytes: the document, UTF-8.
  ///   - options: what is accepted, and the limits.
  ///   - valueCount: values that count against the limit already, where a value is read in parts.
  public init(_ bytes: UnsafeBufferPointer<UInt8>, options: JSONParser = JSONParser(), valueCount: Int = 0) {
    self.bytes = bytes
    self.options = options
    self.valueCount = valueCount
    if options.acceptsByteOrderMark, bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
  }

  // MARK: Pieces

  /// The byte at the cursor; 0, which JSON allows nowhere, behind the end.
  @inline(__always)
  var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

  @inline(__always)
  mutating func skipWhitespace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  /// The next byte that is not white space, without consuming it; nil at the end.
  public mutating func peek() -> UInt8? {
    skipWhitespace()
    return position < bytes.count ? bytes[position] : nil
  }

  /// Consumes `byte` where it comes next.
  public mutating func take(_ byte: UInt8) -> Bool {
    skipWhitespace()
    guard current == byte, position < bytes.count else { return false }
    position += 1
    return true
  }

  /// Consumes `byte`, or says what should stand there.
  public mutating func expect(_ byte: UInt8, _ what: StaticString) throws(JSONError) {
    guard take(byte) else { throw unexpected("\(what)") }
  }

  /// Nothing but white space may follow.
  public mutating func end() throws(JSONError) {
    switch peek() {
    case nil: return
    case UInt8(ascii: ","):
      throw error("a comma follows the end of the value; in JSON Lines leave it out, in JSON put values between [ and ]")
    default: throw error("something follows the end of the value")
    }
  }

  /// A problem at this byte, or where the cursor stands.
  public func error(_ problem: String, at offset: Int? = nil) -> JSONError {
    JSONError(offset: offset ?? position, problem: problem)
  }

  /// The problem of an unexpected byte or end.
  public func unexpected(_ wanted: String) -> JSONError {
    guard position < bytes.count else { return error("the text ends where \(wanted) should be") }
    let byte = bytes[position]
    let shown = byte > 0x20 && byte < 0x7F ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x" + String(byte, radix: 16, uppercase: true)
    // As Python prints its dictionaries.
    let remedy = byte == UInt8(ascii: "'") ? "; JSON has names and texts in double quotes" : ""
    return error("\(shown) stands where \(wanted) should be\(remedy)")
  }

  // MARK: Lists and objects, element by element

  /// Reads an object: `member` is called with each name, between name and value, and must consume the value. Repeated names are for
  /// `member` to notice.
  public mutating func object(
    _ member: (inout JSONScanner, String) throws(JSONError) -> Void
  ) throws(JSONError) {
    try expect(UInt8(ascii: "{"), "an object")
    if take(UInt8(ascii: "}")) { return }
    repeat {
      guard peek() == UInt8(ascii: "\"") else { throw unexpected("a field name") }
      let name = try text()
      try expect(UInt8(ascii: ":"), "':'")
      try member(&self, name)
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"), "',' or '}'")
  }

  /// Reads a list, calling `element` before each element; `element` must consume it.
  public mutating func list(_ element: (inout JSONScanner) throws(JSONError) -> Void) throws(JSONError) {
    try expect(UInt8(ascii: "["), "a list")
    if take(UInt8(ascii: "]")) { return }
    repeat { try element(&self) } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"), "',' or ']'")
  }

  // MARK: Strings and numbers

  /// Reads a string.
  public mutating func text() throws(JSONError) -> String {
    let start = position
    switch try scanString() {
    case .plain(let range, isASCII: true): return String(decoding: bytes[range], as: UTF8.self)
    case .plain(let range, isASCII: false): return try text(UnsafeBufferPointer(rebasing: bytes[range]), from: start)
    case .escaped:
      // The closure cannot throw a typed error.
      let result: Result<String, JSONError> = unescaped.withUnsafeBufferPointer { buffer in
        do throws(JSONError) { return .success(try text(buffer, from: start)) } catch { return .failure(error) }
      }
      return try result.get()
    }
  }

  private func text(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) throws(JSONError) -> String {
    do throws(ForeignText.Problem) {
      return try ForeignText.text(bytes)
    } catch {
      throw self.error("a text \(error.rawValue)", at: start)
    }
  }

  /// Reads a string and hands its bytes, which are valid UTF-8, to `body`.
  ///
  /// - Parameters:
  ///   - what: what should stand here, for the message where something else does.
  ///   - body: takes the bytes, which are gone when it returns.
  public mutating func string(
    _ what: StaticString = "a text", _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) throws(JSONError) {
    guard peek() == UInt8(ascii: "\"") else { throw unexpected("\(what)") }
    let start = position
    switch try scanString() {
    case .plain(let range, let isASCII):
      let content = UnsafeBufferPointer(rebasing: bytes[range])
      guard isASCII || ForeignText.firstFault(in: content) == nil else { throw notUTF8(start) }
      body(content)
    case .escaped:
      guard unescaped.withUnsafeBufferPointer({ ForeignText.firstFault(in: $0) }) == nil else { throw notUTF8(start) }
      unescaped.withUnsafeBufferPointer(body)
    }
  }

  /// Reads a whole number from 0 on, without sign, point or exponent.
  ///
  /// - Parameter what: what should stand here, for messages: "a size".
  public mutating func wholeNumber(_ what: StaticString = "a whole number") throws(JSONError) -> Int {
    skipWhitespace()
    let start = position
    var value = 0
    while case let digit = current &- UInt8(ascii: "0"), digit <= 9 {
      let (tens, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowedAgain) = tens.addingReportingOverflow(Int(digit))
      guard !overflowed, !overflowedAgain else { throw error("\(what) is too large", at: start) }
      value = sum
      position += 1
    }
    guard position > start else { throw unexpected("\(what)") }
    if bytes[start] == UInt8(ascii: "0"), position - start > 1 { throw error("a number starts with a needless zero", at: start) }
    if [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(current) {
      throw error("\(what) is not a whole number", at: start)
    }
    return value
  }

  // MARK: What strings are made of

  /// Where the bytes of a string are.
  private enum StringContent {
    /// In the text, as they are.
    case plain(Range<Int>, isASCII: Bool)
    /// In ``unescaped``.
    case escaped
  }

  /// Reads the string whose opening quote is at the cursor. Its UTF-8 is not looked at yet.
  private mutating func scanString() throws(JSONError) -> StringContent {
    position += 1
    let start = position
    let high = skipPlainBytes()
    guard position < bytes.count else { throw error("a text is not closed by '\"'", at: start - 1) }
    if bytes[position] == UInt8(ascii: "\"") {
      position += 1
      return .plain(start..<position - 1, isASCII: high & 0x80 == 0)
    }
    unescaped.removeAll(keepingCapacity: true)
    var run = start
    while position < bytes.count {
      unescaped.append(contentsOf: bytes[run..<position])
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return .escaped
      case UInt8(ascii: "\\"):
        position += 1
        try escape()
      case let byte: throw error("a text holds the control character 0x\(String(byte, radix: 16, uppercase: true)) unescaped")
      }
      run = position
      _ = skipPlainBytes()
    }
    throw error("a text is not closed by '\"'", at: start - 1)
  }

  /// Moves to the next quote, backslash or control character, or the end. The result has bit 7 set if a byte on the way has.
  @inline(__always)
  private mutating func skipPlainBytes() -> UInt8 {
    var high: UInt8 = 0
    // Eight bytes at a time, as long as none of them ends the run (the "haszero" and "hasless" of Anderson's Bit Twiddling Hacks).
    if let base = bytes.baseAddress.map({ UnsafeRawPointer($0) }) {
      var highs: UInt64 = 0
      while position + 8 <= bytes.count {
        let word = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        let quotes = word ^ 0x2222_2222_2222_2222
        let backslashes = word ^ 0x5C5C_5C5C_5C5C_5C5C
        let ends =
          (quotes &- 0x0101_0101_0101_0101) & ~quotes | (backslashes &- 0x0101_0101_0101_0101) & ~backslashes
          | (word &- 0x2020_2020_2020_2020) & ~word
        if ends & 0x8080_8080_8080_8080 != 0 { break }
        highs |= word
        position += 8
      }
      if highs & 0x8080_8080_8080_8080 != 0 { high = 0x80 }
    }
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
      high |= byte
      position += 1
    }
    return high
  }

  private func notUTF8(_ start: Int) -> JSONError { error("a text \(ForeignText.Problem.invalid.rawValue)", at: start) }

  /// Reads what stands behind a backslash.
  private mutating func escape() throws(JSONError) {
    let escape = current
    switch escape {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(escape)
    case UInt8(ascii: "b"): unescaped.append(0x08)
    case UInt8(ascii: "f"): unescaped.append(0x0C)
    case UInt8(ascii: "n"): unescaped.append(0x0A)
    case UInt8(ascii: "r"): unescaped.append(0x0D)
    case UInt8(ascii: "t"): unescaped.append(0x09)
    case UInt8(ascii: "u"):
      try unicodeEscape()
      return
    default: throw unexpected("an escape (one of \"\\/bfnrtu)")
    }
    position += 1
  }

  private mutating func unicodeEscape() throws(JSONError) {
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
    unescaped.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  private mutating func hexQuad() throws(JSONError) -> UInt16 {
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
