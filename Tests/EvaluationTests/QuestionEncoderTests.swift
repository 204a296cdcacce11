import Foundation
import StrictJSON
import Testing
import Tokenizers

@testable import Evaluation

/// Questions as token ids.
@Suite struct QuestionEncoderTests {
  private struct Named: Variant {
    let name: String
    func questions(of item: Item, shots: Shots) -> [Question] { [] }
  }

  private func tokenizer(_ folder: String) throws -> Tokenizer {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return try Tokenizer.load(from: root.appending(path: folder))
  }

  private func encoder(_ folder: String, _ variant: String, _ maximum: Int = 2048) throws -> QuestionEncoder {
    let tokenizer = try tokenizer(folder)
    return QuestionEncoder(tokenizer, endOfSequence: tokenizer.endOfSequence, for: Named(name: variant), maximumLength: maximum)
  }

  private func choice(_ context: String, _ continuations: [String], _ decision: Choice.Decision = .likelihood) -> Choice {
    Choice(
      options: continuations.map { Choice.Option(label: $0, text: $0, context: context, continuation: $0) }, right: 0, decision: decision)
  }

  /// Ids and the split of both evaluators, with cuts, on the tokenizers of six kinds of models.
  @Test func pairsAreTheEvaluatorsOwn() throws {
    let tokenizers = try #require(try golden("encoding.json")["tokenizers"]?.list)
    #expect(tokenizers.count == 6)
    for given in tokenizers {
      let folder = try #require(given["folder"]?.string)
      for pair in try #require(given["cases"]?.list) {
        let choice = choice(try #require(pair["context"]?.string), [try #require(pair["continuation"]?.string)])
        let maximum = try #require(pair["maximum"]?.int)
        for (variant, key) in [("lm-eval", "harness"), ("ll_c5cf57", "openCompass")] {
          guard let expected = pair[key] else { continue }
          let option = try encoder(folder, variant, maximum).encode(choice)[0]
          let title = "\(folder), \(variant): \(choice.options[0].whole)"
          #expect(option.tokens == expected["ids"]?.list?.compactMap(\.int), "\(title)")
          // A continuation that fills everything loses its first token's prediction; one that melts into its context keeps a token.
          #expect(option.continuationCount == max(1, min(try #require(expected["count"]?.int), option.tokens.count - 1)), "\(title)")
        }
      }
    }
  }

  /// OpenCompass's cut keeps the beginning-of-sequence token, lm-evaluation-harness's does not; both are told.
  @Test func cutsAreOnTheLeft() throws {
    let choice = choice("one two three four five six seven eight nine ten:", [" eleven"], .perplexity)
    let whole = try encoder("Examples/model", "ppl").encode(choice)[0]
    let openCompass = try encoder("Examples/model", "ppl", 8)
    let kept = openCompass.encode(choice)[0]
    #expect(!whole.isCut && kept.isCut && kept.tokens == [whole.tokens[0]] + whole.tokens.suffix(7))
    #expect(kept.continuationCount == whole.continuationCount && !openCompass.lacksBeginning(kept.tokens))
    let harness = try encoder("Examples/model", "lm-eval", 8)
    let lost = harness.encode(choice)[0]
    // One more, which is only predicted.
    #expect(lost.isCut && lost.tokens == Array(whole.tokens.suffix(9)) && harness.lacksBeginning(lost.tokens))
  }

  @Test func promptsLeaveRoomForTheirText() throws {
    let encoder = try encoder("Examples/model", "gen", 20)
    let text = "one two three four five six seven eight nine ten"
    let long = encoder.encode(prompt: text, newTokens: 512)
    #expect(long.isCut && long.tokens.count == 10 && long.newTokens == 10)
    let short = encoder.encode(prompt: "one", newTokens: 4)
    #expect(!short.isCut && short.newTokens == 4)
    #expect(try self.encoder("Examples/model", "gen").encode(prompt: text, newTokens: 512).newTokens == 512)
  }

  @Test func twoBeginningsAreSeen() throws {
    let tokenizer = try tokenizer("Examples/model")
    let beginning = try tokenizer.decode([try #require(tokenizer.beginningOfSequence)])
    let choice = choice(beginning + "So:", [" it is"])
    for (variant, isTwice) in [("ll", true), ("lm-eval", false)] {
      let encoder = try encoder("Examples/model", variant)
      #expect(encoder.addsBeginning && encoder.beginsTwice(encoder.encode(choice)[0].tokens) == isTwice)
    }
  }
}
