import Ground

/// What a question is about, apart from the skill that asks and the script it is asked in: a word, a number, two numbers.
///
/// A stem belongs to one part of the world, by which no question of a test was ever seen in any training, whatever skill or script asked it.
struct Stem: Sendable, Hashable {
  /// Kinds of stems.
  enum Kind: Sendable, Hashable {
    /// Four to six letters.
    case word
    /// Three to five digits.
    case number
    /// Two numbers of three digits, no two digits above each other adding up to more than nine.
    case sum

    /// How many stems there are.
    var count: Int {
      switch self {
      case .word: (4...6).reduce(0) { sum, length in sum + (0..<length).reduce(1) { product, _ in product * Alphabet.letterCount } }
      case .number: 1_000 + 10_000 + 100_000
      // 36 pairs of digits from 1 on, 55 from 0 on.
      case .sum: 36 * 55 * 55
      }
    }
  }

  let text: String

  /// The stem of a text.
  init(text: String) { self.text = text }

  /// Draws one.
  init(_ kind: Kind, _ alphabet: Alphabet, using generator: inout SeededGenerator) {
    switch kind {
    case .word:
      text = String((0..<4 + generator.integer(below: 3)).map { _ in alphabet.letters[generator.integer(below: alphabet.letters.count)] })
    case .number:
      text = (0..<3 + generator.integer(below: 3)).map { _ in String(generator.integer(below: 10)) }.joined()
    case .sum:
      var (first, second) = ("", "")
      for place in 0..<3 {
        // Neither number begins with a zero.
        let least = place == 0 ? 1 : 0
        let digit = least + generator.integer(below: 10 - 2 * least)
        first += "\(digit)"
        second += "\(least + generator.integer(below: 10 - digit - least))"
      }
      text = "\(first)+\(second)"
    }
  }

  /// The letters of a word.
  var letters: [Character] { Array(text) }

  /// The digits above each other of two numbers.
  var columns: [(Int, Int)] {
    let digits = text.split(separator: "+").map { $0.compactMap(\.wholeNumberValue) }
    guard digits.count == 2 else { return [] }
    return Array(zip(digits[0], digits[1]))
  }
}
