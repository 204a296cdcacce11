import StrictJSON
import Testing

@testable import Ground

@Suite struct SeededGeneratorTests {
  /// The sequence that the authors' C code gives from the state 1, 2, 3, 4 (also the test of the Rust crate rand_xoshiro).
  @Test func isXoshiro256StarStar() {
    var generator = SeededGenerator(state: (1, 2, 3, 4))
    let expected: [UInt64] = [
      11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600,
      16_172_922_978_634_559_625, 8_476_171_486_693_032_832, 10_595_114_339_597_558_777, 2_904_607_092_377_533_576,
    ]
    #expect(expected.map { _ in generator.next() } == expected)
  }

  @Test func agreesWithTheReference() throws {
    let cases = try #require(try golden("random.json").object?["cases"]?.list)
    for value in cases {
      let fields = try #require(value.object)
      let seed = try #require(fields["seed"]?.string.flatMap { UInt64($0) })
      func numbers(_ name: String) -> [Int] { (fields[name]?.list ?? []).compactMap(\.int) }
      var generator = SeededGenerator(seed: seed)
      #expect((0..<5).map { _ in String(generator.next()) } == fields["next"]?.list?.compactMap(\.string))
      generator = SeededGenerator(seed: seed)
      let bounds = [1, 2, 3, 7, 10, 1000, 1_000_000, (1 << 62) + 1]
      #expect((bounds + bounds + bounds).map { generator.integer(below: $0) } == numbers("below"))
      generator = SeededGenerator(seed: seed)
      #expect((0..<4).map { _ in generator.uniform() } == fields["uniform"]?.list?.compactMap(\.double))
      generator = SeededGenerator(seed: seed)
      #expect(generator.shuffled(Array(0..<12)) == numbers("shuffled"))
      generator = SeededGenerator(seed: seed)
      #expect(generator.positions(5, outOf: 20) == numbers("positions"))
    }
  }

  @Test func givesUniformSubsets() {
    // 2 of 4 has 6 subsets; in 6,000 draws each is expected 1,000 times with a standard deviation of 29.
    var generator = SeededGenerator(seed: 3)
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 { counts[generator.positions(2, outOf: 4), default: 0] += 1 }
    #expect(counts.count == 6)
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 150 })
  }

  @Test func takesOddRequests() {
    var generator = SeededGenerator(seed: 0)
    #expect(generator.integer(below: 0) == 0)
    #expect(generator.integer(below: -5) == 0)
    #expect(generator.positions(3, outOf: 0).isEmpty)
    #expect(generator.positions(0, outOf: 3).isEmpty)
    #expect(generator.positions(9, outOf: 3) == [0, 1, 2])
    #expect(generator.shuffled([Int]()).isEmpty)
    var other = SeededGenerator(seed: 0, stream: "split")
    #expect(other.next() != generator.next())
  }
}
