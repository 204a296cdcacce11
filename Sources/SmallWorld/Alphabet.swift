import Ground

/// The signs of a world: a dozen letters that its seed chose, the ten digits, and the digits of another script.
public struct Alphabet: Sendable, Hashable {
  /// The letters, in the order of the Latin alphabet.
  public let letters: [Character]

  /// How many letters words are made of.
  public static let letterCount = 12
  /// The digits 0 to 9 as Chinese writes them.
  static let numerals = Array("零一二三四五六七八九")
  /// The sign between two numbers of a sum in Chinese.
  static let chinesePlus: Character = "加"

  /// The letters that a seed chooses.
  init(seed: UInt64) {
    let latin = Array("abcdefghijklmnopqrstuvwxyz")
    var generator = SeededGenerator(seed: seed, stream: "small world alphabet")
    letters = generator.positions(Self.letterCount, outOf: latin.count).map { latin[$0] }
  }

  /// The letter behind this one, the first behind the last.
  func next(after letter: Character) -> Character {
    guard let place = letters.firstIndex(of: letter) else { return letter }
    return letters[(place + 1) % letters.count]
  }
}

extension String {
  /// The text with every ASCII digit written as a Chinese numeral, and `+` as Chinese says it.
  func inChinese() -> String {
    String(
      map { sign in
        if sign == "+" { return Alphabet.chinesePlus }
        guard let digit = sign.wholeNumberValue, sign.isASCII else { return sign }
        return Alphabet.numerals[digit]
      })
  }
}
