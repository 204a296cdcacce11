/// A step that changes text before it is cut.
enum Normalizer: Equatable, Sendable {
  /// Puts a text before every text that is not empty.
  case prepend([UInt8])
  /// Puts `replacement` in place of every `pattern`, taken literally.
  case replace(pattern: [UInt8], replacement: [UInt8])
  /// Takes spaces (U+0020) from the start and the end, and makes one of several (`remove_extra_whitespaces` of SentencePiece).
  case removeExtraSpaces
  /// Takes a text from the end as often as it stands there.
  case trimEnd([UInt8])

  /// How many bytes the step makes at most of each byte of a text that is not empty.
  var expansion: Int {
    switch self {
    case .prepend(let prefix): 1 + prefix.count
    case .replace(let pattern, let replacement): Self.expansion(of: pattern, to: replacement)
    case .removeExtraSpaces, .trimEnd: 1
    }
  }

  /// How many bytes replacing makes at most of each byte.
  static func expansion(of pattern: [UInt8], to replacement: [UInt8]) -> Int {
    max(1, (replacement.count + pattern.count - 1) / max(1, pattern.count))
  }

  /// Applies the step to `text`, appending to `result`.
  func apply(to text: UnsafeBufferPointer<UInt8>, into result: inout [UInt8]) {
    switch self {
    case .prepend(let prefix):
      if !text.isEmpty { result.append(contentsOf: prefix) }
      result.append(contentsOf: text)
    case .replace(let pattern, let replacement):
      Self.replace(pattern, by: replacement, in: text, into: &result)
    case .removeExtraSpaces:
      let start = result.count
      for byte in text where byte != UInt8(ascii: " ") || (result.count > start && result[result.count - 1] != UInt8(ascii: " ")) {
        result.append(byte)
      }
      if result.count > start, result[result.count - 1] == UInt8(ascii: " ") { result.removeLast() }
    case .trimEnd(let suffix):
      var end = text.count
      while !suffix.isEmpty, end >= suffix.count, text[(end - suffix.count)..<end].elementsEqual(suffix) { end -= suffix.count }
      result.append(contentsOf: text[..<end])
    }
  }

  /// Appends `text` to `result` with every occurrence of `pattern`, from left to right, replaced.
  static func replace(
    _ pattern: [UInt8], by replacement: [UInt8], in text: UnsafeBufferPointer<UInt8>, into result: inout [UInt8]
  ) {
    guard let first = pattern.first else { return result.append(contentsOf: text) }
    var position = 0
    var start = 0
    while position + pattern.count <= text.count {
      if text[position] == first, text[position..<position + pattern.count].elementsEqual(pattern) {
        result.append(contentsOf: text[start..<position])
        result.append(contentsOf: replacement)
        position += pattern.count
        start = position
      } else {
        position += 1
      }
    }
    result.append(contentsOf: text[start...])
  }
}

extension [Normalizer] {
  /// Applies all steps in turn.
  func apply(to text: [UInt8]) -> [UInt8] {
    reduce(text) { text, step in
      var result: [UInt8] = []
      text.withUnsafeBufferPointer { step.apply(to: $0, into: &result) }
      return result
    }
  }
}
