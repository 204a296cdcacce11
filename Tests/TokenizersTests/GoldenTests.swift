import Foundation
import Testing

@testable import Tokenizers

/// Ids and texts against Hugging Face's, exactly: both sides count in whole numbers, so nothing is tolerated.
@Suite struct GoldenTests {
  @Test func fixturesAreThere() {
    #expect(Goldens.texts.count > 400)
    #expect(Goldens.cases.count >= 12)
    for golden in Goldens.cases { #expect(golden.ids.count == Goldens.texts.count, "\(golden.name)") }
  }

  @Test(arguments: Goldens.cases) func idsAreEqual(_ golden: Goldens.Case) throws {
    let tokenizer = try Tokenizer.load(from: golden.folder)
    var different = 0
    for (text, ids) in zip(Goldens.texts, golden.ids) {
      let found = tokenizer.encode(text)
      guard found != ids else { continue }
      different += 1
      if different <= 3 { Issue.record("\(golden.name), \(text.debugDescription): \(found), expected \(ids)") }
    }
    #expect(different == 0)
    // Words are remembered: what was encoded once must come out the same again.
    for (text, ids) in zip(Goldens.texts, golden.ids) { #expect(tokenizer.encode(text) == ids) }
  }

  @Test(arguments: Goldens.cases) func specialTokensSurround(_ golden: Goldens.Case) throws {
    let tokenizer = try Tokenizer.load(from: golden.folder)
    #expect(tokenizer.encode("") == golden.around)
    #expect(tokenizer.encode("", addSpecialTokens: false) == [])
    let bare = Goldens.texts.map { tokenizer.encode($0, addSpecialTokens: false) }
    let places = (0...golden.around.count).filter { place in
      zip(bare, golden.ids).allSatisfy { golden.around.prefix(place) + $0 + golden.around.dropFirst(place) == $1 }
    }
    #expect(!places.isEmpty)
  }

  @Test(arguments: Goldens.cases) func textsAreEqual(_ golden: Goldens.Case) throws {
    let tokenizer = try Tokenizer.load(from: golden.folder)
    let ids = stride(from: 0, to: golden.ids.count, by: 3).map { golden.ids[$0] }
    #expect(ids.count == golden.skipped.count)
    // SentencePiece itself drops special tokens always.
    #expect(ids.count == golden.decoded.count || golden.name.hasPrefix("alone"))
    for (place, ids) in ids.enumerated() {
      // Compared by bytes: Swift's == takes canonically equivalent texts for equal.
      if place < golden.decoded.count {
        let kept = try tokenizer.decode(ids)
        #expect(Array(kept.utf8) == Array(golden.decoded[place].utf8), "\(golden.name), \(ids)")
      }
      let skipped = try tokenizer.decode(ids, skipSpecialTokens: true)
      #expect(Array(skipped.utf8) == Array(golden.skipped[place].utf8), "\(golden.name), \(ids)")
    }
  }

  /// A text that grows id by id is at every step that of all ids: on encoded texts, and on ids drawn at random, which cut characters apart.
  @Test(arguments: Goldens.cases) func textsGrowToTheSame(_ golden: Goldens.Case) throws {
    let tokenizer = try Tokenizer.load(from: golden.folder)
    var generator = MergingTests.Generator(state: 5)
    let known = (0..<tokenizer.vocabularySize).filter(tokenizer.hasToken)
    // Bytes come often in tokenizers that have them, and special tokens.
    let rare = try known.filter { id in
      let text = try tokenizer.decode([id])
      return text.isEmpty || text.hasPrefix(" ") || text.contains("\u{FFFD}")
    }
    let drawn = (0..<40).map { number in
      (0..<24).map { _ in (number.isMultiple(of: 2) || rare.isEmpty ? known : rare).randomElement(using: &generator) ?? 0 }
    }
    for ids in stride(from: 0, to: golden.ids.count, by: 7).map({ golden.ids[$0] }) + drawn {
      for skips in [false, true] {
        var growing = GrowingText(tokenizer, skipSpecialTokens: skips)
        for end in ids.indices.prefix(200) {
          try growing.append(ids[end])
          let whole = try tokenizer.decode(ids[...end], skipSpecialTokens: skips)
          guard Array(growing.text.utf8) != Array(whole.utf8) else { continue }
          Issue.record("\(golden.name), \(ids[...end]): \(growing.text.debugDescription), not \(whole.debugDescription)")
          return
        }
      }
    }
  }

  @Test(arguments: Goldens.cases) func settingsAreEqual(_ golden: Goldens.Case) throws {
    let tokenizer = try Tokenizer.load(from: golden.folder)
    #expect(tokenizer.beginningOfSequence == golden.begin)
    #expect(tokenizer.endOfSequence == golden.end)
    #expect(tokenizer.chatTemplate == golden.template)
    #expect(tokenizer.vocabularySize == golden.size)
    #expect(Set(tokenizer.files) == Set(try Goldens.files(golden.name).keys))
  }

  @Test func idsWithoutTokenAreAnError() throws {
    let golden = try #require(Goldens.cases.first)
    let tokenizer = try Tokenizer.load(from: golden.folder)
    for id in [-1, tokenizer.vocabularySize, .max, .min] {
      #expect(throws: TokenizerError.unknownToken(id: id, vocabularySize: tokenizer.vocabularySize)) { try tokenizer.decode([id]) }
    }
  }

  @Test func manyTasksAtOnce() async throws {
    let golden = try #require(Goldens.cases.first)
    let tokenizer = try Tokenizer.load(from: golden.folder)
    let equal = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask { zip(Goldens.texts, golden.ids).allSatisfy { tokenizer.encode($0) == $1 } }
      }
      return await group.allSatisfy { $0 }
    }
    #expect(equal)
  }

  @Test func textsThatAreNotContiguousUTF8() throws {
    let golden = try #require(Goldens.cases.first)
    let tokenizer = try Tokenizer.load(from: golden.folder)
    let bridged = NSString(string: "naïve 😀 text").appending(" and more") as String
    #expect(tokenizer.encode(bridged) == tokenizer.encode("naïve 😀 text and more"))
  }
}
