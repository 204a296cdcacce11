import Foundation
import Reports
import Testing

/// Heat maps: sound documents, every value there, hostile names harmless.
struct HeatMapTests {
  /// Levels as they come: many small, few large.
  static func levels(_ layers: Int, _ heads: Int, seed: UInt64, isChange: Bool = false) -> [Double?] {
    var random = Congruence(state: seed)
    return (0..<layers * heads).map { index in
      let level = -log(1 - random.uniform()) * (1 + Double(index / heads) / Double(layers)) * 1e-3
      return isChange ? (random.uniform() < 0.4 ? -level : level) : level * (random.uniform() < 0.01 ? 20 : 1)
    }
  }

  @Test func everyHeadHasACellAndATooltip() throws {
    let map = HeatMap(
      panels: [.init(title: "gsm8k", layers: 2, heads: 3, values: [0.5, 1, 1.5, 2, nil, 0.000123])], title: "Levels", valueName: "magnitude"
    )
    let svg = map.svg()
    let document = try #require(MarkupReader.read(svg))
    for text in [
      "layer 0, head 0: 0.5", "layer 1, head 1: undefined", "layer 1, head 2: 0.000123", "gsm8k", "Levels", "head", "layer", "undefined",
    ] {
      #expect(document.texts.contains(text), "\(text)")
    }
    #expect(svg.contains("prefers-color-scheme:dark"))
    try keepForLooking(svg, as: "heat-small.svg")
  }

  /// Forty maps of 80 × 64 would be 200,000 elements; the cells of a colour are one path then, and the values are beside them.
  @Test func manyCellsArePaths() throws {
    let panels = (0..<4).map { HeatMap.Panel(title: "t\($0)", layers: 80, heads: 64, values: Self.levels(80, 64, seed: UInt64($0))) }
    let svg = HeatMap(panels: panels).svg()
    let document = try #require(MarkupReader.read(svg))
    #expect(document.elements["rect", default: 0] < 200)
    #expect(document.elements["script"] == 1)
    // Every cell is in one oblong of one path.
    let widths = svg.matches(of: /h(\d+)v1h-(\d+)z/).map { (Int($0.1) ?? 0, Int($0.2) ?? -1) }
    #expect(widths.allSatisfy { $0.0 == $0.1 })
    #expect(widths.reduce(0) { $0 + $1.0 } == 4 * 80 * 64)
    let values = svg.matches(of: /data-values="([^"]*)"/).map { $0.1.split(separator: " ") }
    #expect(values.map(\.count) == [5120, 5120, 5120, 5120])
    #expect(Double(values[2][777]).map { abs($0 - (panels[2].values[777] ?? 0)) < 1e-2 * $0 } == true)
    try keepForLooking(svg, as: "heat-paths.svg")
  }

  @Test func picturesOfAPartShareTheWholesScale() {
    let whole = HeatMap(panels: [1.0, 2, 4].map { (value: Double) in .init(title: "\(value)", layers: 1, heads: 1, values: [value]) })
    let parts = whole.split(most: 2)
    #expect(parts.map(\.panels.count) == [2, 1])
    func colors(_ map: HeatMap) -> [Substring] { map.svg().matches(of: /class="cell (s\d+)"/).map(\.1) }
    #expect(parts.flatMap(colors) == colors(whole))
    #expect(whole.split(most: 3).count == 1)
  }

  @Test func hostileNamesAreText() throws {
    let name = "<script>alert(1)</script> \"&amp;' ]]> \u{0}\u{1b}[31m\u{202e}层\u{fffe}"
    let svg = HeatMap(panels: [.init(title: name, layers: 1, heads: 1, values: [1])], title: name, valueName: name).svg()
    let document = try #require(MarkupReader.read(svg))
    #expect(document.elements["script"] == nil)
    #expect(document.texts.contains { $0.hasPrefix("<script>alert(1)</script>") })
  }

  @Test(arguments: [[], [nil], [Double.nan], [Double.infinity], [0], [1e-300], [1e308], [-1]] as [[Double?]])
  func oddValuesGiveSoundDocuments(values: [Double?]) throws {
    let svg = HeatMap(panels: [.init(title: "x", layers: 1, heads: 1, values: values)]).svg()
    #expect(MarkupReader.read(svg) != nil)
    #expect(!svg.contains("nan") && !svg.contains("inf"))
  }

  @Test func noPanelsIsADocument() {
    #expect(MarkupReader.read(HeatMap(panels: []).svg()) != nil)
    #expect(MarkupReader.read(HeatMap(panels: [.init(title: "", layers: 0, heads: 0, values: [])]).svg()) != nil)
  }

  @Test func largeAndManyMaps() throws {
    let large = HeatMap(
      panels: [.init(title: "GSM8K under Llama-2-70B", layers: 80, heads: 64, values: Self.levels(80, 64, seed: 1))],
      title: "Activation levels before fine-tuning", valueName: "magnitude"
    ).svg()
    #expect(try #require(MarkupReader.read(large)).texts.contains { $0.hasPrefix("layer 79, head 63: ") })
    try keepForLooking(large, as: "heat-large.svg")
    let names = [
      "gsm8k", "中文数学应用题（小学与初中）的训练集合", "a-very-long-task-name-that-does-not-fit-its-panel-at-all", "<script>", "hellaswag", "code",
    ]
    let many = HeatMap(
      panels: names.enumerated().map {
        .init(title: $1, layers: 32, heads: 32, values: Self.levels(32, 32, seed: UInt64($0), isChange: true))
      },
      title: "Change of six tasks on one scale", valueName: "Δ magnitude", isChange: true
    ).svg()
    #expect(MarkupReader.read(many) != nil)
    try keepForLooking(many, as: "heat-many.svg")
    var shapes: [HeatMap.Panel] = []
    for (layers, heads) in [(1, 1), (1, 64), (24, 2), (8, 8)] {
      shapes.append(
        .init(title: "\(layers)×\(heads)", layers: layers, heads: heads, values: Self.levels(layers, heads, seed: 4, isChange: true)))
    }
    for shape in shapes {
      try keepForLooking(
        HeatMap(panels: [shape], title: "A title that is long for so small a map", isChange: true).svg(), as: "heat-\(shape.title).svg")
    }
  }
}

/// Tables for the terminal.
struct TextTableTests {
  @Test func columnsAlignAlsoInChinese() {
    var table = TextTable([("task", .left), ("r", .right)])
    table.add(["gsm8k", "0.5"])
    table.add(["数学", "10", "surplus"])
    table.add(["\u{1b}[31mred"])
    #expect(table.text == "task        r\n────────  ───\ngsm8k     0.5\n数学       10\n\u{fffd}[31mred")
  }

  @Test func numbersAreShort() {
    #expect(NumberText.short(nil) == "–")
    #expect(NumberText.short(.nan) == "–")
    #expect(NumberText.short(0.000123456) == "0.0001235")
    #expect(NumberText.short(-0.0) == "0")
    #expect(NumberText.fixed(-0.001, decimals: 2) == "0.00")
    #expect(NumberText.fixed(1234.5, decimals: 1) == "1234.5")
  }
}
