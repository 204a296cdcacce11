import StrictJSON

/// A step that turns tokens back into text. Steps follow each other; what the last one leaves is joined.
enum Decoder: Equatable, Sendable {
  /// Puts `replacement` in place of every `pattern` in each token.
  case replace(pattern: [UInt8], replacement: [UInt8])
  /// Runs of byte tokens become the characters whose UTF-8 they are, or U+FFFD for each byte.
  case byteFallback
  /// Joins all tokens to one.
  case fuse
  /// Takes up to `start` characters from the start of each token, and up to `stop` from its end.
  case strip(character: [UInt8], start: Int, stop: Int)
  /// Byte-level characters become bytes, and those are joined to one text.
  case byteLevel
  /// `replacement` becomes a space; in the first token it is dropped where it was put there by encoding.
  case metaspace(replacement: [UInt8], dropsFirst: Bool)

  /// How many bytes the step makes at most of each byte.
  var expansion: Int {
    switch self {
    case .replace(let pattern, let replacement): Normalizer.expansion(of: pattern, to: replacement)
    // A byte token has six bytes, U+FFFD three.
    case .byteFallback, .fuse, .strip, .byteLevel, .metaspace: 1
    }
  }

  /// Applies the step.
  func apply(to tokens: [[UInt8]]) -> [[UInt8]] {
    switch self {
    case .replace(let pattern, let replacement):
      return tokens.map { token in
        var result: [UInt8] = []
        token.withUnsafeBufferPointer { Normalizer.replace(pattern, by: replacement, in: $0, into: &result) }
        return result
      }
    case .byteFallback: return Self.joinBytes(tokens)
    case .fuse: return [Array(tokens.joined())]
    case .strip(let character, let start, let stop):
      return tokens.map { token in
        var token = token[...]
        var count = 0
        while count < start, token.starts(with: character) {
          token = token.dropFirst(character.count)
          count += 1
        }
        count = 0
        while count < stop, token.suffix(character.count).elementsEqual(character) {
          token = token.dropLast(character.count)
          count += 1
        }
        return Array(token)
      }
    case .byteLevel:
      return [tokens.flatMap { token in token.withUnsafeBufferPointer { ByteLevel.bytes(of: $0) } ?? token }]
    case .metaspace(let sign, let dropsFirst):
      return tokens.enumerated().map { index, token in
        var result: [UInt8] = []
        let replacement = index == 0 && dropsFirst ? [] : [UInt8(ascii: " ")]
        token.withUnsafeBufferPointer { Normalizer.replace(sign, by: replacement, in: $0, into: &result) }
        return result
      }
    }
  }

  private static func joinBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var bytes: [UInt8] = []
    func flush() {
      guard !bytes.isEmpty else { return }
      if bytes.withUnsafeBufferPointer({ ForeignText.firstFault(in: $0) }) == nil {
        result.append(bytes)
      } else {
        result += Array(repeating: Array("\u{FFFD}".utf8), count: bytes.count)
      }
      bytes.removeAll()
    }
    for token in tokens {
      if let byte = ByteFallback.byte(of: token) {
        bytes.append(byte)
      } else {
        flush()
        result.append(token)
      }
    }
    flush()
    return result
  }
}
