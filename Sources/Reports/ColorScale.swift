/// Colours for numbers, told apart also by people who see fewer colours, on light and on dark pages.
///
/// A picture names a colour by class, a letter for the kind and a step, such as `s0`…`s64`; the classes are defined for both pages in its style sheet.
struct ColorScale {
  /// What the numbers are.
  enum Kind: String, CaseIterable {
    /// Levels: from nothing to much.
    case sequential = "s"
    /// Changes: less, none, more.
    case diverging = "d"
    /// Changes none of which is above zero: less, none. The whole length of the scale is theirs.
    case falling = "f"
    /// Changes none of which is below zero: none, more.
    case rising = "r"
  }

  /// The number of steps from one end to the other.
  static let steps = 64

  let kind: Kind
  /// The value of the first colour.
  let least: Double
  /// The value of the last colour; values beyond the ends have the ends' colours.
  let greatest: Double
  /// Whether some value lies beyond an end.
  let isClipped: Bool

  /// A scale for the values: diverging about zero if some are negative and they are not said to be levels.
  /// - Parameters:
  ///   - values: All the values that share the scale.
  ///   - isChange: Whether zero has the page's colour.
  ///   - clips: Whether a few values far beyond the rest may share the last colour, so that the rest can be told apart.
  init(_ values: [Double], isChange: Bool, clips: Bool) {
    let finite = values.filter(\.isFinite)
    let (hasLess, hasMore) = (finite.contains { $0 < 0 }, finite.contains { $0 > 0 })
    kind = hasLess ? (hasMore ? .diverging : .falling) : isChange ? (hasMore ? .rising : .diverging) : .sequential
    let sizes = finite.map { abs($0) }.sorted()
    let largest = sizes.last ?? 0
    // The value that one in fifty exceeds. One head of a thousand is often ten times the next.
    let usual = sizes.isEmpty ? 0 : sizes[Int(Double(sizes.count - 1) * 0.98)]
    let end = clips && usual > 0 && largest > 3 * usual ? usual : largest
    isClipped = end < largest
    let size = end > 0 ? end : 1
    greatest = kind == .falling ? 0 : size
    least = kind == .diverging || kind == .falling ? -size : 0
  }

  /// A scale from −1 to 1, or from 0 to 1 where nothing is negative, for correlations and shares.
  init(unit values: [Double]) {
    kind = values.contains { $0 < 0 } ? .diverging : .sequential
    let size = values.filter(\.isFinite).reduce(1) { max($0, abs($1)) }
    greatest = size
    least = kind == .diverging ? -size : 0
    isClipped = false
  }

  /// Whether a value has an end's colour although it lies beyond it.
  func isBeyond(_ value: Double?) -> Bool { value.map { $0.isFinite && ($0 < least || $0 > greatest) } ?? false }

  /// Where a value lies between the first colour, 0, and the last one, 1.
  private func position(_ value: Double) -> Double {
    // In units of the larger end, since a span can be too large for a number.
    let size = max(abs(least), abs(greatest))
    return max(0, min(1, (value / size - least / size) / (greatest / size - least / size)))
  }

  /// The style of a value; nil or not finite is undefined.
  func style(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "undefined" }
    return style(step: Int((position(value) * Double(Self.steps)).rounded()))
  }

  /// The style of a step.
  func style(step: Int) -> String { "\(kind.rawValue)\(step)" }

  /// Whether text on the value's colour must be light, on a light and on a dark page.
  func needsLightText(_ value: Double?) -> (onLight: Bool, onDark: Bool) {
    guard let value, value.isFinite else { return (false, true) }
    let position = position(value)
    func isDark(_ anchors: [[Double]]) -> Bool {
      let color = Self.mixed(anchors, at: position)
      return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] < 140
    }
    let (light, dark) = Self.anchors(kind)
    return (isDark(light), isDark(dark))
  }

  /// The classes of one kind of scale, for light pages and, inside the media query, for dark ones.
  static func styles(_ kind: Kind) -> (light: String, dark: String) {
    let (light, dark) = anchors(kind)
    func rules(_ anchors: [[Double]]) -> String {
      (0...steps).map { ".\(kind.rawValue)\($0){fill:\(hexadecimal(mixed(anchors, at: Double($0) / Double(steps))))}" }.joined()
    }
    return (rules(light), rules(dark))
  }

  /// The colours of a kind: a half of the diverging ones is a scale of its own.
  private static func anchors(_ kind: Kind) -> (light: [[Double]], dark: [[Double]]) {
    switch kind {
    case .sequential: (sequentialLight, sequentialDark)
    case .diverging: (divergingLight, divergingDark)
    case .falling: (Array(divergingLight.prefix(5)), Array(divergingDark.prefix(5)))
    case .rising: (Array(divergingLight.suffix(5)), Array(divergingDark.suffix(5)))
    }
  }

  // Anchors evenly spaced, red, green, blue. Sequential: viridis (van der Walt and Smith) turned so that little is close to the
  // page: light to dark on a light page, dark to light on a dark one. Diverging: blue, page, orange, which all common forms of
  // colour blindness keep apart.
  private static let viridis: [[Double]] = [
    [68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50],
    [253, 231, 37],
  ]
  private static let sequentialLight: [[Double]] = [
    [250, 250, 236], [232, 242, 190], [190, 226, 150], [126, 205, 136], [70, 178, 136], [38, 147, 141], [40, 113, 142], [58, 76, 137],
    [68, 20, 96],
  ]
  private static let sequentialDark: [[Double]] = [[30, 24, 40]] + viridis.dropFirst()
  private static let divergingLight: [[Double]] = [
    [8, 48, 107], [33, 113, 181], [107, 174, 214], [189, 215, 231], [247, 247, 247], [253, 208, 162], [253, 141, 60], [217, 72, 1],
    [127, 39, 4],
  ]
  private static let divergingDark: [[Double]] = [
    [158, 214, 255], [86, 170, 236], [46, 120, 190], [32, 72, 120], [34, 34, 38], [120, 60, 18], [190, 96, 20], [240, 140, 50],
    [255, 200, 130],
  ]

  private static func mixed(_ anchors: [[Double]], at position: Double) -> [Double] {
    let place = position * Double(anchors.count - 1)
    let lower = min(anchors.count - 2, Int(place))
    let share = place - Double(lower)
    return zip(anchors[lower], anchors[lower + 1]).map { $0 + ($1 - $0) * share }
  }

  private static func hexadecimal(_ color: [Double]) -> String {
    "#"
      + color.map { part in
        let digits = String(Int(part.rounded()), radix: 16)
        return digits.count == 1 ? "0" + digits : digits
      }.joined()
  }
}

extension ColorScale {
  /// Draws the scale as an upright bar with ticks at its right, and says how wide both are.
  func drawBar(x: Double, y: Double, height: Double, on canvas: inout SVGCanvas) -> Double {
    let slice = height / Double(Self.steps + 1)
    for step in 0...Self.steps {
      // Half a pixel more, so that no seam shows between two slices.
      canvas.rectangle(
        x: x, y: y + height - Double(step + 1) * slice, width: 14, height: slice + (step > 0 ? 0.5 : 0), style: style(step: step))
    }
    canvas.rectangle(x: x, y: y, width: 14, height: height, style: "frame")
    let ticks = Ticks(from: least, to: greatest, count: 6)
    for (value, label) in zip(ticks.values, ticks.labels) {
      let place = y + height * (1 - position(value))
      canvas.line(x + 14, place, x + 18, place, style: "axis")
      canvas.text(label.typographicMinus, x: x + 22, y: place + 4, style: "tick")
    }
    return 22 + (ticks.labels.map { TextMeasure.width($0, size: ChartStyle.tickSize) }.max() ?? 0)
  }
}
