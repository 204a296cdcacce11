import Foundation
import Testing

@testable import Tokenizers

/// Byte-pair merging against the slow, obvious way.
@Suite struct MergingTests {
  /// A small generator (SplitMix64), so that failures can be repeated.
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  /// Merges the pair of lowest rank, leftmost first, over and over.
  static func reference(_ symbols: [UInt32], _ table: MergeTable) -> [UInt32] {
    var symbols = symbols
    while true {
      let merges = symbols.indices.dropLast().map { (table[symbols[$0], symbols[$0 + 1]], $0) }
      guard let (merge, place) = merges.min(by: { $0 < $1 }), merge != MergeTable.none else { return symbols }
      symbols.replaceSubrange(place...place + 1, with: [UInt32(truncatingIfNeeded: merge)])
    }
  }

  /// A vocabulary over the letters a to d (and é, 😀) with random merges.
  static func vocabulary(_ generator: inout Generator, merges count: Int) -> (Vocabulary, MergeTable) {
    var vocabulary = Vocabulary()
    var texts: [[UInt8]] = ["a", "b", "c", "d", "é", "😀"].map { Array($0.utf8) }
    for (id, text) in texts.enumerated() { _ = vocabulary.add(text, id: UInt32(id)) }
    var list = MergeList()
    while list.count < count {
      guard let left = texts.randomElement(using: &generator), let right = texts.randomElement(using: &generator) else { break }
      if vocabulary.id(of: left + right) == nil {
        _ = vocabulary.add(left + right, id: UInt32(texts.count))
        texts.append(left + right)
      }
      list.append(left, right)
    }
    return (vocabulary, (try? list.table(for: vocabulary)) ?? MergeTable(capacity: 0))
  }

  @Test(arguments: 0..<20) func mergingEqualsReference(_ seed: Int) throws {
    var generator = Generator(state: UInt64(seed))
    let (vocabulary, table) = Self.vocabulary(&generator, merges: [3, 10, 40, 120][seed % 4])
    let model = try BytePairModel(vocabulary: vocabulary, merges: table, alphabet: .characters, options: .init())
    let scratch = EncoderScratch()
    for length in Array(0...40) + [63, 64, 65, 100, 300] {
      let letters = (0..<length).map { _ in ["a", "b", "c", "d", "é", "😀"].randomElement(using: &generator) ?? "a" }
      let text = Array(letters.joined().utf8)
      let expected = Self.reference(letters.compactMap { vocabulary.id(of: Array($0.utf8)) }, table)
      var ids: [Int] = []
      text.withUnsafeBufferPointer { model.encode($0, scratch, into: &ids) }
      #expect(ids == expected.map { Int($0) })
    }
  }

  @Test func longWordsTakeLinearTime() throws {
    // 2²⁰ letters without a place to cut: quadratic merging would take hours.
    var generator = Generator(state: 1)
    let (vocabulary, table) = Self.vocabulary(&generator, merges: 60)
    let model = try BytePairModel(vocabulary: vocabulary, merges: table, alphabet: .characters, options: .init())
    let text = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20)
    var ids: [Int] = []
    let time = ContinuousClock().measure { text.withUnsafeBufferPointer { model.encode($0, EncoderScratch(), into: &ids) } }
    #expect(!ids.isEmpty)
    #expect(time < .seconds(60))
  }

  @Test func theLaterOfEqualMergesCounts() throws {
    var list = MergeList()
    var vocabulary = Vocabulary()
    for (id, text) in ["a", "b", "ab", "ba"].enumerated() { _ = vocabulary.add(Array(text.utf8), id: UInt32(id)) }
    for (left, right) in [("a", "b"), ("b", "a"), ("a", "b")] { list.append(Array(left.utf8), Array(right.utf8)) }
    let table = try list.table(for: vocabulary)
    #expect(table[0, 1] == 2 << 32 | 2)
    #expect(table[1, 0] == 1 << 32 | 3)
    #expect(table[0, 0] == MergeTable.none)
  }

  @Test func wordsBeyondTheCacheAreEncodedAnew() throws {
    var vocabulary = Vocabulary()
    for digit in 0..<10 { _ = vocabulary.add(Array("\(digit)".utf8), id: UInt32(digit)) }
    let model = try BytePairModel(vocabulary: vocabulary, merges: MergeTable(capacity: 0), alphabet: .characters, options: .init())
    let scratch = EncoderScratch()
    for number in Array(0..<70_000) + [1, 69_999] {
      // Without merges every place can be cut, so words are single digits; the cache is filled directly.
      let word = Array("\(number)".utf8)
      let symbols = word.map { UInt32($0 - UInt8(ascii: "0")) }
      word.withUnsafeBufferPointer { word in symbols.withUnsafeBufferPointer { scratch.cache.insert(word, $0) } }
      var ids: [Int] = []
      let isKnown = word.withUnsafeBufferPointer { scratch.cache.append($0, to: &ids) }
      #expect(isKnown && ids == symbols.map { Int($0) })
    }
    var ids: [Int] = []
    Array("1234567890".utf8).withUnsafeBufferPointer { model.encode($0, scratch, into: &ids) }
    #expect(ids == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
  }

  @Test func byteStringsAreFoundByTheirBytes() {
    var table = ByteStringTable()
    // Canonically equivalent, and different as bytes.
    let texts = ["é", "e\u{301}", "", "\u{FEFF}", "\u{FEFF}a", "a", "aa", String(repeating: "x", count: 1000)].map { Array($0.utf8) }
    for (place, text) in texts.enumerated() {
      let added = text.withUnsafeBufferPointer { table.insert($0) }
      #expect(added.index == place && added.isNew)
    }
    for (place, text) in texts.enumerated() {
      #expect(table.index(of: text) == place)
      #expect(Array(table[place]) == text)
    }
    for number in 0..<5000 { #expect(Array("n\(number)".utf8).withUnsafeBufferPointer { table.insert($0) }.isNew) }
    for number in 0..<5000 { #expect(table.index(of: Array("n\(number)".utf8)) == texts.count + number) }
    #expect(table.index(of: Array("n5000".utf8)) == nil)
  }
}
