/// Classes of characters as Hugging Face tokenizers sees them, looked up in two steps: page of 128 code points, then place on it.
struct CharacterClasses: Sendable {
  /// The classes that the split patterns tell apart.
  enum Class {
    static let other: UInt8 = 0
    static let letter: UInt8 = 1
    static let number: UInt8 = 2
    static let whitespace: UInt8 = 3
    /// Set beside the class for characters that `\w` matches.
    static let wordBit: UInt8 = 4
    static let mask: UInt8 = 3
  }

  /// The table; it is the same for all tokenizers.
  static let shared = CharacterClasses()

  /// Start in `entries` of each page.
  private let pages: [UInt32]
  private let entries: [UInt8]

  private init() {
    var flat = [UInt8](repeating: Class.other, count: 0x110000)
    func mark(_ ranges: [UInt32], _ bits: UInt8) {
      for pair in stride(from: 0, to: ranges.count - 1, by: 2) {
        for point in ranges[pair]...ranges[pair + 1] { flat[Int(point)] |= bits }
      }
    }
    mark(UnicodeTables.letterRanges, Class.letter)
    mark(UnicodeTables.numberRanges, Class.number)
    mark(UnicodeTables.whitespaceRanges, Class.whitespace)
    mark(UnicodeTables.wordRanges, Class.wordBit)
    var pages: [UInt32] = []
    var entries: [UInt8] = []
    var known: [ArraySlice<UInt8>: UInt32] = [:]
    for start in stride(from: 0, to: flat.count, by: 128) {
      let page = flat[start..<start + 128]
      if let place = known[page] {
        pages.append(place)
      } else {
        known[page] = UInt32(entries.count)
        pages.append(UInt32(entries.count))
        entries.append(contentsOf: page)
      }
    }
    self.pages = pages
    self.entries = entries
  }

  @inline(__always)
  private func entry(_ scalar: UInt32) -> UInt8 {
    entries[Int(pages[Int(scalar >> 7)]) + Int(scalar & 127)]
  }

  /// The class of a scalar (below U+110000).
  @inline(__always)
  func of(_ scalar: UInt32) -> UInt8 { entry(scalar) & Class.mask }

  /// Whether `\w` matches a scalar.
  func isWord(_ scalar: UInt32) -> Bool { entry(scalar) & Class.wordBit != 0 }
}
