/// The regular expressions by which published tokenizers cut text into words, each as a scanner written by hand.
///
/// They are known by their text: a file with any other pattern is refused. Every one of them matches at every place of every text,
/// so the matches, end to end, are the whole text.
enum SplitPattern: Equatable {
  /// GPT-2, OPT and the default of `ByteLevel`.
  case gpt2
  /// Llama 3 and its kin: words with one leading sign, numbers by at most `digits` digits.
  case words(digits: Int)

  /// The text of ``gpt2``.
  static let gpt2Text = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  /// The pattern of a regular expression in a file, nil where it is not known.
  init?(text: String) {
    func words(_ numbers: String) -> String {
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + numbers
        + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }
    switch text {
    case Self.gpt2Text: self = .gpt2
    case words(#"\p{N}{1,3}"#): self = .words(digits: 3)
    case words(#"\p{N}"#): self = .words(digits: 1)
    default: return nil
    }
  }

  /// The end of the match that starts at `start`, which is less than `text.count`.
  @inline(__always)
  func end(from start: Int, in text: UnsafeBufferPointer<UInt8>, _ classes: borrowing CharacterClasses) -> Int {
    switch self {
    case .gpt2: PatternScanner.gpt2(start, text, classes)
    case .words(let digits): PatternScanner.words(start, text, digits: digits, classes)
    }
  }
}

/// The scanners of ``SplitPattern``.
private enum PatternScanner {
  typealias Class = CharacterClasses.Class
  typealias Text = UnsafeBufferPointer<UInt8>

  private static let apostrophe = UInt8(ascii: "'")
  private static let space = UInt8(ascii: " ")
  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")

  /// Class and length of the character at `position`; length 0 at the end of the text.
  @inline(__always)
  private static func character(_ position: Int, _ text: Text, _ classes: borrowing CharacterClasses) -> (kind: UInt8, length: Int) {
    guard position < text.count else { return (.max, 0) }
    let (scalar, length) = UTF8Coding.scalar(at: position, in: text)
    return (classes.of(scalar), length)
  }

  /// The end of the run of characters of class `kind` from `position`.
  @inline(__always)
  private static func run(_ kind: UInt8, from position: Int, _ text: Text, _ classes: borrowing CharacterClasses) -> Int {
    var position = position
    while true {
      let next = character(position, text, classes)
      guard next.kind == kind else { return position }
      position += next.length
    }
  }

  /// Length of a contraction (`'s`, `'re`, …) at `start`, where an apostrophe stands; 0 where there is none.
  ///
  /// Without regard to case, ſ (U+017F) counts as s, as it does in Unicode case folding.
  private static func contraction(_ start: Int, _ text: Text, ignoringCase: Bool) -> Int {
    func letter(_ offset: Int) -> UInt8 {
      guard start + offset < text.count else { return 0 }
      let byte = text[start + offset]
      return ignoringCase && UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }
    switch letter(1) {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"): return letter(2) == UInt8(ascii: "e") ? 3 : 0
    case UInt8(ascii: "l"): return letter(2) == UInt8(ascii: "l") ? 3 : 0
    case 0xC5: return ignoringCase && letter(2) == 0xBF ? 3 : 0
    default: return 0
    }
  }

  /// `\s+(?!\S)|\s+` at `start`, where white space stands and `end` is the end of its run: the run without its last character
  /// where more text follows, which leaves that character to the next word.
  @inline(__always)
  private static func whitespace(_ start: Int, end: Int, _ text: Text) -> Int {
    guard end < text.count else { return end }
    let last = end - UTF8Coding.scalar(before: end, in: text).length
    return last > start ? last : end
  }

  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  @inline(__always)
  static func gpt2(_ start: Int, _ text: Text, _ classes: borrowing CharacterClasses) -> Int {
    if text[start] == apostrophe {
      let length = contraction(start, text, ignoringCase: false)
      if length > 0 { return start + length }
    }
    let first = character(start, text, classes)
    if first.kind != Class.whitespace { return run(first.kind, from: start + first.length, text, classes) }
    if text[start] == space {
      let second = character(start + 1, text, classes)
      if second.length > 0, second.kind != Class.whitespace {
        return run(second.kind, from: start + 1 + second.length, text, classes)
      }
    }
    return whitespace(start, end: run(Class.whitespace, from: start + first.length, text, classes), text)
  }

  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
  @inline(__always)
  static func words(_ start: Int, _ text: Text, digits: Int, _ classes: borrowing CharacterClasses) -> Int {
    let byte = text[start]
    if byte == apostrophe {
      let length = contraction(start, text, ignoringCase: true)
      if length > 0 { return start + length }
    }
    let first = character(start, text, classes)
    let second = start + first.length
    if first.kind == Class.letter { return run(Class.letter, from: second, text, classes) }
    if first.kind == Class.number {
      var position = second
      var count = 1
      while count < digits {
        let next = character(position, text, classes)
        guard next.kind == Class.number else { break }
        position += next.length
        count += 1
      }
      return position
    }
    let follower = character(second, text, classes)
    if follower.kind == Class.letter, byte != lineFeed, byte != carriageReturn {
      return run(Class.letter, from: second + follower.length, text, classes)
    }
    if first.kind == Class.other || (byte == space && follower.kind == Class.other) {
      var position = run(Class.other, from: second, text, classes)
      while position < text.count, text[position] == lineFeed || text[position] == carriageReturn { position += 1 }
      return position
    }
    // White space: up to the last line break of the run where it has one.
    let end = run(Class.whitespace, from: second, text, classes)
    var position = end
    while position > start {
      let last = text[position - 1]
      if last == lineFeed || last == carriageReturn { return position }
      position -= 1
    }
    return whitespace(start, end: end, text)
  }
}
