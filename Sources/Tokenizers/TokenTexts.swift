extension Tokenizer {
  /// What each of these tokens adds to the text of all of them, as bytes: together they are what `decode` makes text of. A token may end within a
  /// character.
  /// - Throws: ``TokenizerError/unknownToken(id:vocabularySize:)`` for an id that stands for no token.
  public func bytes(ofEach ids: some Sequence<Int>) throws -> [[UInt8]] {
    var continues = false
    return try ids.map { id -> [UInt8] in
      guard let token = try self.token(id, false) else { return [] }
      let bytes = decoding.joinsBytes ? ByteFallback.byte(of: token).map { [$0] } : nil
      let added = bytes ?? decoding.bytes(of: [token], continues: continues)
      if !added.isEmpty { continues = true }
      return added
    }
  }

  /// The same as text: bytes that are no character by themselves are written `<0xE4>`, as SentencePiece writes them.
  /// - Throws: as `bytes(ofEach:)`.
  public func texts(ofEach ids: some Sequence<Int>) throws -> [String] { try bytes(ofEach: ids).map(Self.text) }

  /// Bytes as text, byte by byte where they are no UTF-8.
  private static func text(_ bytes: [UInt8]) -> String {
    var text = ""
    var rest = bytes[...]
    while let first = rest.first {
      // The longest whole character at the beginning.
      let length =
        first < 0x80
        ? 1 : (2...4).first { $0 <= rest.count && String(validating: rest.prefix($0), as: UTF8.self)?.unicodeScalars.count == 1 }
      if let length, let character = String(validating: rest.prefix(length), as: UTF8.self) {
        text += character
        rest = rest.dropFirst(length)
      } else {
        text += String(decoding: ByteFallback.token(of: first), as: UTF8.self)
        rest = rest.dropFirst()
      }
    }
    return text
  }
}
