import Foundation
import StrictJSON
import Testing

@testable import Tokenizers

/// Tokenizer files that are small and would take gigabytes or minutes, and texts that would.
@Suite(.timeLimit(.minutes(2))) struct HostileTokenizerTests {
  private func tokenizerJSON(
    normalizer: String = "null", preTokenizer: String = "null", decoder: String = "null", added: String = "",
    vocabulary: String = #""a":0,"b":1"#,
    merges: String = "", postProcessor: String = "null"
  ) -> Data {
    Data(
      """
      {"version":"1.0","truncation":null,"padding":null,"added_tokens":[\(added)],"normalizer":\(normalizer),"pre_tokenizer":\(preTokenizer),
      "post_processor":\(postProcessor),"decoder":\(decoder),
      "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,
      "byte_fallback":false,"ignore_merges":false,"vocab":{\(vocabulary)},"merges":[\(merges)]}}
      """.utf8)
  }

  private func load(_ data: Data) throws -> Tokenizer { try Tokenizer.load(from: .memory(["tokenizer.json": data])) }

  private func sequence(_ step: String, _ list: String, times: Int) -> String {
    "{\"type\":\"Sequence\",\"\(list)\":[\(Array(repeating: step, count: times).joined(separator: ","))]}"
  }

  @Test func normalisersThatExpand() throws {
    let double = #"{"type":"Replace","pattern":{"String":"a"},"content":"aa"}"#
    let prepend = #"{"type":"Prepend","prepend":"aaaaaaaa"}"#
    let metaspace = #"{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}"#
    for data in [
      tokenizerJSON(normalizer: sequence(double, "normalizers", times: 30)),
      tokenizerJSON(normalizer: sequence(prepend, "normalizers", times: 2)),
      tokenizerJSON(preTokenizer: sequence(metaspace, "pretokenizers", times: 3)),
      tokenizerJSON(normalizer: sequence(double, "normalizers", times: 3), preTokenizer: metaspace),
      tokenizerJSON(decoder: sequence(double, "decoders", times: 30)),
    ] {
      let error = #expect(throws: TokenizerError.self) { try load(data) }
      #expect(error?.description.contains("makes more than 16 bytes of one") == true, "\(String(describing: error))")
    }
    // As much as is allowed.
    #expect(try load(tokenizerJSON(normalizer: sequence(double, "normalizers", times: 4))).encode("a").count == 16)
  }

  @Test func pipelinesWithoutEnd() throws {
    let step = #"{"type":"Digits","individual_digits":true}"#
    let template = """
      {"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"x"}}],"pair":[],
      "special_tokens":{"x":{"id":"x","ids":[\(Array(repeating: "0", count: 2000).joined(separator: ","))],"tokens":[]}}}
      """
    for (data, named) in [
      (tokenizerJSON(preTokenizer: sequence(step, "pretokenizers", times: 1000)), "64 steps"),
      (tokenizerJSON(postProcessor: template), "1024 tokens around"),
      (
        tokenizerJSON(normalizer: #"{"type":"Replace","pattern":{"String":"\#(String(repeating: "a", count: 1000))"},"content":"b"}"#),
        "too long for a step"
      ),
    ] {
      let error = #expect(throws: TokenizerError.self) { try load(data) }
      #expect(error?.description.contains(named) == true, "\(String(describing: error))")
    }
  }

  @Test func manyAddedTokens() throws {
    let added = (0..<60_000).map {
      "{\"id\":\($0 + 2),\"content\":\"<t\($0)>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true}"
    }
    let tokenizer = try load(tokenizerJSON(added: added.joined(separator: ",")))
    #expect(tokenizer.vocabularySize == 60_002)
    #expect(tokenizer.encode("a<t59999>b<t0>") == [0, 60_001, 1, 2])
    // Tokens that ask for more memory than there is.
    let long = (0..<5).map {
      "{\"id\":\($0 + 2),\"content\":\"\($0)\(String(repeating: "x", count: 1 << 20))\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true}"
    }
    let error = #expect(throws: TokenizerError.self) { try load(tokenizerJSON(added: long.joined(separator: ","))) }
    #expect(error?.description.contains("added tokens have more than 4 MiB") == true)
  }

  @Test func textsThatAlmostMatchAnAddedToken() throws {
    // Without falling back, each of a million letters would be compared with 100,000.
    let content = String(repeating: "a", count: 100_000) + "b"
    let added =
      "{\"id\":2,\"content\":\"\(content)\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true}"
    let tokenizer = try load(tokenizerJSON(added: added))
    #expect(tokenizer.encode(String(repeating: "a", count: 1_000_000)).count == 1_000_000)
    #expect(tokenizer.encode("a" + content + "a") == [0, 2, 0])
  }

  @Test func longTokens() throws {
    let long = String(repeating: "x", count: TokenizerLimits.tokenBytes + 1)
    let error = #expect(throws: TokenizerError.self) { try load(tokenizerJSON(vocabulary: "\"\(long)\":0")) }
    #expect(error?.description.contains("bytes") == true)
    // Splitting every token of a file without merges costs the square of its length.
    let lines = (0..<200).map { number in
      Data((0..<4000).map { UInt8(truncatingIfNeeded: $0 == 0 ? number : $0 == 1 ? number >> 8 : 0x61) }).base64EncodedString()
        + " \(number)\n"
    }
    let text = "IQ== 200\n" + lines.joined()
    let model = #expect(throws: TokenizerError.self) { try Tokenizer.load(from: .memory(["tokenizer.model": Data(text.utf8)])) }
    #expect(model?.description.contains("too long") == true)
  }

  @Test func vocabulariesThatImplyTooManyMerges() throws {
    // a, aa, aaa…: every token is made of two others in as many ways as it has letters.
    var vocabulary = Vocabulary()
    for length in 1...3000 { _ = vocabulary.add([UInt8](repeating: 0x61, count: length), id: UInt32(length - 1)) }
    let all = vocabulary
    #expect(throws: ModelFault.self) { try MergeTable.implied(by: all, order: .idAndLength) }
  }

  /// Strings that met in one slot of the table without its seed: the second block of eight bytes cancels the state after the first.
  @Test func stringsMadeToCollide() {
    func colliding(_ number: UInt64) -> [UInt8] {
      let state = ByteHash.mix(0x9E37_79B9_7F4A_7C15 ^ 24 ^ number, 0xA076_1D64_78BD_642F)
      return [number, state, 0].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) } }
    }
    let hashes = Set(
      (0..<1000).map { number in colliding(number).withUnsafeBufferPointer { ByteHash.hash($0, seed: 0x9E37_79B9_7F4A_7C15) } })
    #expect(hashes.count == 1)
    // A table draws a seed of its own.
    var table = ByteStringTable()
    for number in 0..<100_000 { #expect(colliding(UInt64(number)).withUnsafeBufferPointer { table.insert($0) }.isNew) }
    #expect(table.count == 100_000)
  }

  @Test func pipesAndLargeFilesAreNoTokenizer() throws {
    let folder = FileManager.default.temporaryDirectory.appending(component: "tokenizer-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(component: "tokenizer.json")
    #expect(mkfifo(file.path(percentEncoded: false), 0o600) == 0)
    #expect(#expect(throws: TokenizerError.self) { try Tokenizer.load(from: folder) }?.description.contains("pipe or a device") == true)
    try FileManager.default.removeItem(at: file)
    #expect(FileManager.default.createFile(atPath: file.path(percentEncoded: false), contents: nil))
    #expect(truncate(file.path(percentEncoded: false), 1 << 40) == 0)
    #expect(#expect(throws: TokenizerError.self) { try Tokenizer.load(from: folder) }?.description.contains("larger than 128 MiB") == true)
  }

  // MARK: The automaton against the obvious way

  /// The leftmost token, the longest of those that start there, tried one by one.
  private func reference(_ text: [UInt8], _ patterns: [[UInt8]]) -> [AddedTokenMatcher.Part] {
    var parts: [AddedTokenMatcher.Part] = []
    var done = 0
    var position = 0
    while position < text.count {
      let matches = patterns.indices.filter { text[position...].starts(with: patterns[$0]) }
      guard let best = matches.max(by: { patterns[$0].count < patterns[$1].count }) else {
        position += 1
        continue
      }
      if done < position { parts.append(.init(range: done..<position, id: nil)) }
      parts.append(.init(range: position..<position + patterns[best].count, id: UInt32(best)))
      position += patterns[best].count
      done = position
    }
    if done < text.count { parts.append(.init(range: done..<text.count, id: nil)) }
    return parts
  }

  @Test func tokensAreFoundAsTheObviousWayFindsThem() {
    var generator = MergingTests.Generator(state: 11)
    for round in 0..<3000 {
      let letters = 1 + round % 3
      func word(_ longest: Int) -> [UInt8] {
        (0..<Int.random(in: 1...longest, using: &generator)).map { _ in
          UInt8(ascii: "a") + UInt8.random(in: 0..<UInt8(letters), using: &generator)
        }
      }
      var patterns: [[UInt8]] = []
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let pattern = word(6)
        if !patterns.contains(pattern) { patterns.append(pattern) }
      }
      let matcher = AddedTokenMatcher(
        patterns.enumerated().map { ($0.element, UInt32($0.offset), AddedToken(content: $0.element, isNormalized: false, isSpecial: true)) }
      )
      let text = word(30)
      var parts: [AddedTokenMatcher.Part] = []
      text.withUnsafeBufferPointer { matcher.parts(of: $0, .shared) { parts.append($0) } }
      #expect(parts == reference(text, patterns), "\(patterns) in \(text)")
    }
  }
}
