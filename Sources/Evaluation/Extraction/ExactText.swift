/// Text as the evaluators' rules treat it: code point by code point. Swift's own operations go by characters as a reader sees them and take
/// canonically equivalent texts for equal, which would decide some answers differently.
extension String {
  /// The text without white space at both ends, by the definition of Python's `str.strip`.
  var stripped: String {
    let scalars = unicodeScalars
    guard let first = scalars.firstIndex(where: { !$0.isSpace }), let last = scalars.lastIndex(where: { !$0.isSpace }) else { return "" }
    return String(scalars[first...last])
  }

  /// The text without white space at its end, as Python's `str.rstrip` has it.
  var withoutTrailingSpace: String {
    guard let last = unicodeScalars.lastIndex(where: { !$0.isSpace }) else { return "" }
    return String(unicodeScalars[...last])
  }

  /// Whether both texts are the same code points.
  func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }

  /// Whether the text begins with these code points.
  func beginsExactly(with other: String) -> Bool { utf8.starts(with: other.utf8) }

  /// The pieces between the places where `separator` stands, at most `most` separators counted from the left. Never empty.
  func pieces(between separator: String, most: Int = .max) -> [String] {
    let bytes = Array(utf8)
    let mark = Array(separator.utf8)
    guard let head = mark.first else { return [self] }
    var pieces: [String] = []
    var start = 0
    var place = 0
    while place + mark.count <= bytes.count, pieces.count < most {
      if bytes[place] == head, bytes[place..<(place + mark.count)].elementsEqual(mark) {
        pieces.append(String(decoding: bytes[start..<place], as: UTF8.self))
        place += mark.count
        start = place
      } else {
        place += 1
      }
    }
    pieces.append(String(decoding: bytes[start...], as: UTF8.self))
    return pieces
  }

  /// Whether the code points of `other` stand somewhere in the text.
  func containsExactly(_ other: String) -> Bool { pieces(between: other, most: 1).count > 1 }

  /// The text before the first place where `mark` stands; all of it where it stands nowhere.
  func before(_ mark: String) -> String { pieces(between: mark, most: 1)[0] }

  /// The text with every `old`, from the left, replaced by `new`.
  func replacing(_ old: String, by new: String) -> String { pieces(between: old).joined(separator: new) }

  /// The text without any of these.
  func removing(_ texts: String...) -> String { texts.reduce(self) { $0.replacing($1, by: "") } }

  /// The text with its first letter in title case and all others in lower case, as Python's `str.capitalize`.
  var capitalizedSentence: String {
    guard let first = unicodeScalars.first else { return self }
    return first.properties.titlecaseMapping + String(unicodeScalars.dropFirst()).lowercased()
  }

  /// The text with the digits of every script written as 0 to 9 (`１２` as `12`), which is how Python reads numbers.
  var withASCIIDigits: String {
    guard unicodeScalars.contains(where: { !$0.isASCII && $0.digit != nil }) else { return self }
    var scalars = String.UnicodeScalarView()
    for scalar in unicodeScalars { scalars.append(scalar.digit.map { Unicode.Scalar(0x30 + UInt8($0)) } ?? scalar) }
    return String(scalars)
  }
}

extension Unicode.Scalar {
  /// Whether Python counts it as white space: Unicode's, and the four separators of ASCII.
  fileprivate var isSpace: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }

  /// The value of a decimal digit of any script.
  fileprivate var digit: Int? {
    guard properties.generalCategory == .decimalNumber, let value = properties.numericValue else { return nil }
    return Int(value)
  }
}
