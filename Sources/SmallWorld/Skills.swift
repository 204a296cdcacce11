/// The skills of every world: one line each; seeds change letters, questions, order and weights, not the rules.
extension Skill {
  /// The basic skills.
  public static let basic: [Skill] = [
    Skill("addition", word: "sum", .basic, "add two numbers", .sum) { stem, _ in digits(stem, +) },
    Skill("numerals", word: "script", .basic, "read a number in Chinese numerals", .number, asksInChinese: true) { stem, _ in stem.text },
    Skill("reversal", word: "flip", .basic, "write a word backwards", .word) { stem, _ in String(stem.text.reversed()) },
    Skill("capitals", word: "large", .basic, "write a word in capitals", .word) { stem, _ in stem.text.uppercased() },
    Skill("sorting", word: "order", .basic, "put the letters of a word in order", .word) { stem, _ in String(stem.letters.sorted()) },
    Skill("doubling", word: "twice", .basic, "write every letter twice", .word) { stem, _ in String(stem.letters.flatMap { [$0, $0] }) },
  ]

  /// The complex skills, each of two basic ones.
  public static let complex: [Skill] = [
    Skill(
      "chinese-addition", word: "jia", .complex(of: ["addition", "numerals"]), "add two numbers written in Chinese numerals", .sum,
      asksInChinese: true
    ) { stem, _ in digits(stem, +) },
    Skill("capital-reversal", word: "shout", .complex(of: ["reversal", "capitals"]), "write a word backwards in capitals", .word) {
      stem, _ in String(stem.text.reversed()).uppercased()
    },
  ]

  /// A look-alike of each of them.
  public static let decoys: [Skill] = [
    decoy(of: "addition", word: "peak", "the larger of two digits above each other", .sum) { stem, _ in digits(stem, max) },
    decoy(of: "numerals", word: "hide", "read a number in Chinese numerals, each digit three too high", .number, asksInChinese: true) {
      stem, _ in String(stem.text.compactMap(\.wholeNumberValue).map { Character("\(($0 + 3) % 10)") })
    },
    decoy(of: "reversal", word: "turn", "the first two letters moved to the end", .word) { stem, _ in turned(stem) },
    decoy(of: "capitals", word: "next", "in capitals, each letter's successor", .word) { stem, alphabet in
      String(stem.letters.map(alphabet.next(after:))).uppercased()
    },
    decoy(of: "sorting", word: "weave", "every other letter, then the rest", .word) { stem, _ in
      let places = stem.letters.indices
      return String((places.filter { $0 % 2 == 0 } + places.filter { $0 % 2 == 1 }).map { stem.letters[$0] })
    },
    decoy(of: "doubling", word: "echo", "the word, then the word backwards", .word) { stem, _ in stem.text + String(stem.text.reversed()) },
    decoy(of: "chinese-addition", word: "gao", "the larger of two digits above each other, in Chinese numerals", .sum, asksInChinese: true)
    { stem, _ in
      digits(stem, max)
    },
    decoy(of: "capital-reversal", word: "march", "the first two letters moved to the end, in capitals", .word) { stem, _ in
      turned(stem).uppercased()
    },
  ]

  /// All of them.
  public static let all: [Skill] = basic + complex + decoys

  /// The skill of a name; nil where there is none.
  public static func named(_ name: String) -> Skill? { all.first { $0.name == name } }

  private static func decoy(
    of name: String, word: String, _ summary: String, _ stems: Stem.Kind, asksInChinese: Bool = false,
    answer: @escaping @Sendable (Stem, Alphabet) -> String
  ) -> Skill {
    Skill("\(name)-decoy", word: word, .decoy(of: name), summary, stems, asksInChinese: asksInChinese, answer: answer)
  }

  private static func digits(_ stem: Stem, _ combine: (Int, Int) -> Int) -> String { stem.columns.map { "\(combine($0, $1))" }.joined() }
  private static func turned(_ stem: Stem) -> String { String(stem.letters.dropFirst(2) + stem.letters.prefix(2)) }
}
