import Foundation
import Testing

@testable import Tokenizers

/// What a file asks for and Headway does not do is refused by name; what is damaged is told with its place.
@Suite struct RefusalTests {
  /// A change of a fixture and what the error must name.
  struct Change: Sendable, CustomTestStringConvertible {
    var name = "llama3-added"
    var file = "tokenizer.json"
    var old: String
    var new: String
    var named: String
    var testDescription: String { "\(old) → \(new)" }
  }

  static let unsupported: [Change] = [
    Change(old: #""type":"BPE""#, new: #""type":"Unigram""#, named: "Unigram"),
    Change(old: #""type":"BPE""#, new: #""type":"WordPiece""#, named: "WordPiece"),
    Change(old: #""dropout":null"#, new: #""dropout":0.1"#, named: "dropout"),
    Change(old: #""continuing_subword_prefix":null"#, new: ###""continuing_subword_prefix":"##""###, named: "continuing_subword_prefix"),
    Change(old: #""end_of_word_suffix":null"#, new: #""end_of_word_suffix":"</w>""#, named: "end_of_word_suffix"),
    Change(old: #""ignore_merges":false"#, new: #""ignore_mergers":false"#, named: "ignore_mergers"),
    Change(old: #""version":"1.0""#, new: #""extension":"1.0""#, named: "extension"),
    Change(old: #""normalizer":null"#, new: #""normalizer":{"type":"NFKC"}"#, named: "NFKC"),
    Change(old: #""normalizer":null"#, new: #""normalizer":{"type":"Lowercase"}"#, named: "Lowercase"),
    Change(
      old: #""normalizer":null"#, new: #""normalizer":{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"x"}"#, named: " {2,}"),
    Change(old: #""normalizer":null"#, new: #""normalizer":{"type":"Prepend","prepend":"▁","when":"always"}"#, named: "when"),
    Change(old: #""behavior":"Isolated""#, new: #""behavior":"MergedWithNext""#, named: "MergedWithNext"),
    Change(old: #""behavior":"Isolated","invert":false"#, new: #""behavior":"Removed","invert":false"#, named: "Removed"),
    Change(old: #"\\p{N}{1,3}"#, new: #"\\p{N}{1,4}"#, named: #"\p{N}{1,4}"#),
    Change(old: #""pre_tokenizer":{"type":"Sequence""#, new: #""pre_tokenizer":{"type":"Shuffle""#, named: "Shuffle"),
    Change(old: #""decoder":{"type":"ByteLevel""#, new: #""decoder":{"type":"WordPiece""#, named: "WordPiece"),
    Change(old: #"{"type":"TemplateProcessing""#, new: #"{"type":"BertProcessing""#, named: "BertProcessing"),
    Change(name: "metaspace", old: #""prepend_scheme":"first""#, new: #""prepend_scheme":"last""#, named: "last"),
    Change(file: "tokenizer_config.json", old: "PreTrainedTokenizerFast", new: "T5Tokenizer", named: "T5Tokenizer"),
    Change(file: "tokenizer_config.json", old: "{", new: #"{"split_special_tokens":true,"#, named: "split_special_tokens"),
    Change(file: "tokenizer_config.json", old: "{", new: #"{"fast_tokenizer_files":[],"#, named: "fast_tokenizer_files"),
  ]

  @Test(arguments: unsupported) func unsupportedIsRefused(_ change: Change) throws {
    let files = try Goldens.replacing(change.old, with: change.new, in: change.file, of: change.name)
    let error = #expect(throws: TokenizerError.self) { try Tokenizer.load(from: .memory(files)) }
    guard case .unsupported(let file, let feature)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(file == change.file)
    #expect(feature.contains(change.named))
  }

  static let malformed: [Change] = [
    Change(old: #""added_tokens":["#, new: #""added_tokens":[7,"#, named: "added_tokens"),
    Change(old: #""id":0"#, new: #""id":-1"#, named: "added_tokens"),
    Change(old: #""id":0"#, new: #""id":4294967296"#, named: "added_tokens"),
    Change(old: #""id":0"#, new: #""id":7"#, named: "added_tokens"),
    Change(old: #""lstrip":false"#, new: #""lstrip":1"#, named: "lstrip"),
    Change(old: #""single":["#, new: #""single":[{"Fish":{}},"#, named: "post_processor"),
    Change(old: #""ids":[0]"#, new: #""ids":[99999999]"#, named: "post_processor"),
    Change(old: #""vocab":{"#, new: #""vocab":{"x":-1,"#, named: "token id"),
    Change(old: #""vocab":{"#, new: #""vocab":{"x":1e3,"#, named: "token id"),
    Change(old: #""vocab":{"#, new: #""vocab":{"x":4294967295,"#, named: "beyond"),
    Change(old: #""vocab":{"#, new: #""vocab":{"xx":0,"#, named: "id 0"),
    Change(old: #""vocab":{"#, new: #""vocab":{"!":9999,"#, named: "twice"),
    Change(old: #""vocab":{"#, new: #""vocab":{"\ud800":9999,"#, named: "surrogate"),
    Change(old: #""vocab":{"#, new: #""vocab":[],"v":{"#, named: "vocab"),
    Change(old: #""merges":["#, new: #""merges":[["nowhere","e"],"#, named: "nowhere"),
    Change(old: #""merges":["#, new: #""merges":["one","#, named: "merge"),
    Change(old: #""merges":["#, new: #""merges":["a b c","#, named: "merge"),
    Change(file: "tokenizer_config.json", old: "{", new: #"{"legacy":"yes","#, named: "legacy"),
    Change(file: "tokenizer_config.json", old: "{", new: #"{"added_tokens_decoder":{"one":{}},"#, named: "added_tokens_decoder"),
    Change(file: "tokenizer_config.json", old: "{", new: #"{"extra_special_tokens":7,"#, named: "extra_special_tokens"),
    Change(file: "tokenizer_config.json", old: "{", new: "{,", named: "line 1"),
    Change(name: "metaspace", old: #""replacement":"▁""#, new: #""replacement":"▁▁""#, named: "replacement"),
    Change(name: "opt", file: "merges.txt", old: "#version: 0.2\n", new: "#version: 0.2\nhello\n", named: "line 2"),
    Change(name: "tiktoken", file: "tokenizer.model", old: "IQ== 33", new: "!!== 33", named: "line 34"),
    Change(name: "tiktoken", file: "tokenizer.model", old: "IQ== 33", new: "IQ== 32", named: "id 32"),
    Change(name: "tiktoken", file: "tokenizer.model", old: "IQ== 33", new: "IQ== 99999999999", named: "rank"),
  ]

  @Test(arguments: malformed) func damageIsTold(_ change: Change) throws {
    let files = try Goldens.replacing(change.old, with: change.new, in: change.file, of: change.name)
    let error = #expect(throws: TokenizerError.self) { try Tokenizer.load(from: .memory(files)) }
    guard case .malformed(let file, let place, let reason)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(file == change.file)
    #expect("\(place): \(reason)".contains(change.named), "\(place): \(reason)")
  }

  @Test func missingFolderAndFiles() throws {
    let nowhere = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    #expect(throws: TokenizerError.unreadable(file: nowhere.path, reason: "there is no such folder")) { try Tokenizer.load(from: nowhere) }
    try FileManager.default.createDirectory(at: nowhere, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: nowhere) }
    #expect(throws: TokenizerError.noTokenizer(folder: nowhere.path)) { try Tokenizer.load(from: nowhere) }
    try FileManager.default.createDirectory(at: nowhere.appendingPathComponent("tokenizer.json"), withIntermediateDirectories: true)
    let error = #expect(throws: TokenizerError.self) { try Tokenizer.load(from: nowhere) }
    #expect(error?.description.contains(nowhere.path) == true)
  }

  @Test func unknownContentOfTokenizerModel() {
    for content in ["", "hello", "\u{1}\u{2}"] {
      let error = #expect(throws: TokenizerError.self) { try Tokenizer.load(from: .memory(["tokenizer.model": Data(content.utf8)])) }
      #expect(error?.description.contains("tokenizer.model") == true)
    }
  }

  @Test func unigramIsRefused() throws {
    // field 1 (piece) { text "a" }, field 2 (trainer) { model_type 1 }
    let model = Data([0x0A, 3, 0x0A, 1, 0x61, 0x12, 2, 0x18, 1])
    let error = #expect(throws: TokenizerError.self) { try Tokenizer.load(from: .memory(["tokenizer.model": model])) }
    guard case .unsupported(_, let feature)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(feature.contains("UNIGRAM"))
  }

  @Test func errorsAreSentences() {
    let errors: [TokenizerError] = [
      .noTokenizer(folder: "a"), .unreadable(file: "a", reason: "b"), .malformed(file: "a", place: "b", reason: "c"),
      .unsupported(file: "a", feature: "b"), .unknownToken(id: 1, vocabularySize: 1),
    ]
    for error in errors {
      #expect(!error.description.contains("\n") && !error.description.isEmpty)
      #expect(error.localizedDescription == error.description)
    }
  }
}
