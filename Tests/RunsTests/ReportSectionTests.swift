import ActivationPatterns
import CheckpointFiles
import Foundation
import Reports
import Runs
import Testing

/// Parts of a report made from results, without the program.
struct ReportSectionTests {
  @Test func trackedPatternsAreATableCurvesAndMaps() throws {
    let files = try PatternFiles()
    let url = files.folder.appending(path: "patterns.safetensors")
    let steps = 15
    try SafetensorsWriter.write(
      [
        .init(name: "probe.steps", shape: [steps], int64s: (0..<steps).map { Int64($0 * 10) }),
        .init(name: "probe.magnitude", shape: [steps, 2, 2], floats: (0..<steps).flatMap { [1, 2, 3, 4 + Float($0)] }),
      ], metadata: ["headway.kind": "tracked patterns"], to: url)
    var numbers: [(name: String, text: String)] = []
    let section = try PatternSeries(from: url).section(name: "tuned", number: 2, &numbers)
    #expect(section.title == "Tracked patterns: tuned" && section.pictures.count == 3)
    #expect(section.tables.first?.rows.map { $0[0] } == (0..<steps).map { "\($0 * 10)" })
    #expect(section.tables.first?.rows[0][1] == "1.0000" && section.tables.first?.rows[14][7] == "1:1")
    #expect(section.pictures.last?.caption.hasPrefix("12 of 15 steps") == true)
    #expect(numbers.map(\.name) == ["steps-2.csv", "steps-heads-2.csv"])
    // The mean squared error of step 70: one head of four, 7 away.
    #expect(numbers[0].text.split(separator: "\n")[8].split(separator: ",")[2] == "12.25")
    #expect(numbers[1].text.split(separator: "\n").count == 1 + steps * 4)
    let html = try ReportPage(title: "page", sections: [section]).html()
    #expect(html.contains("Likeness to the base model") && html.contains("step 140"))
    // Another file is none of these.
    try files.writeChange("a", (0..<12).map(Double.init))
    #expect(try PatternSeries(ifTrackedAt: files.folder.appending(path: "a.safetensors")) == nil)
  }
}
