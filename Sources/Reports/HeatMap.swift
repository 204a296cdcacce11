/// A heat map of layers × heads, or several side by side on one scale. Layers and heads count from 0.
public struct HeatMap: Chart {
  /// One map.
  public struct Panel: Sendable {
    /// What it shows.
    public var title: String
    /// The number of layers, from top to bottom.
    public var layers: Int
    /// The number of heads, from left to right.
    public var heads: Int
    /// The values, layer by layer; nil or not finite where undefined.
    public var values: [Double?]

    /// A map; missing values are undefined, surplus ones are not shown.
    public init(title: String, layers: Int, heads: Int, values: [Double?]) {
      self.title = title
      self.layers = layers
      self.heads = heads
      self.values = values
    }
  }

  /// The maps.
  public var panels: [Panel]
  /// What they show together; empty for none.
  public var title: String
  /// What the colour bar measures, such as `magnitude`.
  public var valueName: String
  /// Whether the values are changes: the scale then has zero in its middle.
  public var isChange: Bool
  /// Whether values far beyond the rest (more than three times what 98 of 100 reach) share the last colour.
  public var clipsOutliers: Bool

  /// The values that the colours span, so that several pictures share one scale; empty for the maps' own.
  public var scaleValues: [Double] = []

  /// A picture of these maps.
  public init(panels: [Panel], title: String = "", valueName: String = "", isChange: Bool = false, clipsOutliers: Bool = true) {
    self.panels = panels
    self.title = title
    self.valueName = valueName
    self.isChange = isChange
    self.clipsOutliers = clipsOutliers
  }

  /// What the pointer does on it.
  public var hint: String { "The pointer shows a head's value." }

  /// The same maps as pictures of at most `most` maps, all on the scale of the whole, so that each fits a printed page.
  public func split(most: Int) -> [HeatMap] {
    guard most > 0, panels.count > most else { return [self] }
    let pictures = (panels.count + most - 1) / most
    return (0..<pictures).map { index in
      var part = self
      part.panels = Array(panels[index * most..<min(panels.count, (index + 1) * most)])
      part.scaleValues = spannedValues
      return part
    }
  }

  /// The picture as one SVG document.
  public func svg() -> String {
    let scale = ColorScale(spannedValues, isChange: isChange, clips: clipsOutliers)
    let layout = Layout(panels)
    var canvas = SVGCanvas()
    let top = title.isEmpty ? 12.0 : 40.0
    for (index, panel) in panels.enumerated() {
      draw(
        panel,
        at: (x: 12 + Double(index % layout.columns) * layout.panelWidth, y: top + Double(index / layout.columns) * layout.panelHeight),
        layout, scale, on: &canvas)
    }
    let mapsWidth = 12 + Double(min(layout.columns, max(1, panels.count))) * layout.panelWidth
    let rows = (panels.count + layout.columns - 1) / layout.columns
    let height = top + Double(max(1, rows)) * layout.panelHeight + 8
    let barHeight = min(280, max(120, layout.mapHeight))
    let barWidth = drawBar(scale, x: mapsWidth + 8, y: top + Layout.titleHeight, height: barHeight, on: &canvas)
    let width = max(mapsWidth + 8 + barWidth + 12, 260)
    if !title.isEmpty {
      canvas.text(
        TextMeasure.fitted(title, to: width - 24, size: ChartStyle.titleSize), x: 12, y: 25, style: "title", tooltip: title)
    }
    if hasManyCells { canvas.add(HeatMapCells.tip) }
    return canvas.document(
      width: width, height: max(height, top + Layout.titleHeight + barHeight + 56), title: accessibleTitle,
      styles: ChartStyle.sheet(scale: scale.kind))
  }

  private var spannedValues: [Double] { scaleValues.isEmpty ? panels.flatMap { $0.values.compactMap(\.self) } : scaleValues }

  /// Whether cells of one colour share an element.
  private var hasManyCells: Bool { panels.reduce(0) { $0 + max(0, $1.layers * $1.heads) } > HeatMapCells.mostElements }

  private var accessibleTitle: String {
    title.isEmpty ? panels.map(\.title).joined(separator: ", ") : title
  }

  /// Where things go: all panels have the cells and the room of the largest.
  private struct Layout {
    static let titleHeight = 26.0
    let columns: Int
    let cell: Double
    let axisWidth: Double
    let mapHeight: Double
    let panelWidth: Double
    let panelHeight: Double

    init(_ panels: [Panel]) {
      let layers = max(1, panels.map(\.layers).max() ?? 1)
      let heads = max(1, panels.map(\.heads).max() ?? 1)
      // One map may be large, many share a page.
      let room = panels.count <= 1 ? 640.0 : panels.count <= 4 ? 420 : 300
      cell = max(2, min(panels.count <= 1 ? 36 : 26, (room / Double(max(layers, heads))).rounded(.down)))
      axisWidth = 28 + TextMeasure.width("\(layers - 1)", size: ChartStyle.tickSize)
      mapHeight = cell * Double(layers)
      // A narrow map still leaves room for its title.
      panelWidth = axisWidth + max(cell * Double(heads), 130) + 22
      panelHeight = Self.titleHeight + mapHeight + 48
      // As few rows as fit, evenly filled.
      let most = max(1, Int(1500 / panelWidth))
      let rows = max(1, (panels.count + most - 1) / most)
      columns = max(1, (panels.count + rows - 1) / rows)
    }
  }

  private func draw(_ panel: Panel, at origin: (x: Double, y: Double), _ layout: Layout, _ scale: ColorScale, on canvas: inout SVGCanvas) {
    let left = origin.x + layout.axisWidth
    let top = origin.y + Layout.titleHeight
    let width = layout.cell * Double(panel.heads)
    let height = layout.cell * Double(panel.layers)
    let shown = TextMeasure.fitted(panel.title, to: layout.panelWidth - layout.axisWidth - 14, size: ChartStyle.labelSize)
    canvas.text(shown, x: left, y: origin.y + 15, tooltip: panel.title)
    let cells = HeatMapCells(panel: panel, scale: scale)
    if hasManyCells {
      cells.drawPaths(left: left, top: top, size: layout.cell, on: &canvas)
    } else {
      cells.drawElements(left: left, top: top, size: layout.cell, on: &canvas)
    }
    if scale.isClipped { cells.drawMarks(left: left, top: top, size: layout.cell, on: &canvas) }
    canvas.rectangle(x: left, y: top, width: width, height: height, style: "frame")
    for layer in Ticks.indices(panel.layers, spacing: layout.cell, apart: 15) {
      canvas.text("\(layer)", x: left - 5, y: top + (Double(layer) + 0.5) * layout.cell + 4, style: "tick", anchor: .end)
    }
    let widest = TextMeasure.width("\(max(0, panel.heads - 1))", size: ChartStyle.tickSize)
    for head in Ticks.indices(panel.heads, spacing: layout.cell, apart: widest + 6) {
      canvas.text("\(head)", x: left + (Double(head) + 0.5) * layout.cell, y: top + height + 14, style: "tick", anchor: .middle)
    }
    canvas.text("head", x: left + width / 2, y: top + height + 30, anchor: .middle)
    canvas.text("layer", x: origin.x + 9, y: top + height / 2, anchor: .middle, turned: -90)
  }

  /// Draws the colour bar and says how wide it is.
  private func drawBar(_ scale: ColorScale, x: Double, y: Double, height: Double, on canvas: inout SVGCanvas) -> Double {
    var width = scale.drawBar(x: x, y: y, height: height, on: &canvas)
    var noteLine = y + height + 18
    func note(_ text: String, indent: Double = 0) {
      canvas.text(text, x: x + indent, y: noteLine, style: "tick")
      width = max(width, indent + TextMeasure.width(text, size: ChartStyle.tickSize))
      noteLine += 15
    }
    if !valueName.isEmpty { note(TextMeasure.fitted(valueName, to: 180, size: ChartStyle.tickSize)) }
    if scale.isClipped {
      let beyond = panels.flatMap { $0.values.compactMap(\.self) }.filter { scale.isBeyond($0) }
      let farthest = beyond.max { abs($0) < abs($1) }
      canvas.rectangle(x: x, y: noteLine - 9, width: 10, height: 10, style: scale.style(farthest))
      canvas.path(steps: HeatMapCells.mark(right: x + 10, top: noteLine - 9, size: 5), style: "beyond")
      note("\(beyond.count) beyond, to \(NumberText.short(farthest, digits: 3).typographicMinus)", indent: 15)
    }
    let undefined = panels.reduce(0) { count, panel in
      count + max(0, panel.layers * panel.heads - panel.values.count { $0?.isFinite ?? false })
    }
    if undefined > 0 {
      canvas.rectangle(x: x, y: noteLine - 9, width: 10, height: 10, style: "undefined")
      note("undefined", indent: 15)
    }
    return width
  }
}

extension String {
  /// The minus sign in place of the hyphen, as print has it.
  var typographicMinus: String { replacing("-", with: "−") }
}
