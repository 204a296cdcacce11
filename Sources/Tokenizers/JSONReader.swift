import StrictJSON

/// What is wrong at a byte of a file.
struct Fault: Error, Equatable {
  /// Byte offset from the start of the file.
  var offset: Int
  /// The reason, as part of a sentence.
  var reason: String
}

/// Pulls a JSON document (RFC 8259) value by value from UTF-8 bytes, so that a vocabulary of 256 thousand tokens becomes tables without
/// becoming a tree of values first. Values other than vocabularies and merges are handed to ``StrictJSON``.
struct JSONReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  private(set) var position = 0
  /// Where strings with escapes are put together.
  private var unescaped: [UInt8] = []

  /// A reader of `bytes`, which must stay valid as long as the reader is used.
  ///
  /// - Throws: ``Fault`` where the bytes are not UTF-8.
  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
    self.bytes = bytes
    if let offset = UTF8Coding.firstFault(in: bytes) {
      throw Fault(offset: offset, reason: "this is not UTF-8")
    }
    // A byte-order mark before the document is allowed, as Python's "utf-8-sig" writes it; inside strings it is kept.
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
  }

  /// The next byte that is not white space, without consuming it; nil at the end.
  mutating func peek() -> UInt8? {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
      position += 1
    }
    return nil
  }

  /// Consumes `byte` where it comes next.
  mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  /// Consumes `byte`, or says what was expected.
  mutating func expect(_ byte: UInt8, _ what: StaticString) throws(Fault) {
    guard take(byte) else { throw fault("expected \(what)") }
  }

  /// Nothing but white space may follow.
  mutating func end() throws(Fault) {
    if peek() != nil { throw fault("text follows the end of the JSON document") }
  }

  /// A fault at the present position.
  func fault(_ reason: String) -> Fault {
    Fault(offset: position, reason: position >= bytes.count ? "the file ends too early (\(reason))" : reason)
  }

  /// Reads an object, calling `member` with each key; `member` must consume the value.
  mutating func object(_ member: (inout JSONReader, UnsafeBufferPointer<UInt8>) throws(Fault) -> Void) throws(Fault) {
    try expect(UInt8(ascii: "{"), "an object")
    if take(UInt8(ascii: "}")) { return }
    repeat {
      // The key is copied, because reading the value may reuse the buffer that it stands in.
      let key = try string { bytes in Array(bytes) }
      try expect(UInt8(ascii: ":"), "a colon after the key")
      try key.withUnsafeBufferPointer { name throws(Fault) in try member(&self, name) }
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"), "a comma or the end of the object")
  }

  /// Reads an array, calling `element` before each element; `element` must consume it.
  mutating func array(_ element: (inout JSONReader) throws(Fault) -> Void) throws(Fault) {
    try expect(UInt8(ascii: "["), "an array")
    if take(UInt8(ascii: "]")) { return }
    repeat { try element(&self) } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"), "a comma or the end of the array")
  }

  /// Reads a string and hands its unescaped bytes, valid UTF-8, to `body`.
  mutating func string<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) throws(Fault) -> Result {
    try expect(UInt8(ascii: "\""), "a string")
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        let content = UnsafeBufferPointer(rebasing: bytes[start..<position])
        position += 1
        return body(content)
      }
      if byte == UInt8(ascii: "\\") { break }
      if byte < 0x20 { throw fault("a control character stands unescaped in a string") }
      position += 1
    }
    unescaped.removeAll(keepingCapacity: true)
    unescaped.append(contentsOf: bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return unescaped.withUnsafeBufferPointer(body)
      case UInt8(ascii: "\\"): try escape()
      case 0..<0x20: throw fault("a control character stands unescaped in a string")
      default: unescaped.append(byte)
      }
    }
    throw fault("a string is not closed")
  }

  /// Reads what follows a backslash and appends it to `unescaped`.
  private mutating func escape() throws(Fault) {
    guard position < bytes.count else { throw fault("a string is not closed") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
    case UInt8(ascii: "b"): unescaped.append(0x08)
    case UInt8(ascii: "f"): unescaped.append(0x0C)
    case UInt8(ascii: "n"): unescaped.append(0x0A)
    case UInt8(ascii: "r"): unescaped.append(0x0D)
    case UInt8(ascii: "t"): unescaped.append(0x09)
    case UInt8(ascii: "u"):
      var point = try hexadecimal()
      if 0xD800..<0xDC00 ~= point {
        guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u") else {
          throw fault("an unpaired surrogate stands in a string")
        }
        position += 2
        let low = try hexadecimal()
        guard 0xDC00..<0xE000 ~= low else { throw fault("an unpaired surrogate stands in a string") }
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(point) else { throw fault("an unpaired surrogate stands in a string") }
      unescaped.append(contentsOf: UTF8Coding.bytes(of: scalar))
    default: throw fault("an unknown escape stands in a string")
    }
  }

  private mutating func hexadecimal() throws(Fault) -> UInt32 {
    guard position + 4 <= bytes.count else { throw fault("an escape is cut short") }
    var value: UInt32 = 0
    for _ in 0..<4 {
      let byte = bytes[position]
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: throw fault("an escape is not hexadecimal")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  /// Reads a token id: an integer from 0 to 2³² − 1 without sign, point or exponent.
  mutating func identifier() throws(Fault) -> UInt32 {
    guard let first = peek(), UInt8(ascii: "0")...UInt8(ascii: "9") ~= first else { throw fault("expected a token id") }
    let start = position
    var value: UInt64 = 0
    while position < bytes.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[position] {
      value = value * 10 + UInt64(bytes[position] - UInt8(ascii: "0"))
      position += 1
      if value > UInt64(UInt32.max) || position - start > 10 { throw fault("a token id is out of range") }
    }
    if first == UInt8(ascii: "0"), position - start > 1 { throw fault("a number starts with a zero") }
    if position < bytes.count, [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[position]) {
      throw fault("a token id is not a whole number")
    }
    return UInt32(value)
  }

  /// Reads any value.
  mutating func value() throws(Fault) -> JSONValue {
    guard peek() != nil else { throw fault("expected a value") }
    let start = position
    try skip()
    do throws(JSONError) {
      return try JSONParser(acceptsNonFiniteNumbers: true).parse(UnsafeBufferPointer(rebasing: bytes[start..<position]))
    } catch {
      throw Fault(offset: start + error.offset, reason: error.problem)
    }
  }

  /// Moves behind the value that starts here; what is wrong within it is found when it is parsed.
  private mutating func skip() throws(Fault) {
    var depth = 0
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        guard depth >= 0 else { return }
      case UInt8(ascii: "\""):
        try skipString()
        if depth == 0 { return }
        continue
      case UInt8(ascii: ","):
        if depth == 0 { return }
      default: break
      }
      position += 1
      if depth == 0, bytes[position - 1] == UInt8(ascii: "}") || bytes[position - 1] == UInt8(ascii: "]") { return }
    }
    if depth > 0 { throw fault("a list or an object is not closed") }
  }

  private mutating func skipString() throws(Fault) {
    position += 1
    while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
      position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
    }
    guard position < bytes.count else { throw fault("a text is not closed") }
    position += 1
  }
}
