import Foundation
import Ground
import Testing

@testable import Reports

/// Charts and pages are told from other programs' files by how they begin.
@Suite struct OutputKindTests {
  private func isOwn(_ kind: OutputKind, _ text: String) throws -> Bool {
    let url = FileManager.default.temporaryDirectory.appending(path: "headway-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    try Data(text.utf8).write(to: url)
    return kind.isOwn(url)
  }

  @Test func chartsAndPagesAreKnown() throws {
    let map = HeatMap(panels: [.init(title: "a", layers: 1, heads: 1, values: [1])], valueName: "v", isChange: false)
    #expect(try isOwn(.chart, map.svg()))
    #expect(try isOwn(.chart, LineChart(series: [.init(name: "a", points: [.init(x: 0, y: 1)])], title: "t", xName: "x", yName: "y").svg()))
    #expect(try isOwn(.page, ReportPage(title: "t", sections: []).html()))
  }

  @Test func otherProgramsAreNot() throws {
    for text in [
      "", "<svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"></svg>",
      "<!doctype html>\n<html><head><title>notes</title>",
    ] {
      #expect(try !isOwn(.chart, text) && !isOwn(.page, text), "\(text)")
    }
  }
}
