import Foundation
import Testing

@testable import Reports

/// Texts shaded token by token, and the scales of what lies on one side of zero.
struct ShadedTextTests {
  @Test func everyTokenIsThereWithItsNumber() throws {
    let svg = ShadedText(
      [.init(title: "head 1:2", tokens: [("How", 0.5), (" many", -1), ("\n\n", 0), ("<script>", 0.25), ("数", 0)])], title: "A text",
      valueName: "gradient"
    ).svg()
    let document = try #require(MarkupReader.read(svg))
    #expect(document.elements["script"] == nil)
    for text in ["A text", "head 1:2", "How", "token 1: -1 gradient", "⏎", "<script>", "数"] {
      #expect(document.texts.contains { $0.trimmingCharacters(in: .whitespaces) == text }, "\(text)")
    }
    try keepForLooking(svg, as: "shaded.svg")
  }

  @Test func longAndOddTextsAreSound() throws {
    let long = String(repeating: "wort", count: 400)
    let tokens = [(long, 1.0), ("", 0), ("\u{0}\u{1b}[31m", -.infinity), ("x", .nan), (ChartTests.hostile, 1e308)]
    let svg = ShadedText([.init(title: long, tokens: tokens), .init(title: "", tokens: [])]).svg()
    let document = try #require(MarkupReader.read(svg))
    #expect(document.elements["script"] == nil && !svg.contains("nan"))
  }

  @Test func whatLiesOnOneSideOfZeroHasTheWholeScale() {
    let falling = ColorScale([-4, -1, 0], isChange: true, clips: false)
    #expect(falling.kind == .falling && falling.least == -4 && falling.greatest == 0)
    #expect(falling.style(-4) == "f0" && falling.style(0) == "f64" && falling.style(-2) == "f32")
    let rising = ColorScale([0, 1, 4], isChange: true, clips: false)
    #expect(rising.kind == .rising && rising.style(0) == "r0" && rising.style(4) == "r64")
    let both = ColorScale([-1, 4], isChange: true, clips: false)
    #expect(both.kind == .diverging && both.style(0) == "d32" && both.least == -4)
    #expect(ColorScale([1, 2], isChange: false, clips: false).kind == .sequential)
  }

  @Test func cellsBeyondTheScaleAreMarked() throws {
    let values = (0..<100).map { Double?(Double($0 % 7) + 1) } + [1000, 2000]
    let svg = HeatMap(panels: [.init(title: "x", layers: 6, heads: 17, values: values)]).svg()
    #expect(svg.contains("class=\"beyond\""))
    let texts = try #require(MarkupReader.read(svg)).texts
    #expect(texts.contains("2 beyond, to 2e+03") && texts.contains("layer 5, head 16: 2000, beyond the scale"))
    let even = HeatMap(panels: [.init(title: "x", layers: 1, heads: 2, values: [1, 2])]).svg()
    #expect(!even.contains("class=\"beyond\""))
  }

  @Test func pointsHaveNamesAndIntervals() throws {
    let points: [ScatterPlot.Point] = [
      .init(x: 1, y: 2, name: "3:7", xInterval: (0.5, 1.5), yInterval: (1, 4), isLabelled: true), .init(x: 2, y: 1, name: "0:0"),
      .init(x: 0, y: 0, name: "1:1", xInterval: (-.infinity, .nan)),
    ]
    let svg = ScatterPlot(series: [("heads", points)]).svg()
    let document = try #require(MarkupReader.read(svg))
    #expect(document.texts.contains("3:7") && !document.texts.contains("0:0"))
    #expect(svg.components(separatedBy: "class=\"whisker\"").count == 3 && !svg.contains("nan"))
  }
}
