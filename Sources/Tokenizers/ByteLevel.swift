/// The byte-level alphabet of GPT-2: every byte written as a printable character, so that a vocabulary of texts can hold any bytes.
enum ByteLevel {
  /// The character of each byte: printable Latin-1 characters stand for themselves, the others for U+0100 onwards in turn.
  static let characters: [Unicode.Scalar] = {
    var spare: UInt32 = 0x100
    return (UInt32(0)..<256).map { byte in
      let isPrintable = 0x21...0x7E ~= byte || 0xA1...0xAC ~= byte || 0xAE...0xFF ~= byte
      defer { if !isPrintable { spare += 1 } }
      return Unicode.Scalar(isPrintable ? byte : spare) ?? "\u{FFFD}"
    }
  }()

  /// The byte of each character below U+0180, -1 where a character stands for none.
  private static let byteOfCharacter: [Int16] = {
    var table = [Int16](repeating: -1, count: 0x180)
    for (byte, character) in characters.enumerated() where character.value < 0x180 { table[Int(character.value)] = Int16(byte) }
    return table
  }()

  /// The bytes that a token of byte-level characters stands for; nil where one of its characters stands for no byte.
  static func bytes(of token: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(token.count)
    let table = byteOfCharacter
    var position = 0
    while position < token.count {
      let (scalar, length) = UTF8Coding.scalar(at: position, in: token)
      guard scalar < 0x180, table[Int(scalar)] >= 0 else { return nil }
      bytes.append(UInt8(truncatingIfNeeded: table[Int(scalar)]))
      position += length
    }
    return bytes
  }

  /// `bytes` in byte-level characters, as UTF-8.
  static func token(of bytes: some Collection<UInt8>) -> [UInt8] {
    var token: [UInt8] = []
    token.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      let character = characters[Int(byte)].value
      if character < 0x80 {
        token.append(UInt8(truncatingIfNeeded: character))
      } else {
        token.append(UInt8(truncatingIfNeeded: 0xC0 | character >> 6))
        token.append(UInt8(truncatingIfNeeded: 0x80 | character & 0x3F))
      }
    }
    return token
  }
}

/// The tokens `<0x00>` to `<0xFF>` of SentencePiece, which stand for single bytes of characters that are not in the vocabulary.
enum ByteFallback {
  /// The token of a byte.
  static func token(of byte: UInt8) -> [UInt8] {
    Array("<0x".utf8) + [byte >> 4, byte & 15].map { $0 < 10 ? UInt8(ascii: "0") + $0 : UInt8(ascii: "A") + $0 - 10 } + Array(">".utf8)
  }

  /// The byte of a token of this form; nil for any other token. Small letters count too, as in Hugging Face tokenizers.
  static func byte(of token: some Collection<UInt8>) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8) else { return nil }
    let tail = Array(token.dropFirst(3))
    guard tail[2] == UInt8(ascii: ">") else { return nil }
    return UInt8(String(decoding: tail[0..<2], as: UTF8.self), radix: 16)
  }
}
