/// A heat map of layers × heads, or several side by side on one scale. Layers and heads count from 0.
public struct HeatMap: Sendable {
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

  /// A picture of these maps.
  public init(panels: [Panel], title: String = "", valueName: String = "", isChange: Bool = false, clipsOutliers: Bool = true) {
    self.panels = panels
    self.title = title
    self.valueName = valueName
    self.isChange = isChange
    self.clipsOutliers = clipsOutliers
  }

  /// The picture as one SVG document.
  public func svg() -> String {
    let scale = ColorScale(panels.flatMap { $0.values.compactMap(\.self) }, isChange: isChange, clips: clipsOutliers)
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
    return canvas.document(
      width: width, height: max(height, top + Layout.titleHeight + barHeight + 56), title: accessibleTitle,
      styles: ChartStyle.sheet(scale: scale.kind))
  }

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
    for layer in 0..<max(0, panel.layers) {
      for head in 0..<max(0, panel.heads) {
        let position = layer * panel.heads + head
        let value = position < panel.values.count ? panel.values[position] : nil
        let text = value.map { $0.isFinite ? NumberText.short($0) : "undefined" } ?? "undefined"
        canvas.rectangle(
          x: left + Double(head) * layout.cell, y: top + Double(layer) * layout.cell, width: layout.cell, height: layout.cell,
          style: "cell \(scale.style(value))", tooltip: "layer \(layer), head \(head): \(text)")
      }
    }
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
    let steps = ColorScale.steps
    let slice = height / Double(steps + 1)
    for step in 0...steps {
      // Half a pixel more, so that no seam shows between two slices.
      canvas.rectangle(
        x: x, y: y + height - Double(step + 1) * slice, width: 14, height: slice + (step > 0 ? 0.5 : 0), style: scale.style(step: step))
    }
    canvas.rectangle(x: x, y: y, width: 14, height: height, style: "frame")
    let ticks = Ticks(from: scale.least, to: scale.greatest, count: 6)
    for (value, label) in zip(ticks.values, ticks.labels) {
      let place = y + height * (1 - (value / scale.greatest - scale.least / scale.greatest) / (1 - scale.least / scale.greatest))
      canvas.line(x + 14, place, x + 18, place, style: "axis")
      canvas.text(label.typographicMinus, x: x + 22, y: place + 4, style: "tick")
    }
    var width = 22 + (ticks.labels.map { TextMeasure.width($0, size: ChartStyle.tickSize) }.max() ?? 0)
    var noteLine = y + height + 18
    func note(_ text: String) {
      canvas.text(text, x: x, y: noteLine, style: "tick")
      width = max(width, TextMeasure.width(text, size: ChartStyle.tickSize))
      noteLine += 15
    }
    if !valueName.isEmpty { note(TextMeasure.fitted(valueName, to: 180, size: ChartStyle.tickSize)) }
    if scale.isClipped {
      let beyond = panels.flatMap { $0.values.compactMap(\.self) }.filter { $0.isFinite && abs($0) > scale.greatest }
      let farthest = beyond.max { abs($0) < abs($1) }
      note("\(beyond.count) beyond, to \(NumberText.short(farthest, digits: 3).typographicMinus)")
    }
    let undefined = panels.reduce(0) { count, panel in
      count + max(0, panel.layers * panel.heads - panel.values.count { $0?.isFinite ?? false })
    }
    if undefined > 0 {
      canvas.rectangle(x: x, y: noteLine - 9, width: 10, height: 10, style: "undefined")
      canvas.text("undefined", x: x + 15, y: noteLine, style: "tick")
      width = max(width, 15 + TextMeasure.width("undefined", size: ChartStyle.tickSize))
    }
    return width
  }
}

extension String {
  /// The minus sign in place of the hyphen, as print has it.
  var typographicMinus: String { replacing("-", with: "−") }
}
