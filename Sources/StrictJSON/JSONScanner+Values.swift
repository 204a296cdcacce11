/// Trees of values: what is small is read whole.
extension JSONScanner {
  /// More digits than this are no number that anyone wrote.
  private static let longestNumber = 4096

  /// Reads any value.
  public mutating func value() throws(JSONError) -> JSONValue {
    skipWhitespace()
    return try value(depth: 0)
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    valueCount += 1
    guard valueCount <= options.valueLimit else { throw error("there are more than \(options.valueLimit) values") }
    switch current {
    case UInt8(ascii: "\""): return .string(try text())
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

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    let count = word.utf8CodeUnitCount
    guard bytes.count - position >= count else { throw unexpected("a value") }
    for index in 0..<count where bytes[position + index] != word.utf8Start[index] { throw unexpected("a value") }
    position += count
    return value
  }

  private mutating func list(depth: Int) throws(JSONError) -> JSONValue {
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

  private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
    guard depth <= options.depthLimit else { throw error("lists and objects are nested deeper than \(options.depthLimit)") }
    position += 1
    skipWhitespace()
    var object = JSONObject()
    if current == UInt8(ascii: "}") {
      position += 1
      return .object(object)
    }
    while true {
      guard current == UInt8(ascii: "\"") else { throw unexpected("a field name") }
      let start = position
      let name = try text()
      let isRepeated = object.contains(name)
      if isRepeated, !options.acceptsRepeatedNames { throw error("the field '\(name.excerpt)' is there twice", at: start) }
      skipWhitespace()
      guard current == UInt8(ascii: ":") else { throw unexpected("':'") }
      position += 1
      skipWhitespace()
      let value = try value(depth: depth)
      if isRepeated { object[name] = value } else { object.append(name, value) }
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
  private mutating func number() throws(JSONError) -> JSONValue {
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
    guard position - start <= Self.longestNumber else { throw error("a number has more than \(Self.longestNumber) digits", at: start) }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Double(text), value.isFinite else { throw error("the number \(text.prefix(40)) is too large", at: start) }
    return .double(value)
  }

  private mutating func digits() throws(JSONError) {
    let start = position
    while case let digit = current &- UInt8(ascii: "0"), digit <= 9 { position += 1 }
    if position == start { throw unexpected("a digit") }
  }
}

extension String {
  /// The start of the text, for a message. (By scalars: one character may be any number of them.)
  fileprivate var excerpt: String { unicodeScalars.count <= 40 ? self : String(unicodeScalars.prefix(40)) + "…" }
}
