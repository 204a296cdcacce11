/// How wide text will be: a picture is laid out before any font is at hand, so widths are estimates on the wide side.
enum TextMeasure {
  /// The width in units of the font's size.
  static func width(_ text: String, size: Double) -> Double {
    text.reduce(0) { $0 + width($1) } * size
  }

  private static func width(_ character: Character) -> Double {
    if columns(character) == 2 { return 1 }
    return switch character {
    case "i", "j", "l", "I", "|", "'", ".", ",", ":", ";", "!": 0.3
    case "f", "t", "r", " ", "(", ")", "[", "]", "-", "/": 0.4
    case "m", "w", "M", "W", "@", "%": 0.9
    case "A"..."Z", "−", "+", "=": 0.7
    default: 0.58
    }
  }

  /// Columns that the character takes in a terminal: 2 for East Asian wide ones and emoji.
  static func columns(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    if character.unicodeScalars.count > 1, character.unicodeScalars.contains("\u{fe0f}") { return 2 }
    return switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0: 0
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xa000...0xa4cf, 0xac00...0xd7a3,
      0xf900...0xfaff, 0xfe30...0xfe4f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1f6ff, 0x1f900...0x1faff,
      0x20000...0x3fffd:
      2
    default: 1
    }
  }

  /// Columns that the text takes in a terminal.
  static func columns(_ text: String) -> Int { text.reduce(0) { $0 + columns($1) } }

  /// The text, or its beginning and end around an ellipsis where it is wider than allowed.
  static func fitted(_ text: String, to width: Double, size: Double) -> String {
    guard self.width(text, size: size) > width else { return text }
    let characters = Array(text)
    var kept = min(characters.count - 1, Int(width / (size * 0.3)))
    while kept > 1 {
      let shortened = String(characters.prefix((kept + 1) / 2)) + "…" + String(characters.suffix(kept / 2))
      if self.width(shortened, size: size) <= width { return shortened }
      kept -= 1
    }
    return "…"
  }
}
