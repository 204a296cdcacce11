import Foundation
import Reports
import Testing

/// Matrices, bars, lines and points: sound documents with everything in them.
struct ChartTests {
  static let hostile = "<script>alert('x')</script> & \"q\" \u{7} ]]>"
  static let long = "a-name-so-long-that-no-axis-could-ever-hold-it-without-shortening-it-in-the-middle"

  static func names(_ count: Int) -> [String] {
    let some = ["gsm8k", "math", "codesearchnet-python", "中文数学应用题", hostile, long, "hellaswag", "winogrande"]
    return (0..<count).map { $0 < some.count ? some[$0] : "task \($0)" }
  }

  @Test(arguments: [0, 1, 3, 8, 20, 40]) func matrixOfAnySize(count: Int) throws {
    var random = Congruence(state: UInt64(count))
    var values = (0..<count).map { row in (0..<count).map { column in row == column ? 1 : Double?(random.uniform() * 1.6 - 0.6) } }
    if count > 3 { values[1][2] = nil }
    let svg = NumberMatrix(names: Self.names(count), values: values, title: "Correlation of changes", valueName: "Pearson correlation")
      .svg()
    let document = try #require(MarkupReader.read(svg))
    #expect(document.elements["script"] == nil)
    if count == 3 { #expect(document.texts.contains("1.00")) }
    if count > 4 { #expect(document.texts.contains { $0.hasPrefix("<script>alert('x')</script>") }) }
    try keepForLooking(svg, as: "matrix-\(count).svg")
  }

  @Test func barsWithIntervals() throws {
    let names = Self.names(8)
    let bars: [[BarChart.Bar]] = names.indices.map { index in
      [.init(0.97 - Double(index) * 0.13, low: 0.9 - Double(index) * 0.13, high: 1 - Double(index) * 0.12), .init(index == 3 ? nil : 0.5)]
    }
    let svg = BarChart(names: names, series: ["before", "after"], bars: bars, title: "R² of every pair", valueName: "R²").svg()
    let document = try #require(MarkupReader.read(svg))
    #expect(document.texts.contains("gsm8k, before: 0.97 [0.9, 1]"))
    #expect(document.elements["script"] == nil)
    try keepForLooking(svg, as: "bars.svg")
    let negative = BarChart(names: ["a", "b"], bars: [[.init(-2)], [.init(3)]], valueName: "change").svg()
    #expect(MarkupReader.read(negative) != nil)
    try keepForLooking(negative, as: "bars-negative.svg")
    for odd in [[], [[]], [[BarChart.Bar(nil)]], [[.init(.nan)]], [[.init(0)]], [[.init(-1e308, low: -.infinity, high: 1e308)]]] {
      let svg = BarChart(names: ["x"], bars: odd).svg()
      #expect(MarkupReader.read(svg) != nil && !svg.contains("nan") && !svg.contains("inf\""))
    }
  }

  @Test func linesWithBands() throws {
    var random = Congruence(state: 4)
    let series = Self.names(8).map { name in
      var y = 1.0
      return LineChart.Series(
        name: name,
        points: (0..<60).map { step in
          y -= 0.02 * random.uniform()
          return .init(x: Double(step) * 10, y: step == 30 ? nil : y, low: y - 0.03, high: y + 0.03)
        })
    }
    let svg = LineChart(series: series, title: "Correlation with the base pattern", xName: "step", yName: "Pearson correlation").svg()
    #expect(try #require(MarkupReader.read(svg)).elements["script"] == nil)
    // A gap parts each line in two.
    #expect(svg.components(separatedBy: "class=\"series line").count - 1 == 2 * 8 + 8)
    try keepForLooking(svg, as: "lines.svg")
    let single = LineChart(
      series: [.init(name: "mse", points: (0..<40).map { .init(x: Double($0), y: 1e-9 * Double($0 * $0)) })], xName: "step",
      yName: "mean squared error"
    ).svg()
    try keepForLooking(single, as: "line-small-numbers.svg")
    for odd in [
      [], [LineChart.Point(x: .nan, y: 1)], [.init(x: 1, y: nil)], [.init(x: 1, y: 1)],
      [.init(x: 0, y: 1e300), .init(x: 1e300, y: -1e300)],
    ] {
      let svg = LineChart(series: [.init(name: "x", points: odd)]).svg()
      #expect(MarkupReader.read(svg) != nil && !svg.contains("nan"))
    }
    #expect(MarkupReader.read(LineChart(series: []).svg()) != nil)
  }

  @Test func pointsWithADiagonal() throws {
    var random = Congruence(state: 5)
    func points(_ count: Int) -> [ScatterPlot.Point] {
      (0..<count).map { index in
        let x = random.uniform() * 2e-3 - 1e-3
        return .init(x: x, y: 0.8 * x + 3e-4 * (random.uniform() - 0.5), name: "layer \(index / 8), head \(index % 8)")
      }
    }
    let svg = ScatterPlot(
      series: [("gsm8k", points(64)), (Self.hostile, points(64))], title: "Ablation: prediction and truth",
      xName: "predicted change of loss",
      yName: "true change of loss", hasDiagonal: true
    ).svg()
    let document = try #require(MarkupReader.read(svg))
    #expect(document.elements["circle"] == 128 && document.elements["script"] == nil)
    try keepForLooking(svg, as: "scatter.svg")
    #expect(MarkupReader.read(ScatterPlot(series: [("", [.init(x: .nan, y: 0, name: "")])], hasDiagonal: true).svg()) != nil)
  }
}
