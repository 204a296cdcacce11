import Foundation

/// Collects the elements of an SVG picture. Whatever text comes in is escaped; numbers are written short.
struct SVGCanvas {
  private(set) var body = ""

  /// How text is placed at its point.
  enum Anchor: String {
    case start, middle, end
  }

  /// A rectangle; the tooltip is shown when the pointer rests on it.
  mutating func rectangle(x: Double, y: Double, width: Double, height: Double, style: String, radius: Double = 0, tooltip: String? = nil) {
    let rounding = radius > 0 ? " rx=\"\(Self.number(radius))\"" : ""
    let box =
      "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(max(0, width)))\" height=\"\(Self.number(max(0, height)))\""
    close("<rect class=\"\(style)\" \(box)\(rounding)", "rect", tooltip)
  }

  /// A straight line.
  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, style: String) {
    body +=
      "<line class=\"\(style)\" x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\" x2=\"\(Self.number(x2))\" y2=\"\(Self.number(y2))\"/>\n"
  }

  /// A circle.
  mutating func circle(x: Double, y: Double, radius: Double, style: String, tooltip: String? = nil) {
    close("<circle class=\"\(style)\" cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"\(Self.number(radius))\"", "circle", tooltip)
  }

  /// A line through points, or the area that they enclose.
  mutating func path(_ points: [(x: Double, y: Double)], style: String, isClosed: Bool = false) {
    guard let first = points.first else { return }
    var steps = "M\(Self.number(first.x)) \(Self.number(first.y))"
    for point in points.dropFirst() { steps += "L\(Self.number(point.x)) \(Self.number(point.y))" }
    body += "<path class=\"\(style)\" d=\"\(steps)\(isClosed ? "Z" : "")\"/>\n"
  }

  /// A path of SVG's own steps, made by this library.
  mutating func path(steps: String, style: String) {
    body += "<path class=\"\(style)\" d=\"\(steps)\"/>\n"
  }

  /// What `draw` adds, moved to a corner and enlarged.
  mutating func group(left: Double, top: Double, scale: Double, _ draw: (inout SVGCanvas) -> Void) {
    body += "<g transform=\"translate(\(Self.number(left)) \(Self.number(top))) scale(\(Self.number(scale)))\">\n"
    draw(&self)
    body += "</g>\n"
  }

  /// A rectangle that nobody sees and that carries data for a script.
  mutating func area(x: Double, y: Double, width: Double, height: Double, style: String, data: [(name: String, text: String)]) {
    let box = "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\" height=\"\(Self.number(height))\""
    let texts = data.map { " data-\($0.name)=\"\($0.text.escapedForMarkup)\"" }.joined()
    body += "<rect class=\"\(style)\" \(box)\(texts)/>\n"
  }

  /// Markup of this library's own.
  mutating func add(_ markup: String) { body += markup }

  /// Text on the baseline y, turned by degrees about its point.
  mutating func text(
    _ text: String, x: Double, y: Double, style: String = "label", anchor: Anchor = .start, turned degrees: Double = 0,
    tooltip: String? = nil
  ) {
    let place = "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor.rawValue)\""
    let turn = degrees == 0 ? "" : " transform=\"rotate(\(Self.number(degrees)) \(Self.number(x)) \(Self.number(y)))\""
    let title = tooltip.map { "<title>\($0.escapedForMarkup)</title>" } ?? ""
    body += "<text class=\"\(style)\" \(place)\(turn)>\(title)\(text.escapedForMarkup)</text>\n"
  }

  /// Text that takes just this width from x on, whatever font is at hand, with all its spaces.
  mutating func text(_ text: String, x: Double, y: Double, width: Double, style: String) {
    let place = "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" textLength=\"\(Self.number(width))\" lengthAdjust=\"spacingAndGlyphs\""
    body += "<text class=\"\(style)\" \(place) xml:space=\"preserve\">\(text.escapedForMarkup)</text>\n"
  }

  /// The whole picture, readable by itself and inside a page.
  func document(width: Double, height: Double, title: String, styles: String) -> String {
    let size =
      "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\" viewBox=\"0 0 \(Self.number(width)) \(Self.number(height))\""
    return """
      <svg xmlns="http://www.w3.org/2000/svg" class="headway-chart" role="img" \(size)>
      <title>\(title.escapedForMarkup)</title>
      <style>
      \(styles)
      </style>
      <rect class="page" x="0" y="0" width="\(Self.number(width))" height="\(Self.number(height))"/>
      \(body)</svg>

      """
  }

  private mutating func close(_ start: String, _ name: String, _ tooltip: String?) {
    if let tooltip { body += "\(start)><title>\(tooltip.escapedForMarkup)</title></\(name)>\n" } else { body += "\(start)/>\n" }
  }

  /// A coordinate with at most two decimals.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let rounded = (value * 100).rounded() / 100
    if rounded == rounded.rounded(), abs(rounded) < 1e15 { return "\(Int(rounded))" }
    return "\(rounded)"
  }
}

extension String {
  /// The text as XML and HTML may hold it: markup characters escaped, characters that XML forbids replaced.
  var escapedForMarkup: String {
    var escaped = ""
    escaped.reserveCapacity(utf8.count)
    for scalar in unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\t", "\n", "\r": escaped += " "
      case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{fffe}", "\u{ffff}": escaped += "\u{fffd}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
