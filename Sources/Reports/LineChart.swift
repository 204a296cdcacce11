/// Lines with bands, such as correlation over training steps.
public struct LineChart: Chart {
  /// A point of a line; its band goes from `low` to `high` where both are there.
  public struct Point: Sendable {
    /// Across.
    public var x: Double
    /// Up; nil or not finite breaks the line.
    public var y: Double?
    /// The band's lower edge.
    public var low: Double?
    /// The band's upper edge.
    public var high: Double?

    /// A point.
    public init(x: Double, y: Double?, low: Double? = nil, high: Double? = nil) {
      self.x = x
      self.y = y
      self.low = low
      self.high = high
    }
  }

  /// A line.
  public struct Series: Sendable {
    /// What it is.
    public var name: String
    /// Its points, from left to right.
    public var points: [Point]

    /// A line.
    public init(name: String, points: [Point]) {
      self.name = name
      self.points = points
    }
  }

  /// The lines.
  public var series: [Series]
  /// What they show; empty for none.
  public var title: String
  /// What goes across.
  public var xName: String
  /// What goes up.
  public var yName: String

  /// A picture of these lines.
  public init(series: [Series], title: String = "", xName: String = "", yName: String = "") {
    self.series = series
    self.title = title
    self.xName = xName
    self.yName = yName
  }

  /// The picture as one SVG document.
  public func svg() -> String {
    let points = series.flatMap(\.points)
    let x = ChartFrame.range(points.map(\.x), margin: 0)
    let y = ChartFrame.range(points.flatMap { [$0.y, $0.low, $0.high].compactMap(\.self) })
    let frame = ChartFrame(
      left: 34 + ChartFrame.tickWidth(y, count: 6), top: title.isEmpty ? 14 : 44, width: 520, height: 300, x: x, y: y)
    var canvas = SVGCanvas()
    frame.draw(xName: xName, yName: yName, on: &canvas)
    for (index, line) in series.enumerated() {
      for run in Self.runs(line.points) { draw(run, index, frame, &canvas) }
    }
    for (index, line) in series.enumerated() where line.points.count <= 200 {
      for point in line.points {
        guard let y = point.y, y.isFinite, point.x.isFinite else { continue }
        canvas.circle(
          x: frame.place(x: point.x), y: frame.place(y: y), radius: 2.5, style: "area\(index % ChartStyle.seriesCount)",
          tooltip: "\(line.name): \(NumberText.short(point.x)), \(NumberText.short(y))")
      }
    }
    return frame.document(
      of: &canvas, series: series.map(\.name), drawsLines: true, title: title, described: "\(yName) over \(xName)")
  }

  private func draw(_ run: [Point], _ index: Int, _ frame: ChartFrame, _ canvas: inout SVGCanvas) {
    let band = run.compactMap { point in
      point.low.flatMap { low in point.high.map { (x: frame.place(x: point.x), low: frame.place(y: low), high: frame.place(y: $0)) } }
    }
    if band.count > 1 {
      canvas.path(
        band.map { ($0.x, $0.high) } + band.reversed().map { ($0.x, $0.low) }, style: "band area\(index % ChartStyle.seriesCount)",
        isClosed: true)
    }
    canvas.path(
      run.compactMap { point in point.y.map { (frame.place(x: point.x), frame.place(y: $0)) } }, style: ChartFrame.style(index))
  }

  /// The points between gaps.
  private static func runs(_ points: [Point]) -> [[Point]] {
    points.split { !($0.y?.isFinite ?? false) || !$0.x.isFinite }.map(Array.init)
  }
}
