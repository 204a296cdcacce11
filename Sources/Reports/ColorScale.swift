/// Colours for numbers, told apart also by people who see fewer colours, on light and on dark pages.
///
/// A picture names a colour by class (`s0`…`s64` sequential, `d0`…`d64` diverging); the classes are defined for both pages in
/// its style sheet.
struct ColorScale {
  /// What the numbers are.
  enum Kind {
    /// Levels: from nothing to much.
    case sequential
    /// Changes: less, none, more.
    case diverging
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
  ///   - isChange: Whether zero is the middle.
  ///   - clips: Whether a few values far beyond the rest may share the last colour, so that the rest can be told apart.
  init(_ values: [Double], isChange: Bool, clips: Bool) {
    let finite = values.filter(\.isFinite)
    kind = isChange || finite.contains { $0 < 0 } ? .diverging : .sequential
    let sizes = finite.map { abs($0) }.sorted()
    let largest = sizes.last ?? 0
    // The value that one in fifty exceeds. One head of a thousand is often ten times the next.
    let usual = sizes.isEmpty ? 0 : sizes[Int(Double(sizes.count - 1) * 0.98)]
    let end = clips && usual > 0 && largest > 3 * usual ? usual : largest
    isClipped = end < largest
    greatest = end > 0 ? end : 1
    least = kind == .diverging ? -greatest : 0
  }

  /// The style of a value; nil or not finite is undefined.
  func style(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "undefined" }
    let position = (value / greatest - least / greatest) / (1 - least / greatest)
    return style(step: Int((max(0, min(1, position)) * Double(Self.steps)).rounded()))
  }

  /// The style of a step.
  func style(step: Int) -> String { "\(kind == .sequential ? "s" : "d")\(step)" }

  /// Whether text on the value's colour must be light, on a light and on a dark page.
  func needsLightText(_ value: Double?) -> (onLight: Bool, onDark: Bool) {
    guard let value, value.isFinite else { return (false, true) }
    let position = max(0, min(1, (value / greatest - least / greatest) / (1 - least / greatest)))
    func isDark(_ anchors: [[Double]]) -> Bool {
      let color = Self.mixed(anchors, at: position)
      return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] < 140
    }
    return kind == .sequential
      ? (isDark(Self.sequentialLight), isDark(Self.sequentialDark)) : (isDark(Self.divergingLight), isDark(Self.divergingDark))
  }

  /// The classes of one kind of scale, for light pages and, inside the media query, for dark ones.
  static func styles(_ kind: Kind) -> (light: String, dark: String) {
    let (name, light, dark) =
      kind == .sequential ? ("s", sequentialLight, sequentialDark) : ("d", divergingLight, divergingDark)
    func rules(_ anchors: [[Double]]) -> String {
      (0...steps).map { ".\(name)\($0){fill:\(hexadecimal(mixed(anchors, at: Double($0) / Double(steps))))}" }.joined()
    }
    return (rules(light), rules(dark))
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
