/// Texts token by token, each shaded by a number: what a head does at each token.
public struct ShadedText: Chart {
  /// One text.
  public struct Passage: Sendable {
    /// What it is.
    public var title: String
    /// The tokens, whose texts joined are the text, and their numbers.
    public var tokens: [(text: String, value: Double)]

    /// A text of these tokens.
    public init(title: String, tokens: [(text: String, value: Double)]) {
      self.title = title
      self.tokens = tokens
    }
  }

  /// The texts, one under another, each on a scale of its own.
  public var passages: [Passage]
  /// What they show together; empty for none.
  public var title: String
  /// What the numbers are, for the tooltips.
  public var valueName: String

  /// A picture of these texts.
  public init(_ passages: [Passage], title: String = "", valueName: String = "") {
    self.passages = passages
    self.title = title
    self.valueName = valueName
  }

  private static let width = 760.0
  private static let margin = 16.0
  private static let lineHeight = 23.0
  /// The width of a letter, as in most fonts of fixed width at 12 pixels; East Asian ones take two.
  private static let letterWidth = 7.22

  private static func width(_ text: String) -> Double { Double(max(1, TextMeasure.columns(text))) * letterWidth }

  /// The picture as one SVG document.
  public func svg() -> String {
    var canvas = SVGCanvas()
    var y = 18.0
    if !title.isEmpty {
      let shown = TextMeasure.fitted(title, to: Self.width - 2 * Self.margin, size: ChartStyle.titleSize)
      canvas.text(shown, x: Self.margin, y: y + 7, style: "title", tooltip: title)
      y += 30
    }
    for passage in passages { y = draw(passage, at: y, on: &canvas) }
    return canvas.document(
      width: Self.width, height: y, title: title.isEmpty ? passages.map(\.title).joined(separator: "; ") : title,
      styles: ChartStyle.sheet(scales: ColorScale.Kind.allCases.filter { $0 != .sequential }))
  }

  /// Draws a text and says where the next one begins.
  private func draw(_ passage: Passage, at start: Double, on canvas: inout SVGCanvas) -> Double {
    // Zero has the page's colour, and no token is worth leaving out.
    let scale = ColorScale(passage.tokens.map(\.value), isChange: true, clips: false)
    canvas.text(
      TextMeasure.fitted(passage.title, to: Self.width - 2 * Self.margin, size: ChartStyle.labelSize), x: Self.margin, y: start + 4,
      tooltip: passage.title)
    var (x, y) = (Self.margin, start + 14)
    for (place, token) in passage.tokens.enumerated() {
      let tooltip = "token \(place): \(NumberText.short(token.value, digits: 3))\(valueName.isEmpty ? "" : " \(valueName)")"
      for piece in Self.pieces(token.text) {
        let width = Self.width(piece.text)
        if x > Self.margin, x + width > Self.width - Self.margin { (x, y) = (Self.margin, y + Self.lineHeight) }
        canvas.rectangle(x: x, y: y, width: width, height: Self.lineHeight - 3, style: scale.style(token.value), tooltip: tooltip)
        let light = scale.needsLightText(token.value)
        canvas.text(
          piece.text, x: x, y: y + 14, width: width,
          style: "fixed \(light.onLight ? "pale" : "ink") \(light.onDark ? "nightpale" : "nightink")")
        x += width
        if piece.endsLine { (x, y) = (Self.margin, y + Self.lineHeight) }
      }
    }
    return y + Self.lineHeight + 22
  }

  /// A token's text in pieces that are drawn in one place: cut after line feeds, which are shown, and where it is longer than a line.
  private static func pieces(_ text: String) -> [(text: String, endsLine: Bool)] {
    var pieces: [(text: String, endsLine: Bool)] = []
    var piece = ""
    for character in text {
      if character.isNewline {
        pieces.append((piece + "⏎", true))
        piece = ""
      } else {
        piece.append(character)
        if Self.width(piece) > width - 3 * margin {
          pieces.append((piece, false))
          piece = ""
        }
      }
    }
    if !piece.isEmpty { pieces.append((piece, false)) }
    return pieces
  }
}
