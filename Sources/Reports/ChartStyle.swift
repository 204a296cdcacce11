/// The style sheet that every picture carries, so that it looks the same alone and inside a page, light and dark.
enum ChartStyle {
  /// Sizes of text in pixels.
  static let titleSize = 15.0
  static let labelSize = 12.0
  static let tickSize = 11.0

  /// The number of colours for series; more series than that repeat them with another dash.
  static let seriesCount = 7
  // Okabe and Ito's colours, told apart in all common forms of colour blindness; on dark pages their lighter forms.
  private static let seriesLight = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#444444"]
  private static let seriesDark = ["#56b4e9", "#ff8c3a", "#2fd0a0", "#e8a3c8", "#f0d04a", "#9ad8ff", "#c8c8c8"]

  /// Colours of an additional scale are added where a picture has one.
  static func sheet(scale: ColorScale.Kind? = nil) -> String { sheet(scales: [scale].compactMap(\.self)) }

  /// The sheet with the colours of several scales.
  static func sheet(scales: [ColorScale.Kind]) -> String {
    let colors = scales.map(ColorScale.styles)
    func series(_ colors: [String]) -> String {
      colors.enumerated().map { index, color in
        ".line\(index){stroke:\(color)}.area\(index){fill:\(color)}.point\(index){fill:\(color)}"
      }.joined()
    }
    return """
      .headway-chart text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",sans-serif;fill:#1f2328}
      .headway-chart .title{font-size:\(titleSize)px;font-weight:600}
      .headway-chart .label{font-size:\(labelSize)px}
      .headway-chart .tick{font-size:\(tickSize)px;fill:#57606a;font-variant-numeric:tabular-nums}
      .headway-chart .page{fill:#ffffff}
      .headway-chart .axis{stroke:#8c959f;stroke-width:1}
      .headway-chart .grid{stroke:#d0d7de;stroke-width:1}
      .headway-chart .frame{fill:none;stroke:#8c959f;stroke-width:1}
      .headway-chart .guide{stroke:#8c959f;stroke-width:1;stroke-dasharray:4 3;fill:none}
      .headway-chart .interval{stroke:#1f2328;stroke-width:1.5;fill:none}
      .headway-chart .whisker{stroke:#1f2328;stroke-width:1;stroke-opacity:.45}
      .headway-chart .undefined{fill:#b8bec5}
      .headway-chart .beyond{fill:#ffffff;stroke:#1f2328;stroke-width:.5;pointer-events:none}
      .headway-chart .series{fill:none;stroke-width:2;stroke-linejoin:round}
      .headway-chart .dashed{stroke-dasharray:6 3}
      .headway-chart .band{fill-opacity:.18;stroke:none}
      .headway-chart .point{fill-opacity:.75}
      .headway-chart .cell{shape-rendering:crispEdges}
      .headway-chart .cell:hover{stroke:#1f2328;stroke-width:1.5}
      .headway-chart .cells{shape-rendering:crispEdges;pointer-events:none}
      .headway-chart .values{fill:none;pointer-events:all}
      .headway-chart .tip{pointer-events:none}
      .headway-chart .tip rect{fill:#ffffff;stroke:#8c959f}
      .headway-chart .figure12{font-size:12px;pointer-events:none}.headway-chart .figure10{font-size:10px;pointer-events:none}
      .headway-chart .fixed{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,"Noto Sans Mono CJK SC",monospace;font-size:12px;pointer-events:none}
      .headway-chart .pale{fill:#ffffff}.headway-chart .ink{fill:#1f2328}
      \(series(seriesLight))\(colors.map(\.light).joined())
      @media (prefers-color-scheme:dark){
      .headway-chart text{fill:#e6edf3}
      .headway-chart .tick{fill:#9da7b1}
      .headway-chart .page{fill:#0d1117}
      .headway-chart .axis,.headway-chart .frame,.headway-chart .guide{stroke:#6e7681}
      .headway-chart .grid{stroke:#30363d}
      .headway-chart .interval,.headway-chart .whisker{stroke:#e6edf3}
      .headway-chart .undefined{fill:#4b525a}
      .headway-chart .beyond{fill:#0d1117;stroke:#e6edf3}
      .headway-chart .cell:hover{stroke:#e6edf3}
      .headway-chart .tip rect{fill:#161b22;stroke:#6e7681}
      .headway-chart .nightpale{fill:#ffffff}.headway-chart .nightink{fill:#1f2328}
      \(series(seriesDark))\(colors.map(\.dark).joined())
      }
      @media print{
      .headway-chart .page{fill:none}
      .headway-chart .tip{display:none}
      }
      """
  }
}
