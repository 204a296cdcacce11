/// Text of unknown origin on its way to a terminal.
///
/// File names, field names, prompts and error texts that quote them may hold what a terminal obeys: escape sequences that move the cursor,
/// set its title or answer as if typed, and marks that turn the direction of writing, under which a text reads as another. They are shown
/// in the way in which Swift and Python write them in literals: `\u{1B}`.
extension StringProtocol {
  /// The text with line breaks and tabs as they are, and everything else that a terminal or a reader could be misled by shown escaped.
  public var terminalText: String { escaped(keepingLines: true) }

  /// The text as one line: line breaks and tabs are shown escaped, too.
  public var terminalLine: String { escaped(keepingLines: false) }

  private func escaped(keepingLines: Bool) -> String {
    // Most text has nothing to escape.
    guard unicodeScalars.contains(where: { $0.needsEscape && !(keepingLines && $0.breaksLine) }) else { return String(self) }
    var text = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      if !scalar.needsEscape || (keepingLines && scalar.breaksLine) {
        text.append(scalar)
        continue
      }
      switch scalar {
      case "\n": text.append(contentsOf: #"\n"#.unicodeScalars)
      case "\r": text.append(contentsOf: #"\r"#.unicodeScalars)
      case "\t": text.append(contentsOf: #"\t"#.unicodeScalars)
      default: text.append(contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
      }
    }
    return String(text)
  }
}

extension Unicode.Scalar {
  fileprivate var breaksLine: Bool { self == "\n" || self == "\t" }

  /// Whether a terminal may obey the character, or a reader be misled by it.
  fileprivate var needsEscape: Bool {
    switch value {
    case 0x20..<0x7F: false
    case 0..<0x20, 0x7F..<0xA0: true  // C0, delete, C1
    case 0x200C, 0x200D: false  // joiners, which scripts and emoji need
    case 0xAD, 0x61C, 0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: true  // direction, invisible
    case 0xE0000..<0xE0100: true  // tags, which spell text unseen
    default: false
    }
  }
}

extension String {
  /// The text as one word of a command for a POSIX shell.
  public var shellWord: String {
    let plain =
      !isEmpty
      && utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
          UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "="),
          UInt8(ascii: ":"),
          UInt8(ascii: ","), UInt8(ascii: "@"), UInt8(ascii: "%"):
          true
        default: false
        }
      }
    // What begins with a hyphen would be an option.
    if plain { return utf8.first == UInt8(ascii: "-") ? "./\(self)" : self }
    // By scalars: a quote that carries a combining mark is a quote for the shell, but another character for Swift.
    var word = "'"
    for scalar in unicodeScalars {
      if scalar == "'" { word += #"'\''"# } else { word.unicodeScalars.append(scalar) }
    }
    return word + "'"
  }

  /// At most this many Unicode scalars of the text, and a mark where it goes on. (One character may be any number of scalars.)
  public func excerpt(_ count: Int) -> String {
    let start = unicodeScalars.prefix(count)
    return start.endIndex < unicodeScalars.endIndex ? String(start) + "…" : self
  }
}
