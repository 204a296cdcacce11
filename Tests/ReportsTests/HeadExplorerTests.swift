import Foundation
import Reports
import Testing

/// What the page's script reads: numbers and text as data, harmless whatever they hold.
struct HeadExplorerTests {
  static func explorer(_ name: String) -> HeadExplorer {
    var map = HeadExplorer.Map(
      name: name, side: "before", about: name, valueName: "magnitude", layers: 1, heads: 3, isChange: false, values: [0.123456789, nil, 3],
      errors: [0.1, 0, 1e-30])
    map.samples = [.init(index: 4, id: name, loss: 1.5)]
    map.strongest = [[.init(sample: 0, level: 2)], [], []]
    map.passages = [
      .init(
        sample: .init(index: 4, id: name, loss: 1.5), texts: [name, "\u{0}"], labels: [1],
        heads: [.init(layer: 0, head: 2, values: [-0.5, 0.25])])
    ]
    let change = HeadExplorer.Map(
      name: name, side: "change", about: "", valueName: "change of magnitude", layers: 1, heads: 3, isChange: true, values: [-1, -2, 0])
    let run = HeadExplorer.TrainingRun(
      layers: 1, heads: 3, steps: [0, 10], values: [[1, 2, 3], [4, 5, 6]],
      errors: nil, curves: [.init(yName: "loss", curves: [.init(name: name, points: [(0, 2.5), (10, 1)])])])
    return HeadExplorer(
      rows: [.init(name: name, about: name, maps: [map, change]), .init(name: name, about: "", run: run)],
      ablations: [
        .init(
          name: name, about: "", heads: [.init(layer: 0, head: 1, change: 0.5, interval: (0.25, 0.75), prediction: 0.4)])
      ])
  }

  /// The data of a page, as its script reads it.
  static func data(_ html: String) throws -> [String: Any] {
    let start = try #require(html.range(of: "id=\"explorer-data\">"))
    let end = try #require(html.range(of: "</script>", range: start.upperBound..<html.endIndex))
    let text = String(html[start.upperBound..<end.lowerBound])
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func numbersAreShortAndScalesShared() throws {
    let html = try ReportPage(title: "x", explorer: Self.explorer("gsm8k"), sections: []).html()
    let rows = try #require(try Self.data(html)["rows"] as? [[String: Any]])
    let maps = try #require(rows[0]["maps"] as? [[String: Any]])
    let values = try #require(maps[0]["values"] as? [Any])
    #expect(values[0] as? Double == 0.1235 && values[1] is NSNull && values[2] as? Double == 3)
    #expect((maps[0]["scale"] as? [String: Any])?["kind"] as? String == "s")
    #expect((maps[1]["scale"] as? [String: Any])?["kind"] as? String == "f")
    #expect(((rows[1]["run"] as? [String: Any])?["scale"] as? [String: Any])?["greatest"] as? Double == 6)
    #expect(html.contains("id=\"explore\"") && html.contains("id=\"chart-style\""))
  }

  @Test(arguments: [
    "</script><script>alert(1)</script>", "<!--<script>", "]]>&lt;", "\u{2028}\u{2029}", "\" onload=\"x", "{{title}}", "\\u003c\\",
  ])
  func hostileTextIsData(name: String) throws {
    let html = try ReportPage(title: "x", summary: [name], explorer: Self.explorer(name), sections: []).html()
    #expect(html.components(separatedBy: "<script>").count == 2)
    #expect(html.components(separatedBy: "</script>").count == 3)
    let rows = try #require(try Self.data(html)["rows"] as? [[String: Any]])
    #expect(rows[0]["name"] as? String == name)
    let body = try #require(html.split(separator: "<body>", maxSplits: 1).last?.split(separator: "<script>").first)
    #expect(MarkupReader.read("<body>\(body)</body>") != nil)
  }

  @Test func aPageWithoutHeadsHasNoExplorer() throws {
    let html = try ReportPage(title: "x", explorer: HeadExplorer(rows: []), sections: []).html()
    #expect(!html.contains("id=\"explore\"") && !html.contains("explorer-data\">"))
  }
}
