/// A square of numbers with names along both sides, such as correlations: colour and figure in each cell.
public struct NumberMatrix: Chart {
  /// The names, in order.
  public var names: [String]
  /// The numbers, row by row; nil where undefined.
  public var values: [[Double?]]
  /// What it shows; empty for none.
  public var title: String
  /// What the numbers are, such as `Pearson correlation`.
  public var valueName: String
  /// Decimals of the figures.
  public var decimals: Int

  /// A picture of these numbers; missing ones are undefined.
  public init(names: [String], values: [[Double?]], title: String = "", valueName: String = "", decimals: Int = 2) {
    self.names = names
    self.values = values
    self.title = title
    self.valueName = valueName
    self.decimals = decimals
  }

  /// The picture as one SVG document.
  public func svg() -> String {
    let count = names.count
    // Figures are left to the tooltips where there is no room for them.
    let cell = count <= 12 ? 44.0 : count <= 24 ? 32 : 20
    let figureSize = count <= 12 ? 12.0 : 10
    let showsFigures = count <= 24
    let labels = names.map { TextMeasure.fitted($0, to: 190, size: ChartStyle.labelSize) }
    let labelWidth = labels.map { TextMeasure.width($0, size: ChartStyle.labelSize) }.max() ?? 0
    let top = title.isEmpty ? 14.0 : 44.0
    let left = 14 + labelWidth + 8
    let side = cell * Double(count)
    // Names along the top would collide side by side; turned by 45° each keeps a line of its own, in a triangle of this height.
    let slope = 0.7072
    let bottom = labelWidth * slope + 16
    let scale = ColorScale(unit: values.flatMap { $0.compactMap(\.self) })
    var canvas = SVGCanvas()
    for row in 0..<count {
      let y = top + Double(row) * cell
      canvas.text(labels[row], x: left - 7, y: y + cell / 2 + 4, anchor: .end, tooltip: names[row])
      for column in 0..<count {
        let value = row < values.count && column < values[row].count ? values[row][column] : nil
        let x = left + Double(column) * cell
        canvas.rectangle(
          x: x, y: y, width: cell, height: cell, style: "cell \(scale.style(value))",
          tooltip: "\(names[row]), \(names[column]): \(NumberText.fixed(value, decimals: max(4, decimals)))")
        guard showsFigures else { continue }
        let light = scale.needsLightText(value)
        canvas.text(
          NumberText.fixed(value, decimals: decimals).typographicMinus, x: x + cell / 2, y: y + cell / 2 + figureSize * 0.36,
          style: "figure\(Int(figureSize)) \(light.onLight ? "pale" : "ink")\(light.onDark ? " nightpale" : " nightink")", anchor: .middle)
      }
    }
    canvas.rectangle(x: left, y: top, width: side, height: side, style: "frame")
    for column in 0..<count {
      let x = left + (Double(column) + 0.5) * cell + 4
      canvas.text(labels[column], x: x, y: top + side + 14, anchor: .end, turned: -45, tooltip: names[column])
    }
    let barWidth = drawBar(scale, x: left + side + 22, y: top, height: min(max(side, 120), 260), on: &canvas)
    let width = max(left + side + 22 + barWidth + 14, 260)
    if !title.isEmpty {
      canvas.text(TextMeasure.fitted(title, to: width - 28, size: ChartStyle.titleSize), x: 14, y: 25, style: "title", tooltip: title)
    }
    return canvas.document(
      width: width, height: top + max(side + bottom, 180), title: title.isEmpty ? valueName : title,
      styles: ChartStyle.sheet(scale: scale.kind))
  }

  private func drawBar(_ scale: ColorScale, x: Double, y: Double, height: Double, on canvas: inout SVGCanvas) -> Double {
    var width = scale.drawBar(x: x, y: y, height: height, on: &canvas)
    if !valueName.isEmpty {
      let text = TextMeasure.fitted(valueName, to: 160, size: ChartStyle.tickSize)
      canvas.text(text, x: x, y: y + height + 18, style: "tick")
      width = max(width, TextMeasure.width(text, size: ChartStyle.tickSize))
    }
    return width
  }
}
