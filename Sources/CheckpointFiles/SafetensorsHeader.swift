/// What a safetensors header says, before its numbers are checked against each other.
struct SafetensorsHeader {
  struct Tensor {
    var name: String
    var elementType: String
    var shape: [Int]
    var begin: Int
    var end: Int
  }
  var metadata: [String: String] = [:]
  var tensors: [Tensor] = []
}

/// What is wrong with a header's text.
struct SafetensorsHeaderError: Error {
  var tensor: String?
  var problem: String
}

/// Reads a safetensors header: one JSON object of fixed form, so that depth and size are bounded by the grammar, duplicate
/// names are seen, and no number passes through floating point.
struct SafetensorsHeaderParser {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  /// The tensor being read, for messages.
  private var current: String?

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  mutating func parse() throws(SafetensorsHeaderError) -> SafetensorsHeader {
    var header = SafetensorsHeader()
    var names: Set<String> = []
    var hasMetadata = false
    // The reference implementation allows no space before the brace.
    guard peek() == UInt8(ascii: "{") else { throw problem("its header does not begin with {") }
    try object { (parser: inout Self, name: String) throws(SafetensorsHeaderError) in
      if name == "__metadata__" {
        guard !hasMetadata else { throw parser.problem("its header has __metadata__ twice") }
        hasMetadata = true
        header.metadata = try parser.metadata()
      } else {
        parser.current = name
        guard names.insert(name).inserted else { throw parser.problem("is named twice in the header") }
        header.tensors.append(try parser.tensor(named: name))
        parser.current = nil
      }
    }
    skipSpace()
    guard position == bytes.count else { throw problem("its header goes on after the closing brace") }
    return header
  }

  private mutating func metadata() throws(SafetensorsHeaderError) -> [String: String] {
    var metadata: [String: String] = [:]
    try object { (parser: inout Self, key: String) throws(SafetensorsHeaderError) in
      guard parser.peek() == UInt8(ascii: "\"") else { throw parser.problem("its metadata \(key.debugDescription) is not a string") }
      let value = try parser.string()
      guard metadata.updateValue(value, forKey: key) == nil else { throw parser.problem("its metadata has \(key.debugDescription) twice") }
    }
    return metadata
  }

  private mutating func tensor(named name: String) throws(SafetensorsHeaderError) -> SafetensorsHeader.Tensor {
    var elementType: String?
    var shape: [Int]?
    var offsets: [Int]?
    try object { (parser: inout Self, field: String) throws(SafetensorsHeaderError) in
      switch field {
      case "dtype" where elementType == nil: elementType = try parser.string()
      case "shape" where shape == nil: shape = try parser.integers()
      case "data_offsets" where offsets == nil: offsets = try parser.integers()
      case "dtype", "shape", "data_offsets": throw parser.problem("has the field \"\(field)\" twice in the header")
      default: throw parser.problem("has the unknown field \(field.debugDescription) in the header")
      }
    }
    guard let elementType else { throw problem("has no dtype in the header") }
    guard let shape else { throw problem("has no shape in the header") }
    guard let offsets else { throw problem("has no data_offsets in the header") }
    guard offsets.count == 2 else { throw problem("has \(offsets.count) data_offsets where two belong") }
    return SafetensorsHeader.Tensor(name: name, elementType: elementType, shape: shape, begin: offsets[0], end: offsets[1])
  }

  // MARK: The grammar

  /// Reads an object; the closure is called at each value, after its key and colon.
  private mutating func object(
    _ member: (inout Self, String) throws(SafetensorsHeaderError) -> Void
  ) throws(SafetensorsHeaderError) {
    try expect(UInt8(ascii: "{"))
    skipSpace()
    if take(UInt8(ascii: "}")) { return }
    repeat {
      skipSpace()
      let key = try string()
      skipSpace()
      try expect(UInt8(ascii: ":"))
      skipSpace()
      try member(&self, key)
      skipSpace()
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"))
  }

  /// Reads an array of integers that are not negative.
  private mutating func integers() throws(SafetensorsHeaderError) -> [Int] {
    try expect(UInt8(ascii: "["))
    skipSpace()
    if take(UInt8(ascii: "]")) { return [] }
    var values: [Int] = []
    repeat {
      skipSpace()
      values.append(try integer())
      skipSpace()
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"))
    return values
  }

  private mutating func integer() throws(SafetensorsHeaderError) -> Int {
    let start = position
    var value = 0
    while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
      let (tens, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowedAgain) = tens.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
      guard !overflowed, !overflowedAgain else { throw problem("has a number in the header that is too large to count with") }
      value = sum
      position += 1
    }
    let digits = position - start
    guard digits == 1 || digits > 1 && bytes[start] != UInt8(ascii: "0") else {
      throw problem("has something other than a whole number at byte \(start) of the header")
    }
    return value
  }

  private mutating func string() throws(SafetensorsHeaderError) -> String {
    try expect(UInt8(ascii: "\""))
    let start = position
    var units: [UInt8]?  // Only for strings with escapes; others are decoded where they lie.
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\""):
        let text = units.map { String(validating: $0, as: UTF8.self) } ?? String(validating: bytes[start..<position], as: UTF8.self)
        guard let text else { throw problem("has a string at byte \(start) of the header that is not UTF-8") }
        position += 1
        return text
      case UInt8(ascii: "\\"):
        if units == nil { units = Array(bytes[start..<position]) }
        let scalar = try escape()
        units?.append(contentsOf: Array(String(scalar).utf8))
      case 0..<0x20: throw problem("has a control character at byte \(position) of the header")
      default:
        units?.append(byte)
        position += 1
      }
    }
    throw problem("has a string at byte \(start) of the header that does not end")
  }

  private mutating func escape() throws(SafetensorsHeaderError) -> Unicode.Scalar {
    let start = position
    position += 1
    guard let kind = peek() else { throw problem("has an unfinished escape at byte \(start) of the header") }
    position += 1
    switch kind {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try hexadecimal()
      if let scalar = Unicode.Scalar(first) { return scalar }
      // A character beyond 16 bits is two escapes: a high surrogate, then a low one.
      if (0xd800..<0xdc00).contains(first), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
        let second = try hexadecimal()
        if (0xdc00..<0xe000).contains(second), let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)) {
          return scalar
        }
      }
      throw problem("has half of a surrogate pair at byte \(start) of the header")
    default: throw problem("has an unknown escape at byte \(start) of the header")
    }
  }

  private mutating func hexadecimal() throws(SafetensorsHeaderError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw problem("has an unfinished escape at byte \(position) of the header")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private func peek() -> UInt8? {
    position < bytes.count ? bytes[position] : nil
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ byte: UInt8) throws(SafetensorsHeaderError) {
    guard take(byte) else {
      let found = peek().map { (0x20..<0x7f).contains($0) ? "'\(Unicode.Scalar($0))'" : "byte \($0)" } ?? "the end"
      throw problem("expected '\(Unicode.Scalar(byte))' at byte \(position) of the header and found \(found)")
    }
  }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
  }

  private func problem(_ problem: String) -> SafetensorsHeaderError {
    SafetensorsHeaderError(tensor: current, problem: problem)
  }
}
