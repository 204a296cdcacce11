/// Lying bars with intervals: a name and one bar for each series, names at the left where long ones have room.
public struct BarChart: Chart {
  /// One bar.
  public struct Bar: Sendable {
    /// Its length; nil or not finite leaves it out.
    public var value: Double?
    /// The lower end of its interval.
    public var low: Double?
    /// The upper end of its interval.
    public var high: Double?

    /// A bar.
    public init(_ value: Double?, low: Double? = nil, high: Double? = nil) {
      self.value = value
      self.low = low
      self.high = high
    }
  }

  /// The names at the left, from top to bottom.
  public var names: [String]
  /// The series' names; one series has no legend.
  public var series: [String]
  /// For each name, a bar of each series.
  public var bars: [[Bar]]
  /// What it shows; empty for none.
  public var title: String
  /// What the bars measure.
  public var valueName: String

  /// A picture of these bars.
  public init(names: [String], series: [String] = [""], bars: [[Bar]], title: String = "", valueName: String = "") {
    self.names = names
    self.series = series
    self.bars = bars
    self.title = title
    self.valueName = valueName
  }

  /// The picture as one SVG document.
  public func svg() -> String {
    let labels = names.map { TextMeasure.fitted($0, to: 260, size: ChartStyle.labelSize) }
    let labelWidth = labels.map { TextMeasure.width($0, size: ChartStyle.labelSize) }.max() ?? 0
    let seriesCount = max(1, series.count)
    let barHeight = seriesCount == 1 ? 16.0 : 12
    let rowHeight = barHeight * Double(seriesCount) + 10
    let all = bars.flatMap { $0.flatMap { [$0.value, $0.low, $0.high].compactMap(\.self) } }
    let frame = ChartFrame(
      left: 16 + labelWidth + 8, top: title.isEmpty ? 14 : 44, width: 420, height: max(1, Double(names.count)) * rowHeight + 8,
      x: Self.range(all), y: 0...1)
    var canvas = SVGCanvas()
    frame.draw(xName: valueName, yName: "", on: &canvas, upright: false)
    let zero = frame.place(x: max(frame.x.lowerBound, min(0, frame.x.upperBound)))
    for (row, name) in names.enumerated() {
      let top = frame.top + 4 + Double(row) * rowHeight + 5
      canvas.text(
        labels[row], x: frame.left - 7, y: top + barHeight * Double(seriesCount) / 2 + 4, anchor: .end, tooltip: name)
      for (index, bar) in (row < bars.count ? bars[row] : []).prefix(seriesCount).enumerated() {
        guard let value = bar.value, value.isFinite else { continue }
        let y = top + Double(index) * barHeight
        let end = frame.place(x: value)
        canvas.rectangle(
          x: min(zero, end), y: y + 1, width: abs(end - zero), height: barHeight - 2, style: "area\(index % ChartStyle.seriesCount)",
          tooltip: tooltip(name, index, bar))
        guard let low = bar.low, let high = bar.high, low.isFinite, high.isFinite else { continue }
        let middle = y + barHeight / 2
        let (from, to) = (frame.place(x: low), frame.place(x: high))
        canvas.line(from, middle, to, middle, style: "interval")
        for place in [from, to] { canvas.line(place, middle - 4, place, middle + 4, style: "interval") }
      }
    }
    var width = frame.left + frame.width + 16
    if seriesCount > 1 {
      width += 8 + ChartFrame.drawLegend(series, x: width, y: frame.top + 10, drawsLines: false, on: &canvas)
    }
    if !title.isEmpty {
      canvas.text(TextMeasure.fitted(title, to: width - 32, size: ChartStyle.titleSize), x: 16, y: 25, style: "title", tooltip: title)
    }
    let legendHeight = seriesCount > 1 ? Double(seriesCount) * 19 : 0
    return canvas.document(
      width: width, height: frame.top + max(frame.height + 46, legendHeight + 20), title: title.isEmpty ? valueName : title,
      styles: ChartStyle.sheet())
  }

  /// Bars begin at zero, so zero is always in sight.
  private static func range(_ values: [Double]) -> ClosedRange<Double> {
    let range = ChartFrame.range(values, including: [0])
    let hasNegative = values.contains { $0 < 0 }
    let hasPositive = values.contains { $0 > 0 }
    return (hasNegative ? range.lowerBound : 0)...(hasPositive || !hasNegative ? max(range.upperBound, .leastNormalMagnitude) : 0)
  }

  private func tooltip(_ name: String, _ index: Int, _ bar: Bar) -> String {
    let who = series.count > 1 ? "\(name), \(series[index])" : name
    let interval = bar.low.flatMap { low in bar.high.map { " [\(NumberText.short(low)), \(NumberText.short($0))]" } } ?? ""
    return "\(who): \(NumberText.short(bar.value))\(interval)"
  }
}
