/// The forms in which answers to MATH are compared: normalisations of their LaTeX by replacing text, which is how its evaluators have done it since
/// Hendrycks et al. 2021 and Lewkowycz et al. 2022 (Minerva, appendix D). Nothing is computed: `1/2` and `0.5` are one answer, `2/4` is another.
enum LaTeXAnswer {
  /// OpenCompass's second form of equivalence: equal after its normalisation, or after Minerva's on top, or after Minerva's alone.
  @Sendable static func areEquivalent(_ answer: String, _ key: String) -> Bool {
    if let first = normalized(answer), let second = normalized(key) {
      if first.isExactly(second) || minervaForm(of: first).isExactly(minervaForm(of: second)) { return true }
    }
    return minervaForm(of: answer).isExactly(minervaForm(of: key)) || answer.isExactly(key)
  }

  /// The equivalence of Hendrycks et al.: equal after their normalisation; texts that it cannot normalise must be alike.
  @Sendable static func areEquivalentByHendrycks(_ answer: String, _ key: String) -> Bool {
    guard let first = hendrycksForm(of: answer), let second = hendrycksForm(of: key) else { return answer.isExactly(key) }
    return first.isExactly(second)
  }

  /// OpenCompass's normalisation (`_strip_string_v2`); nil where it gives up.
  static func normalized(_ text: String) -> String? {
    var text = text.stripped.removing("\n")
    while text.utf8.last == UInt8(ascii: ".") { text = String(text.unicodeScalars.dropLast()) }
    text = text.removing(#"\!"#, #"\ "#).replacing(#"\\"#, by: #"\"#).replacing(#"\\"#, by: #"\"#)
    text = text.replacing("tfrac", by: "frac").replacing("dfrac", by: "frac").removing(#"\left"#, #"\right"#)
    // A unit behind the number, unless nothing else is there.
    let unitless = Patterns.trailingText.replacing(in: text, by: "").stripped
    if !unitless.isEmpty { text = unitless }
    text = text.removing(#"^{\circ}"#, #"^\circ"#, #"\$"#, "$", #"\text"#, #"x\in"#, #"\%"#, "%")
    text = text.replacing(" .", by: " 0.").replacing("{.", by: "{0.").removing(#"\cdot"#)
    text = text.replacing("infinity", by: #"\infty"#)
    if !text.containsExactly(#"\infty"#) { text = text.replacing("inf", by: #"\infty"#) }
    text = text.replacing(#"+\inity"#, by: #"\infty"#).removing("and", #"\mathbf"#)
    text = Patterns.mbox.replacing(in: text, by: "")
    if text.containsExactly("j"), !text.containsExactly("i") { text = text.replacing("j", by: "i") }
    text = Patterns.zeroDecimals.replacing(in: text, by: "$1$2")
    text = Patterns.lastZeroDecimals.replacing(in: text, by: "$1")
    guard !text.isEmpty else { return text }
    text = valueBehindName(in: withLeadingZero(text))
    text = Patterns.bareRoot.replacing(in: text, by: #"\\sqrt{$1}"#).removing(" ")
    guard let braced = withBracedFractions(text, fallsOnEmpty: false) else { return nil }
    return withSlashAsFraction(braced)
  }

  /// The normalisation of Hendrycks et al. (`strip_string`); nil where it gives up.
  static func hendrycksForm(of text: String) -> String? {
    var text = text.removing("\n", #"\!"#).replacing(#"\\"#, by: #"\"#)
    text = text.replacing("tfrac", by: "frac").replacing("dfrac", by: "frac").removing(#"\left"#, #"\right"#)
    text = text.removing(#"^{\circ}"#, #"^\circ"#, #"\$"#)
    let beforeUnits = text.pieces(between: #"\text{ "#)
    guard beforeUnits.count <= 2 else { return nil }
    text = beforeUnits[0].removing(#"\%"#).replacing(" .", by: " 0.").replacing("{.", by: "{0.")
    guard !text.isEmpty else { return text }
    text = valueBehindName(in: withLeadingZero(text))
    guard let rooted = withBracedRoots(text), let braced = withBracedFractions(rooted.removing(" "), fallsOnEmpty: true) else { return nil }
    return withSlashAsFraction(braced.isExactly("0.5") ? #"\frac{1}{2}"# : braced)
  }

  /// Minerva's normalisation as OpenCompass has it (`normalize_final_answer`): units and words out, what a sentence says as its answer, shorthand
  /// fractions and roots in braces.
  static func minervaForm(of text: String) -> String {
    var text = text
    for (old, new) in substitutions { text = text.replacing(old, by: new) }
    for expression in removed { text = text.removing(expression) }
    for (pattern, template) in Patterns.wrappings { text = pattern.replacing(in: text, by: template) }
    for pattern in Patterns.sayings {
      if let said = pattern.all(in: text).last?[1] { text = said }
    }
    text = text.stripped
    if text.containsExactly("rac"), !text.containsExactly(#"\frac"#) { text = text.replacing("rac", by: #"\frac"#) }
    text = Patterns.shortFraction.replacing(in: text, by: "frac{$2}{$3}")
    text = Patterns.shortRoot.replacing(in: text, by: "sqrt{$2}").removing("$")
    let digits = text.removing(",")
    return !digits.isEmpty && digits.unicodeScalars.allSatisfy { [.decimal, .digit].contains($0.properties.numericType) } ? digits : text
  }

  // MARK: Pieces that the normalisations share

  private static func withLeadingZero(_ text: String) -> String { text.hasPrefix(".") ? "0" + text : text }

  /// `k = 5` as `5`, where the name has at most two characters with its space.
  private static func valueBehindName(in text: String) -> String {
    let sides = text.pieces(between: "=")
    return sides.count == 2 && sides[0].unicodeScalars.count <= 2 ? sides[1] : text
  }

  /// `\sqrt3` as `\sqrt{3}`; nil where nothing follows a root.
  private static func withBracedRoots(_ text: String) -> String? {
    let pieces = text.pieces(between: #"\sqrt"#)
    var braced = pieces[0]
    for piece in pieces.dropFirst() {
      guard let first = piece.unicodeScalars.first else { return nil }
      braced += first == "{" ? #"\sqrt"# + piece : #"\sqrt{"# + String(first) + "}" + String(piece.unicodeScalars.dropFirst())
    }
    return braced
  }

  /// `\frac12` as `\frac{1}{2}`, `\frac1{72}` as `\frac{1}{72}`; the text as it was where a fraction is not complete.
  /// - Parameter fallsOnEmpty: whether a `\frac` with nothing behind it makes the evaluator give up (nil).
  private static func withBracedFractions(_ text: String, fallsOnEmpty: Bool) -> String? {
    let pieces = text.pieces(between: #"\frac"#)
    var braced = pieces[0]
    for piece in pieces.dropFirst() {
      let scalars = piece.unicodeScalars
      if scalars.first == "{" {
        braced += #"\frac"# + piece
        continue
      }
      if scalars.isEmpty, fallsOnEmpty { return nil }
      guard scalars.count >= 2 else { return text }
      let numerator = String(scalars.prefix(1))
      let second = String(scalars.dropFirst().prefix(1))
      let rest = String(scalars.dropFirst(2))
      braced += #"\frac{"# + numerator + "}" + (second == "{" ? second : "{" + second + "}") + rest
    }
    return braced
  }

  /// `3/4` as `\frac{3}{4}` where both are whole numbers; nil where a single slash stands between anything else.
  private static func withSlashAsFraction(_ text: String) -> String? {
    let sides = text.pieces(between: "/")
    guard sides.count == 2 else { return text }
    guard sides.allSatisfy({ Patterns.wholeNumber.first(in: $0) != nil }) else { return nil }
    // Only numbers in their plain form are rewritten: not `03/4`.
    guard sides.allSatisfy({ Patterns.plainNumber.first(in: $0) != nil }) else { return text }
    return #"\frac{"# + sides[0] + "}{" + sides[1] + "}"
  }

  private static let substitutions: [(String, String)] = [
    ("an ", ""), ("a ", ""), (".$", "$"), (#"\$"#, ""), (#"\ "#, ""), (" ", ""), ("mbox", "text"), (#",\text{and}"#, ","),
    (#"\text{and}"#, ","), (#"\text{m}"#, #"\text{}"#), (#"\le"#, "<"),
  ]

  private static let removed = [
    "square", "ways", "integers", "dollars", "mph", "inches", "ft", "hours", "km", "units", #"\ldots"#, "sue", "points", "feet", "minutes",
    "digits", "cents", "degrees", "cm", "gm", "pounds", "meters", "meals", "edges", "students", "childrentickets", "multiples",
    #"\text{s}"#, #"\text{.}"#, "\\text{\ns}", #"\text{}^2"#, #"\text{}^3"#, "\\text{\n}", #"\text{}"#, #"\mathrm{th}"#, #"^\circ"#,
    #"^{\circ}"#, #"\;"#, #",\!"#, "{,}", "\"", #"\dots"#, "\n", "\r", "\u{0C}",
  ]

  private enum Patterns {
    static let trailingText = Pattern(#"\\text\{.*?\}$"#)
    static let mbox = Pattern(#"\\mbox\{.*?\}"#)
    static let zeroDecimals = Pattern(#"(\d+)\.0+([^\d])"#)
    static let lastZeroDecimals = Pattern(#"(\d+)\.0+$"#)
    static let bareRoot = Pattern(#"\\sqrt(\w+)"#)
    static let wrappings: [(Pattern, String)] = [
      (Pattern(#"(\\text\{)\((.*?)\)(\})"#), "$2"), (Pattern(#"(\\text\{)(.*?)(\})"#), "$2"), (Pattern(#"(\\textbf\{)(.*?)(\})"#), "$2"),
      (Pattern(#"(\\overline\{)(.*?)(\})"#), "$2"), (Pattern(#"(\\boxed\{)(.*)(\})"#), "$2"),
    ]
    static let sayings = [
      Pattern(#"finalansweris(.*)"#), Pattern(#"answer?is:?(.*)"#), Pattern(#"oxed\{(.*?)\}"#), Pattern(#"\$(.*?)\$"#),
    ]
    static let shortFraction = Pattern(#"(frac)([^\{])(.)"#)
    static let shortRoot = Pattern(#"(sqrt)([^\{])"#)
    /// What Python's `int` reads.
    static let wholeNumber = Pattern(#"^\s*[+-]?\d+(_\d+)*\s*$"#)
    static let plainNumber = Pattern(#"^(0|-?[1-9][0-9]*)$"#)
  }
}
