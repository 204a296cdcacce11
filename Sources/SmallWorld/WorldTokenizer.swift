import StrictJSON

/// The tokenizer of every small world: a token a byte, and one for each Chinese sign that the skills use, so that every text is encoded and a sign of
/// either script is one token. Byte-level BPE in Hugging Face's form.
enum WorldTokenizer {
  static let beginning = "<|begin_of_text|>"
  static let end = "<|end_of_text|>"
  static let padding = "<|pad|>"
  /// In the order of their ids.
  static let specials = [beginning, end, padding]

  /// The tokens in the order of their ids, and the merges that make the longer ones.
  static let contents: (tokens: [String], merges: [(String, String)]) = {
    let signs = byteSigns
    var tokens = specials + signs
    var merges: [(String, String)] = []
    for sign in Alphabet.numerals + [Alphabet.chinesePlus] {
      var token = ""
      for byte in String(sign).utf8 {
        let next = signs[Int(byte)]
        let joined = token + next
        if !token.isEmpty, !tokens.contains(joined) {
          merges.append((token, next))
          tokens.append(joined)
        }
        token = joined
      }
    }
    return (tokens, merges)
  }()

  static var vocabularySize: Int { contents.tokens.count }

  /// The sign that stands for each byte in byte-level BPE: itself where it can be seen, else one from 256 on (GPT-2's `bytes_to_unicode`).
  private static var byteSigns: [String] {
    var hidden: UInt32 = 0
    return (UInt32(0)...255).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return String(Unicode.Scalar(byte).map(Character.init) ?? "?")
      default:
        defer { hidden += 1 }
        return String(Unicode.Scalar(256 + hidden).map(Character.init) ?? "?")
      }
    }
  }

  /// `tokenizer.json`.
  static var document: JSONValue {
    let byteLevel: JSONValue = ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false]
    let begins: JSONValue = ["SpecialToken": ["id": .string(beginning), "type_id": 0]]
    let first: JSONValue = ["Sequence": ["id": "A", "type_id": 0]]
    let second: JSONValue = ["Sequence": ["id": "B", "type_id": 0]]
    var named = JSONObject()
    named[beginning] = ["id": .string(beginning), "ids": [0], "tokens": [.string(beginning)]]
    let (tokens, merges) = contents
    return [
      "version": "1.0", "truncation": nil, "padding": nil,
      "added_tokens": .list(
        specials.enumerated().map { id, content in
          [
            "id": .int(id), "content": .string(content), "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": true,
          ]
        }),
      "normalizer": nil, "pre_tokenizer": byteLevel,
      "post_processor": [
        "type": "TemplateProcessing", "single": [begins, first], "pair": [begins, first, begins, second], "special_tokens": .object(named),
      ],
      "decoder": byteLevel,
      "model": [
        "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil, "fuse_unk": false,
        "byte_fallback": false, "ignore_merges": false,
        "vocab": .object(JSONObject(tokens.enumerated().map { JSONObject.Field($1, .int($0)) })),
        "merges": .list(merges.map { [.string($0), .string($1)] }),
      ],
    ]
  }

  /// `tokenizer_config.json`.
  static func settings(positions: Int) -> JSONValue {
    [
      "backend": "tokenizers", "bos_token": .string(beginning), "eos_token": .string(end), "pad_token": .string(padding),
      "model_max_length": .int(positions), "tokenizer_class": "TokenizersBackend",
    ]
  }
}
