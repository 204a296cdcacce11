/// Points, such as predicted against true change of loss, with a tooltip each, and names and intervals where they are given.
public struct ScatterPlot: Chart {
  /// A point.
  public struct Point: Sendable {
    /// Across.
    public var x: Double
    /// Up.
    public var y: Double
    /// What it is, for the tooltip.
    public var name: String
    /// The ends of its interval across.
    public var xInterval: (low: Double, high: Double)?
    /// The ends of its interval up.
    public var yInterval: (low: Double, high: Double)?
    /// Whether its name stands beside it.
    public var isLabelled: Bool

    /// A point; one that is not finite is left out.
    public init(
      x: Double, y: Double, name: String, xInterval: (low: Double, high: Double)? = nil, yInterval: (low: Double, high: Double)? = nil,
      isLabelled: Bool = false
    ) {
      self.x = x
      self.y = y
      self.name = name
      self.xInterval = xInterval
      self.yInterval = yInterval
      self.isLabelled = isLabelled
    }

    /// What the axes must have room for.
    fileprivate var xs: [Double] { [x, xInterval?.low, xInterval?.high].compactMap(\.self) }
    fileprivate var ys: [Double] { [y, yInterval?.low, yInterval?.high].compactMap(\.self) }
  }

  /// The points of each series.
  public var series: [(name: String, points: [Point])]
  /// What they show; empty for none.
  public var title: String
  /// What goes across.
  public var xName: String
  /// What goes up.
  public var yName: String
  /// Whether the line y = x is drawn, where prediction and truth would agree.
  public var hasDiagonal: Bool

  /// A picture of these points.
  public init(
    series: [(name: String, points: [Point])], title: String = "", xName: String = "", yName: String = "", hasDiagonal: Bool = false
  ) {
    self.series = series
    self.title = title
    self.xName = xName
    self.yName = yName
    self.hasDiagonal = hasDiagonal
  }

  /// The picture as one SVG document.
  public func svg() -> String {
    let finite = series.map { (name: $0.name, points: $0.points.filter { $0.x.isFinite && $0.y.isFinite }) }
    let points = finite.flatMap(\.points)
    let y = ChartFrame.range(points.flatMap(\.ys))
    let x = ChartFrame.range(points.flatMap(\.xs))
    let frame = ChartFrame(
      left: 34 + ChartFrame.tickWidth(y, count: 6), top: title.isEmpty ? 14 : 44, width: 400, height: 360, x: x, y: y)
    var canvas = SVGCanvas()
    frame.draw(xName: xName, yName: yName, on: &canvas)
    if hasDiagonal {
      let from = max(x.lowerBound, y.lowerBound)
      let to = min(x.upperBound, y.upperBound)
      if from < to { canvas.line(frame.place(x: from), frame.place(y: from), frame.place(x: to), frame.place(y: to), style: "guide") }
    }
    for point in points { drawIntervals(of: point, frame, on: &canvas) }
    for (index, group) in finite.enumerated() {
      for point in group.points {
        canvas.circle(
          x: frame.place(x: point.x), y: frame.place(y: point.y), radius: points.count > 500 ? 2 : 3.5,
          style: "point point\(index % ChartStyle.seriesCount)",
          tooltip: "\(point.name): \(NumberText.short(point.x)), \(NumberText.short(point.y))")
      }
    }
    for point in points where point.isLabelled { drawName(of: point, frame, on: &canvas) }
    return frame.document(
      of: &canvas, series: series.map(\.name), drawsLines: false, title: title, described: "\(yName) against \(xName)")
  }

  private func drawIntervals(of point: Point, _ frame: ChartFrame, on canvas: inout SVGCanvas) {
    let (x, y) = (frame.place(x: point.x), frame.place(y: point.y))
    if let ends = point.xInterval, ends.low.isFinite, ends.high.isFinite {
      canvas.line(frame.place(x: ends.low), y, frame.place(x: ends.high), y, style: "whisker")
    }
    if let ends = point.yInterval, ends.low.isFinite, ends.high.isFinite {
      canvas.line(x, frame.place(y: ends.low), x, frame.place(y: ends.high), style: "whisker")
    }
  }

  /// At the right of the point, or at its left where the right has no room.
  private func drawName(of point: Point, _ frame: ChartFrame, on canvas: inout SVGCanvas) {
    let x = frame.place(x: point.x)
    let fits = x + 7 + TextMeasure.width(point.name, size: ChartStyle.tickSize) < frame.left + frame.width
    canvas.text(point.name, x: fits ? x + 6 : x - 6, y: frame.place(y: point.y) - 5, style: "tick", anchor: fits ? .start : .end)
  }
}
