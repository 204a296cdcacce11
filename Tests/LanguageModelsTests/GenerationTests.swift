import CheckpointFiles
import Foundation
import Goldens
import Ground
import Testing
import Tokenizers
import Torch

@testable import LanguageModels

/// Text held against transformers' `generate` (scripts/goldens/generation.py).
@Suite struct GenerationTests {
  struct Expected: Decodable {
    var prompt: [Int]
    var tokens: [Int]
    var logProbabilities: [Float]
    var text: String
    var finish: GeneratedText.Finish
  }
  private struct File: Decodable {
    var models: [String: [Expected]]
  }

  private static func fixture<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      type, from: Data(contentsOf: #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"))))
  }

  private static let models = Result { try fixture("generation", as: File.self).models }
  private static func expected(_ name: String) throws -> [Expected] {
    // The key decoding strategy changes the names of dictionaries' keys only where they hold underscores; no fixture's does.
    try #require(models.get()[name])
  }

  private func tokenizer() throws -> Tokenizer {
    try Tokenizer.load(from: #require(Bundle.module.url(forResource: "Fixtures/letters", withExtension: nil)))
  }

  private func settings() -> GenerationSettings {
    var settings = GenerationSettings()
    settings.maximumTokens = 10
    settings.keepsLogProbabilities = true
    return settings
  }

  /// Ten tokens in float32 against float64, whose greatest logit is about 10: 1e-4 covers the rounding of a few layers, as for logits.
  private func compare(_ texts: [GeneratedText?], _ expected: [Expected], _ what: String) throws {
    for (text, each) in zip(texts, expected) {
      let text = try #require(text)
      #expect(text.tokens == each.tokens && text.text == each.text && text.finish == each.finish, "\(what)")
      let furthest = zip(text.logProbabilities, each.logProbabilities).map { abs($0 - $1) }.max() ?? .infinity
      #expect(text.logProbabilities.count == each.tokens.count && furthest < 1e-4, "\(what): \(furthest)")
    }
  }

  /// Alone, in batches that texts leave and enter, with what neighbours share and in passes of few tokens: the same text.
  @Test(arguments: Golden.all) func textEqualsTransformers(name: String) throws {
    let (model, tokenizer, expected) = (try Golden(name).model(.float32), try tokenizer(), try Self.expected(name))
    let alone = try TextGenerator(model, tokenizer, settings: settings(), batchSize: 1)
    for each in expected { try compare(alone.write([each.prompt]), [each], "\(name) alone") }
    for (batch, tokens) in [(2, 2048), (5, 2048), (3, 7)] {
      let generator = try TextGenerator(model, tokenizer, settings: settings(), batchSize: batch, passTokens: tokens)
      try compare(generator.write(expected.map(\.prompt)), expected, "\(name), \(batch) at once in passes of \(tokens)")
    }
  }

  /// A cache for one text at a time still gives all; one for none is refused.
  @Test func memoryIsBounded() throws {
    let (model, expected) = (try Golden("llama-plain").model(.float32), try Self.expected("llama-plain"))
    let capacity = (expected.map(\.prompt.count).max() ?? 0) + 9
    let bytes = KeyValueCache.bytesPerToken(model.decoder) * capacity
    #expect(KeyValueCache.bytesPerToken(model.decoder) == 2 * 3 * 4 * 4 * 4)
    for limit in [bytes, 2 * bytes, 3 * bytes + 1] {
      let generator = try TextGenerator(model, tokenizer(), settings: settings(), batchSize: 5, memoryLimit: limit)
      try compare(generator.write(expected.map(\.prompt)), expected, "\(limit) bytes")
    }
    let generator = try TextGenerator(model, tokenizer(), settings: settings(), memoryLimit: bytes - 1)
    let error = #expect(throws: ModelError.self) { try generator.write(expected.map(\.prompt)) }
    #expect(error?.description.contains("the keys and values of \(capacity) tokens take") == true)
  }

  @Test func stopTextsReachAcrossTokens() throws {
    let (model, tokenizer) = (try Golden("llama-plain").model(.float32), try tokenizer())
    let each = try #require(try Self.expected("llama-plain").first { $0.finish == .length && $0.text.count == 10 })
    let characters = Array(each.text)
    for (first, length) in [(0, 1), (2, 3), (6, 4)] {
      var settings = self.settings()
      let stop = String(characters[first..<first + length])
      settings.stops = ["never", stop]
      let text = try #require(try TextGenerator(model, tokenizer, settings: settings).write([each.prompt])[0])
      let before = try #require(each.text.range(of: stop)).lowerBound
      #expect(text.text == String(each.text[..<before]) && text.finish == .stop, "\(stop)")
      #expect(text.tokens == Array(each.tokens.prefix(text.tokens.count)) && text.tokens.count <= first + length)
    }
  }

  @Test func whatMayBecomeAStopTextIsHeldBack() throws {
    let scanner = StopScanner(try tokenizer(), stops: ["\n\n", "Question:"])
    for (text, settled) in [
      ("abc", "abc"), ("abc\n", "abc"), ("abcQues", "abc"), ("abcQx", "abcQx"), ("Question", ""), ("a\u{fffd}", "a"), ("é\n", "é"),
      ("", ""),
    ] { #expect(scanner.settled(text) == settled, "\(text)") }
  }

  @Test func promptsThatCannotBeAreRefused() throws {
    let model = try Golden("opt-untied").model(.float32)  // 48 positions
    let generator = try TextGenerator(model, tokenizer(), settings: settings())
    #expect(throws: ModelError.self) { try generator.write([[]]) }
    let error = #expect(throws: ModelError.self) { try generator.write([Array(repeating: 5, count: 49)]) }
    #expect(error?.description.contains("has 49 tokens, but the model has positions for 48") == true)
    // Where positions end, the text does.
    #expect(try generator.write([Array(repeating: 5, count: 47)])[0]?.tokens.count ?? 9 <= 2)
    for change in [
      { $0.maximumTokens = 0 }, { $0.temperature = -1 }, { $0.temperature = .nan }, { $0.topP = 0 }, { $0.topK = -1 }, { $0.stops = [""] },
    ] as [(inout GenerationSettings) -> Void] {
      var settings = GenerationSettings()
      change(&settings)
      #expect(throws: ModelError.self) { try settings.validate() }
    }
  }

  // MARK: - Drawing

  private struct Sampling: Decodable {
    var logits: [Float]
    var temperature: Double
    var topK: Int
    var topP: Double
    var probabilities: [Double]
  }

  @Test func whatCanBeDrawnEqualsTransformers() throws {
    for each in try Self.fixture("sampling", as: [Sampling].self) {
      var settings = GenerationSettings()
      (settings.temperature, settings.topK, settings.topP) = (each.temperature, each.topK, each.topP)
      var found = [Double](repeating: 0, count: each.logits.count)
      for candidate in TokenSampler.candidates(each.logits[...], settings) { found[candidate.token] = candidate.probability }
      for (token, expected) in each.probabilities.enumerated() { #expect(abs(found[token] - expected) < 1e-12, "\(token): \(each)") }
    }
  }

  /// 20,000 draws of 24 tokens: each share within 5 standard deviations of its probability.
  @Test func drawsFollowTheProbabilities() throws {
    let each = try #require(try Self.fixture("sampling", as: [Sampling].self).first)
    var settings = GenerationSettings()
    settings.temperature = each.temperature
    var sampler = TokenSampler(settings, stream: 0)
    var counts = [Double](repeating: 0, count: each.logits.count)
    for _ in 0..<20_000 { counts[sampler.draw(from: each.logits[...])] += 1 }
    for (count, probability) in zip(counts, each.probabilities) {
      #expect(abs(count / 20_000 - probability) < 5 * (probability * (1 - probability) / 20_000).squareRoot() + 1e-9)
    }
  }

  /// A seed gives the same texts, however many are written at once; another gives others.
  @Test func seedsDecideWhatIsDrawn() throws {
    let (model, tokenizer, prompts) = (
      try Golden("llama-plain").model(.float32), try tokenizer(), try Self.expected("llama-plain").map(\.prompt)
    )
    func write(seed: UInt64, batch: Int) throws -> [[Int]?] {
      var settings = self.settings()
      (settings.temperature, settings.seed) = (1.5, seed)
      return try TextGenerator(model, tokenizer, settings: settings, batchSize: batch).write(prompts).map { $0?.tokens }
    }
    let one = try write(seed: 1, batch: 1)
    #expect(try write(seed: 1, batch: 5) == one)
    #expect(try write(seed: 2, batch: 1) != one)
    // Two texts of one prompt differ, too.
    var settings = self.settings()
    settings.temperature = 1.5
    let twins = try TextGenerator(model, tokenizer, settings: settings).write([prompts[4], prompts[4]])
    #expect(twins[0]?.tokens != twins[1]?.tokens)
  }

  /// Texts are told as they are done, and a run that is told to stop returns those.
  @Test func aStoppedRunKeepsWhatIsDone() throws {
    let (model, expected) = (try Golden("llama-plain").model(.float32), try Self.expected("llama-plain"))
    var done: [Int: GeneratedText] = [:]
    var counts: [Int: Int] = [:]
    let generator = try TextGenerator(model, tokenizer(), settings: settings(), batchSize: 2)
    let all = try generator.write(
      expected.map(\.prompt), added: { number, tokens in counts[number] = tokens.count }, finished: { done[$0] = $1 })
    try compare(all, expected, "told")
    for (number, text) in all.enumerated() { #expect(done[number] == text && counts[number] == text?.tokens.count) }
    var isTold = false
    let texts = try generator.write(expected.map(\.prompt), finished: { _, _ in isTold = true }, shouldStop: { isTold })
    // The second of two is done first.
    #expect(texts.map { $0 != nil } == [false, true, false, false, false] && texts[1] == all[1])
    #expect(try generator.write([]).isEmpty)
  }

  /// A prompt that takes many passes is not computed to its end by a run that is told to stop.
  @Test func aLongPromptStopsBetweenItsPasses() throws {
    let model = try Golden("llama-plain").model(.float32)
    let generator = try TextGenerator(model, tokenizer(), settings: settings(), batchSize: 1, passTokens: 4)
    var asked = 0
    let stop = {
      asked += 1
      return asked > 4
    }
    let texts = try generator.write([[Int](repeating: 5, count: 20)], shouldStop: stop)
    // Asked before the pass, and then before each part but the last: three parts of four tokens are computed.
    #expect(texts == [nil] && generator.computedTokens == 12)
  }

  /// What neighbours begin with goes through the decoder once: three prompts of 26, 24 and 31 tokens share 20.
  @Test func sharedBeginningsAreComputedOnce() throws {
    let (model, expected) = (try Golden("llama-plain").model(.float32), try Self.expected("llama-plain"))
    let generator = try TextGenerator(model, tokenizer(), settings: settings(), batchSize: 5)
    try compare(generator.write(expected.map(\.prompt)), expected, "shared")
    let (prompts, written) = (expected.map(\.prompt.count).reduce(0, +), expected.map { $0.tokens.count - 1 }.reduce(0, +))
    #expect(generator.computedTokens == prompts - 2 * 20 + written)
  }

  // MARK: - The cache

  /// A token after another gives what one pass over all gives, in float32, and in bfloat16 is no further from that.
  @Test(arguments: [
    "llama-grouped-tied", "llama-single-kv", "mistral-sliding", "opt-post-norm", "gemma-untied", "olmo2-grouped", "gpt2-scaled",
    "gpt-neox-published", "gemma3-published", "phi3-window",
  ])
  func tokensOneByOneEqualOnePass(name: String) throws {
    let golden = try Golden(name)
    let sample = try #require(golden.samples.max { $0.tokens.count < $1.tokens.count })
    func states(_ type: ElementType) throws -> (whole: [Float], steps: [Float]) {
      let decoder = try golden.model(type).decoder
      let whole = try withoutGradients { try decoder.hiddenStates(of: ForwardPass(PackedBatch([sample]), on: .cpu)).floats() }
      let cache = try KeyValueCache(decoder, slots: 3, capacity: sample.tokens.count)
      var steps = try decoder.extend(
        cache, by: [.init(slot: 1, tokens: Array(sample.tokens[..<5]))], rows: Array(0..<5)
      ).floats()
      for token in sample.tokens[5...] { steps += try decoder.extend(cache, by: [.init(slot: 1, tokens: [token])]).floats() }
      #expect(cache.lengths == [0, sample.tokens.count, 0])
      return (whole, steps)
    }
    let exact = try states(.float32)
    #expect(relativeDistance(exact.steps, exact.whole) < 1e-5)
    // Both round in bfloat16 at other places; half as far again allows for luck.
    let rounded = try states(.bfloat16)
    #expect(relativeDistance(rounded.steps, exact.whole) < 1.5 * relativeDistance(rounded.whole, exact.whole))
  }

  /// In bfloat16 what is written, alone and together, has the log-probabilities that float32 gives the same tokens, to bfloat16's 3 digits.
  @Test(arguments: [
    "llama-grouped-tied", "mistral-sliding", "gemma-untied", "opt-published", "qwen3-tied", "olmo2-grouped", "gpt2-scaled",
    "gpt-neox-published",
  ])
  func bfloat16WritesWhatFloat32FindsLikely(name: String) throws {
    let (golden, tokenizer, prompts) = (try Golden(name), try tokenizer(), try Self.expected(name).map(\.prompt))
    let decoder = try golden.model(.float32).decoder
    for batch in [1, 5] {
      let texts = try TextGenerator(golden.model(.bfloat16), tokenizer, settings: settings(), batchSize: batch).write(prompts)
      for (prompt, text) in zip(prompts, texts) {
        let text = try #require(text)
        let cache = try KeyValueCache(decoder, slots: 1, capacity: 64)
        let rows = Array(prompt.count - 1..<prompt.count - 1 + text.tokens.count)
        let hidden = try decoder.extend(cache, by: [.init(slot: 0, tokens: prompt + text.tokens)], rows: rows)
        let logarithms = try withoutGradients { try decoder.logits(of: hidden).logSoftmax().floats() }
        let exact = text.tokens.enumerated().map { logarithms[$0 * decoder.shape.vocabularySize + $1] }
        let furthest = zip(text.logProbabilities, exact).map { abs($0 - $1) }.max() ?? .infinity
        #expect(furthest < 0.1, "\(name), \(batch) at once: \(furthest)")
      }
    }
  }

  @Test func slotsAreKeptApart() throws {
    let decoder = try Golden("llama-plain").model(.float32).decoder
    let cache = try KeyValueCache(decoder, slots: 2, capacity: 8)
    let alone = try decoder.extend(cache, by: [.init(slot: 0, tokens: [5, 6, 7])]).floats()
    // Beside another sequence, and after a copy of its beginning.
    try cache.truncate(0, to: 2)
    let both = try decoder.extend(cache, by: [.init(slot: 1, tokens: [9, 10]), .init(slot: 0, tokens: [7])]).floats()
    #expect(relativeDistance(Array(both.suffix(alone.count)), alone) < 1e-6)
    try cache.copy(2, from: 0, to: 1)
    let copied = try decoder.extend(cache, by: [.init(slot: 1, tokens: [7])]).floats()
    #expect(relativeDistance(copied, alone) < 1e-6 && cache.lengths == [3, 3])
    for wrong in [
      [KeyValueCache.Addition(slot: 2, tokens: [1])], [.init(slot: -1, tokens: [1])], [.init(slot: 0, tokens: [])],
      [.init(slot: 0, tokens: Array(repeating: 1, count: 6))], [.init(slot: 0, tokens: [1]), .init(slot: 0, tokens: [1])],
    ] { #expect(throws: ModelError.self) { try decoder.extend(cache, by: wrong) } }
    #expect(throws: ModelError.self) { try cache.truncate(0, to: 4) }
    #expect(throws: ModelError.self) { try cache.copy(4, from: 0, to: 1) }
    #expect(throws: ModelError.self) { try cache.copy(1, from: 0, to: 0) }
    #expect(throws: ModelError.self) { try KeyValueCache(decoder, slots: 0, capacity: 8) }
    #expect(cache.lengths == [3, 3])
  }
}
