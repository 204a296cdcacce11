/// Points, such as predicted against true change of loss, with a tooltip each.
public struct ScatterPlot: Chart {
  /// A point.
  public struct Point: Sendable {
    /// Across.
    public var x: Double
    /// Up.
    public var y: Double
    /// What it is, for the tooltip.
    public var name: String

    /// A point; one that is not finite is left out.
    public init(x: Double, y: Double, name: String) {
      self.x = x
      self.y = y
      self.name = name
    }
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
    let y = ChartFrame.range(points.map(\.y))
    let x = ChartFrame.range(points.map(\.x))
    let frame = ChartFrame(
      left: 34 + ChartFrame.tickWidth(y, count: 6), top: title.isEmpty ? 14 : 44, width: 400, height: 360, x: x, y: y)
    var canvas = SVGCanvas()
    frame.draw(xName: xName, yName: yName, on: &canvas)
    if hasDiagonal {
      let from = max(x.lowerBound, y.lowerBound)
      let to = min(x.upperBound, y.upperBound)
      if from < to { canvas.line(frame.place(x: from), frame.place(y: from), frame.place(x: to), frame.place(y: to), style: "guide") }
    }
    for (index, group) in finite.enumerated() {
      for point in group.points {
        canvas.circle(
          x: frame.place(x: point.x), y: frame.place(y: point.y), radius: points.count > 500 ? 2 : 3.5,
          style: "point point\(index % ChartStyle.seriesCount)",
          tooltip: "\(point.name): \(NumberText.short(point.x)), \(NumberText.short(point.y))")
      }
    }
    return frame.document(
      of: &canvas, series: series.map(\.name), drawsLines: false, title: title, described: "\(yName) against \(xName)")
  }
}
