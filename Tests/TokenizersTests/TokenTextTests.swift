import Testing

@testable import Tokenizers

/// What each token adds to a text.
@Suite struct TokenTextTests {
  /// Together the tokens are the text.
  @Test(arguments: Goldens.cases) func tokensMakeTheWholeText(_ golden: Goldens.Case) throws {
    let tokenizer = try Tokenizer.load(from: golden.folder)
    for ids in stride(from: 0, to: golden.ids.count, by: 3).map({ golden.ids[$0] }) {
      let bytes = try tokenizer.bytes(ofEach: ids)
      let whole = try tokenizer.decode(ids)
      #expect(bytes.count == ids.count)
      #expect(Array(String(decoding: bytes.joined(), as: UTF8.self).utf8) == Array(whole.utf8), "\(golden.name), \(ids)")
    }
  }

  /// A token that ends within a character is written byte by byte, and no text holds U+FFFD that the token does not have itself.
  @Test(arguments: Goldens.cases) func bytesThatAreNoCharacterAreWritten(_ golden: Goldens.Case) throws {
    let tokenizer = try Tokenizer.load(from: golden.folder)
    let ids = tokenizer.encode("a 𓀀 é", addSpecialTokens: false)
    let (bytes, texts) = (try tokenizer.bytes(ofEach: ids), try tokenizer.texts(ofEach: ids))
    for (bytes, text) in zip(bytes, texts) {
      if String(validating: bytes, as: UTF8.self) == nil {
        #expect(text.contains("<0x") && !text.contains("\u{FFFD}"), "\(golden.name)")
      } else {
        #expect(Array(text.utf8) == bytes)
      }
    }
    #expect(throws: TokenizerError.self) { try tokenizer.texts(ofEach: [-1]) }
  }
}
