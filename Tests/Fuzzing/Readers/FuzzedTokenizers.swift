import Foundation
import Tokenizers

/// Tokenizers: one that was read turns any text into ids that it knows, and back.
enum FuzzedTokenizers {
  private static let texts = ["", "Hello, world! 12345", "  é e\u{301} 中文 😀\n\n<s></s>", "word wor two words"]

  /// `tokenizer.json`; behind a record separator, which JSON nowhere has, `tokenizer_config.json`.
  static func json(_ bytes: UnsafeRawBufferPointer, _ folder: InputFolder) throws {
    let end = bytes.firstIndex(of: 0x1E) ?? bytes.count
    _ = try folder.write(UnsafeRawBufferPointer(rebasing: bytes[..<end]), to: "tokenizer.json")
    if end < bytes.count {
      _ = try folder.write(UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...]), to: "tokenizer_config.json")
    } else {
      folder.remove("tokenizer_config.json")
    }
    try use(Tokenizer.load(from: folder.url))
  }

  /// What says how `tokenizer.model` is read: nothing, and `tokenizer_config.json` of two classes.
  static let configurations: [String?] = [nil] + ["LlamaTokenizer", "GemmaTokenizer"].map { #"{"tokenizer_class": "\#($0)"}"# }

  static func model(_ bytes: UnsafeRawBufferPointer, _ configuration: String?, _ folder: InputFolder) throws {
    _ = try folder.write(bytes, to: "tokenizer.model")
    folder.remove("tokenizer_config.json")
    if let configuration { _ = try folder.write(configuration.utf8, to: "tokenizer_config.json") }
    try use(Tokenizer.load(from: folder.url))
  }

  private static func use(_ tokenizer: Tokenizer) throws {
    for text in texts {
      let ids = tokenizer.encode(text)
      for id in ids where id < 0 || id >= tokenizer.vocabularySize && tokenizer.hasToken(id) {
        throw BrokenPromise("the id \(id) of a vocabulary of \(tokenizer.vocabularySize)")
      }
      // A post-processor may name an id that stands for nothing, which decoding says.
      _ = try? tokenizer.decode(ids)
      _ = try? tokenizer.decode(ids, skipSpecialTokens: true)
    }
  }
}
