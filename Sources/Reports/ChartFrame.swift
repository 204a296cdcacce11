/// The plotting area of a chart: where values go, with grid, ticks and axis names.
struct ChartFrame {
  /// The area in pixels.
  let left: Double
  let top: Double
  let width: Double
  let height: Double
  /// The values at the area's edges.
  let x: ClosedRange<Double>
  let y: ClosedRange<Double>

  /// The range of the values with a little room at both ends; where all are equal, room about them.
  static func range(_ values: [Double], including extra: [Double] = [], margin: Double = 0.04) -> ClosedRange<Double> {
    let finite = (values + extra).filter { $0.isFinite && abs($0) < 1e300 }
    guard let least = finite.min(), let greatest = finite.max() else { return 0...1 }
    guard greatest > least else {
      let room = least == 0 ? 1 : abs(least) * 0.5
      return least - room...greatest + room
    }
    let room = (greatest - least) * margin
    return least - room...greatest + room
  }

  func place(x value: Double) -> Double { left + width * (value - x.lowerBound) / (x.upperBound - x.lowerBound) }
  func place(y value: Double) -> Double { top + height * (1 - (value - y.lowerBound) / (y.upperBound - y.lowerBound)) }

  /// The widest text that ticks of the range will have.
  static func tickWidth(_ range: ClosedRange<Double>, count: Int) -> Double {
    Ticks(from: range.lowerBound, to: range.upperBound, count: count).labels
      .map { TextMeasure.width($0, size: ChartStyle.tickSize) }.max() ?? 0
  }

  /// Draws the grid, the ticks below and at the left, and the axes' names.
  func draw(xName: String, yName: String, on canvas: inout SVGCanvas, upright: Bool = true) {
    let across = Ticks(from: x.lowerBound, to: x.upperBound, count: max(2, Int(width / 90)))
    for (value, label) in zip(across.values, across.labels) {
      canvas.line(place(x: value), top, place(x: value), top + height, style: "grid")
      canvas.text(label.typographicMinus, x: place(x: value), y: top + height + 15, style: "tick", anchor: .middle)
    }
    if upright {
      let up = Ticks(from: y.lowerBound, to: y.upperBound, count: max(2, Int(height / 50)))
      for (value, label) in zip(up.values, up.labels) {
        canvas.line(left, place(y: value), left + width, place(y: value), style: "grid")
        canvas.text(label.typographicMinus, x: left - 6, y: place(y: value) + 4, style: "tick", anchor: .end)
      }
    }
    if x.lowerBound < 0, x.upperBound > 0 { canvas.line(place(x: 0), top, place(x: 0), top + height, style: "axis") }
    if upright, y.lowerBound < 0, y.upperBound > 0 { canvas.line(left, place(y: 0), left + width, place(y: 0), style: "axis") }
    canvas.rectangle(x: left, y: top, width: width, height: height, style: "frame")
    canvas.text(
      TextMeasure.fitted(xName, to: width, size: ChartStyle.labelSize), x: left + width / 2, y: top + height + 34, anchor: .middle,
      tooltip: xName)
    canvas.text(
      TextMeasure.fitted(yName, to: max(height, 40), size: ChartStyle.labelSize), x: 16, y: top + height / 2, anchor: .middle, turned: -90,
      tooltip: yName)
  }

  /// Draws the names of series under one another at the right, and says how wide they are.
  static func drawLegend(_ names: [String], x: Double, y: Double, drawsLines: Bool, on canvas: inout SVGCanvas) -> Double {
    var widest = 0.0
    for (index, name) in names.enumerated() {
      let shown = TextMeasure.fitted(name, to: 200, size: ChartStyle.labelSize)
      let place = y + Double(index) * 19
      if drawsLines {
        canvas.line(x, place, x + 20, place, style: style(index))
      } else {
        canvas.rectangle(x: x + 4, y: place - 5, width: 11, height: 11, style: "area\(index % ChartStyle.seriesCount)", radius: 2)
      }
      canvas.text(shown, x: x + 26, y: place + 4, tooltip: name)
      widest = max(widest, 26 + TextMeasure.width(shown, size: ChartStyle.labelSize))
    }
    return widest
  }

  /// The picture with its legend and title.
  /// - Parameter description: what it is called where it has no title.
  func document(of canvas: inout SVGCanvas, series: [String], drawsLines: Bool, title: String, described description: String) -> String {
    var width = left + self.width + 18
    if series.count > 1 { width += 8 + Self.drawLegend(series, x: width, y: top + 10, drawsLines: drawsLines, on: &canvas) }
    if !title.isEmpty {
      canvas.text(TextMeasure.fitted(title, to: width - 32, size: ChartStyle.titleSize), x: 16, y: 25, style: "title", tooltip: title)
    }
    return canvas.document(
      width: width, height: top + max(height + 48, Double(series.count) * 19 + 20), title: title.isEmpty ? description : title,
      styles: ChartStyle.sheet())
  }

  /// The style of a series' line: the colours repeat with dashes after the last.
  static func style(_ index: Int) -> String {
    "series line\(index % ChartStyle.seriesCount)\((index / ChartStyle.seriesCount) % 2 == 1 ? " dashed" : "")"
  }
}
