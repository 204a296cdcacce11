import Foundation
import Reports
import Testing

/// The report page: everything on it, hostile text harmless, nothing loaded from elsewhere.
struct ReportPageTests {
  static func page(_ name: String) -> ReportPage {
    let map = HeatMap(panels: [.init(title: name, layers: 4, heads: 4, values: HeatMapTests.levels(4, 4, seed: 3))], title: name)
    let table = ReportPage.Table(
      title: name, columns: [(name, false), ("Gini", true)], rows: [[name, "0.50"], ["gsm8k", "0.33"], ["数学", "–"], ["short"]])
    return ReportPage(
      title: name, subtitle: name,
      sections: [
        .init(
          title: name, paragraphs: [name], tables: [table], pictures: [.init(map, caption: name, numbers: "\(name).csv")], settings: [table]
        )
      ])
  }

  @Test func everythingIsOnThePage() throws {
    let html = try Self.page("Patterns").html()
    for text in ["<h1>Patterns</h1>", "<td class=\"number\">0.33</td>", "<svg", "layer 3, head 3", "href=\"Patterns.csv\"", "<details>"] {
      #expect(html.contains(text), "\(text)")
    }
    #expect(html.components(separatedBy: "<script>").count == 2)
    #expect(html.contains("default-src 'none'"))
    #expect(
      !html.contains("http://")
        || html.components(separatedBy: "http://").count == html.components(separatedBy: "http://www.w3.org/2000/svg").count)
    #expect(!html.contains("https://"))
  }

  @Test(arguments: [
    "<script>alert(1)</script>", "</title></svg></style>", "{{title}} {{{svg}}} {{#sections}}", "\" onload=\"x", "javascript:alert(1)//",
    "\u{0}\u{1b}]0;\u{7}",
  ])
  func hostileTextIsHarmless(name: String) throws {
    let html = try Self.page(name).html()
    #expect(html.components(separatedBy: "<script>").count == 2)
    #expect(html.components(separatedBy: "</svg>").count == 2)
    #expect(!html.contains("\u{0}") && !html.contains("\u{1b}"))
    #expect(!html.contains("href=\"javascript:") && !html.contains("\" onload=\""))
    // The markup itself is sound: as XML, once the elements that HTML leaves open are closed.
    let body = try #require(html.split(separator: "<body>", maxSplits: 1).last?.split(separator: "<script>").first)
    #expect(MarkupReader.read("<body>\(body)</body>") != nil)
  }

  @Test func emptyPageAndSections() throws {
    #expect(try ReportPage(title: "", sections: []).html().contains("<main>"))
    let bare = ReportPage(title: "x", sections: [.init(title: "y", tables: [.init(columns: [], rows: [[]])])])
    #expect(try bare.html().contains("<h2>y</h2>"))
  }

  @Test func commaSeparatedValuesAreQuoted() {
    let text = CSVText.table(
      columns: ["a", "b"], rows: [["1,5", "say \"x\""], ["line\r\nbreak", CSVText.number(nil)], ["数", CSVText.number(0.1)]])
    #expect(text == "a,b\n\"1,5\",\"say \"\"x\"\"\"\n\"line\r\nbreak\",\n数,0.1\n")
  }

  @Test func manyTasksForLooking() throws {
    let names = ChartTests.names(40)
    var random = Congruence(state: 8)
    let matrix = NumberMatrix(
      names: names, values: names.indices.map { row in names.indices.map { row == $0 ? 1 : random.uniform() } }, title: "Forty tasks",
      valueName: "Pearson correlation")
    let large = HeatMap(
      panels: [.init(title: "large", layers: 80, heads: 64, values: HeatMapTests.levels(80, 64, seed: 2))], title: "80 layers, 64 heads")
    let html = try ReportPage(
      title: "Activation patterns", subtitle: "Six tasks under one model — 中文",
      sections: [
        .init(
          title: "Statistics", paragraphs: ["Gini above 0.4 means concentrated; a coefficient of variation above 1 dispersed."],
          tables: [
            .init(
              columns: [("task", false), ("Gini", true), ("CV", true)],
              rows: names.map {
                [$0, NumberText.fixed(random.uniform(), decimals: 3), NumberText.fixed(random.uniform() * 2, decimals: 3)]
              })
          ]),
        .init(
          title: "Pictures",
          pictures: [.init(large, caption: "Levels.", numbers: "report/levels.csv"), .init(matrix, numbers: "report/correlation.csv")],
          settings: [
            .init(
              columns: [("what", false), ("value", false)], rows: [["model_fingerprint", String(repeating: "0123456789abcdef", count: 4)]])
          ]),
      ]
    ).html()
    #expect(html.utf8.count < 2_000_000)
    try keepForLooking(html, as: "report.html")
  }
}
