import CheckpointFiles
import Foundation
import Goldens
import Ground
import Instructions
import LanguageModels
import Testing
import Tokenizers

/// How text becomes samples (scripts/goldens/encoding.py).
@Suite struct EncodingTests {
  struct Case: Decodable {
    var prompt: String
    var response: String
    var promptIds: [Int]
    var ids: [Int]
  }

  private static func folder() throws -> URL { try #require(Bundle.module.url(forResource: "Fixtures/appends-eos", withExtension: nil)) }

  /// A tokenizer whose template ends every text puts no end-of-sequence token between prompt and response; one that the prompt's own text holds
  /// stays.
  @Test func promptsDoNotEndInAnEndOfSequenceToken() throws {
    let tokenizer = try Tokenizer.load(from: Self.folder())
    let encoder = try SampleEncoder(tokenizer, for: Golden("llama-plain").model(.float32), maximumLength: 64)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let cases = try decoder.decode([Case].self, from: Data(contentsOf: Self.folder().appending(path: "encoding.json")))
    #expect(cases.count == 8)
    for each in cases {
      let sample = encoder.encode(Instruction(prompt: each.prompt, response: each.response))
      #expect(sample.tokens == each.ids, "\(each.prompt)")
      #expect(sample.isLabel == each.ids.indices.map { $0 >= each.promptIds.count }, "\(each.prompt)")
      #expect(encoder.encode(prompt: each.prompt) == each.promptIds, "\(each.prompt)")
    }
    // Alone, text is encoded as the tokenizer's own template says.
    #expect(tokenizer.encode("a") == [1, 3, 2])
  }

  @Test func aTokenizerOfAnotherSizeIsSaidOrRefused() throws {
    let tokenizer = try Tokenizer.load(from: Self.folder())  // 8 tokens
    #expect(tokenizer.vocabularySize == 8)
    let model = try Golden("llama-plain").model(.float32)  // 48 rows
    let notes = try SampleEncoder(tokenizer, for: model, maximumLength: 64).notes
    #expect(notes.count == 1 && notes[0].contains("has 8 tokens, but the model's embedding 48 rows"), "\(notes)")
    // One whose ids go beyond the embedding.
    let larger = FileManager.default.temporaryDirectory.appending(path: "tokenizer-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: Self.folder(), to: larger)
    let file = larger.appending(path: "tokenizer.json")
    var object = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    var added = try #require(object["added_tokens"] as? [[String: Any]])
    let first = try #require(added.first)
    for id in 8...48 { added.append(first.merging(["id": id, "content": "<more \(id)>"]) { $1 }) }
    object["added_tokens"] = added
    try JSONSerialization.data(withJSONObject: object).write(to: file)
    let error = #expect(throws: ModelError.self) { try SampleEncoder(.load(from: larger), for: model, maximumLength: 64) }
    #expect(error?.description.contains("has ids up to 48, but the model's vocabulary ends at 47") == true, "\(String(describing: error))")
  }
}
