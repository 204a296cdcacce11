import Foundation
import StrictJSON
import Testing

@testable import Tokenizers

/// The readers of files, byte by byte.
@Suite struct ReadingTests {
  private func value(_ text: String) -> Result<JSONValue, JSONError> {
    do throws(JSONError) { return .success(try JSONParser.tokenizerFiles.parse(text)) } catch { return .failure(error) }
  }

  @Test(arguments: [
    "{}", "[]", "0", "-1.5e3", "\"\"", "true", " [1, {\"a\": [\"]\", \"}\", \"\\\"\"]}, null] ", "\u{FEFF}{}", "\"\\ud83d\\ude00\"",
    "[[[[]]]]",
  ]) func documentsAreRead(_ text: String) throws {
    let expected = try JSONParser().parse(Array(text.utf8.drop { $0 >= 0x80 }))
    #expect(try value(text).get() == expected)
  }

  @Test(arguments: [
    "", " ", "{", "[", "\"", "\"\\", "\"\\u12", "{\"a\"", "{\"a\":", "{\"a\":1", "[1", "[1,", "[1,]", "{,}", "]", "}", ",", "01", "1 2",
    "\"\u{1}\"", "nul", "\"\\ud800\"",
    "\"\\udc00\"", "{\"a\":1,\"a\":2}", "[1}",
  ]) func damageIsAFault(_ text: String) {
    #expect(throws: JSONError.self) { try value(text).get() }
  }

  @Test func deepNestingIsAFault() {
    #expect(throws: JSONError.self) { try value(String(repeating: "[", count: 1_000_000)).get() }
    #expect(throws: JSONError.self) { try value(String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)).get() }
  }

  @Test func vocabulariesAreRead() throws {
    let text = #"{"\u0041": 0, "\u00e9" :1, "e\u0301":2,"\ufeffx":3, "\n\"\\\/":4}"#
    let vocabulary = try Array(text.utf8).withUnsafeBufferPointer { bytes -> Vocabulary in
      var scanner = JSONScanner(bytes)
      return try scanner.vocabulary()
    }
    for (id, token) in ["A", "\u{E9}", "e\u{301}", "\u{FEFF}x", "\n\"\\/"].enumerated() {
      #expect(vocabulary.id(of: Array(token.utf8)) == UInt32(id))
      #expect(vocabulary.token(UInt32(id)).map { Array($0) } == Array(token.utf8))
    }
    #expect(vocabulary.size == 5)
  }

  @Test func brokenUTF8IsFound() {
    let cases: [([UInt8], Int?)] = [
      ([], nil), (Array("aé漢😀".utf8), nil), ([0x80], 0), ([0x61, 0xC3], 1), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xE0, 0x80, 0x80], 0),
      ([0xED, 0xA0, 0x80], 0), ([0xF0, 0x80, 0x80, 0x80], 0), ([0xF4, 0x90, 0x80, 0x80], 0), ([0xF5, 0x80, 0x80, 0x80], 0),
      ([0xE6, 0xBC], 0), ([0xF0, 0x9F, 0x98], 0), (Array("12345678".utf8) + [0xFF], 8), ([0xEF, 0xBF, 0xBF], nil),
    ]
    for (bytes, fault) in cases {
      #expect(bytes.withUnsafeBufferPointer { ForeignText.firstFault(in: $0) } == fault, "\(bytes)")
      #expect((String(validating: bytes, as: UTF8.self) == nil) == (fault != nil))
    }
  }

  @Test func base64IsRead() {
    for text in ["", "a", "ab", "abc", "abcd", "\u{0}\u{FF}ÿ漢"] {
      let data = Data(text.utf8)
      #expect(Base64.bytes(of: Array(data.base64EncodedString().utf8)) == Array(data))
    }
    for text in ["a", "ab", "abc", "====", "a===", "ab=c", "=abc", "ab c", "ab-_"] {
      #expect(Base64.bytes(of: Array(text.utf8)) == nil, "\(text)")
    }
  }

  @Test func everyByteHasItsCharacter() {
    #expect(Set(ByteLevel.characters).count == 256)
    let bytes = (0..<256).map { UInt8($0) }
    let token = ByteLevel.token(of: bytes)
    #expect(token.withUnsafeBufferPointer { ByteLevel.bytes(of: $0) } == bytes)
    #expect(ByteLevel.token(of: Array(" \n".utf8)) == Array("ĠĊ".utf8))
    for byte in bytes { #expect(ByteFallback.byte(of: ByteFallback.token(of: byte)) == byte) }
    for token in ["<0x4>", "<0x412>", "<0xGG>", "0x41", "<0x41", "<0x🙂"] { #expect(ByteFallback.byte(of: Array(token.utf8)) == nil) }
  }

  @Test func protobufLengthsAreChecked() {
    let cases: [[UInt8]] = [
      [0x0A], [0x0A, 0x80], [0x0A, 5, 0x61], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x0A, 2, 0x0A, 9], [0x0A, 0],
      [0x0A, 3, 0x0A, 1, 0xFF], [0x0B], [0x0A, 5, 0x0A, 1, 0x61, 0x18, 9], [0x09, 1, 2], [0x0D, 1],
    ]
    for bytes in cases {
      #expect(throws: Fault.self, "\(bytes)") { try bytes.withUnsafeBufferPointer { try SentencePieceModel($0) } }
    }
  }
}
