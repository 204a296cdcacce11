import ActivationPatterns
import CheckpointFiles
import Foundation
import Ground
import Runs
import Testing

/// Changes, statistics, correlations and heat maps as runs, without the program.
struct ComparisonRunTests {
  @Test func aChangeIsWrittenAndToldByScore() throws {
    let files = try PatternFiles()
    try files.writeChange("gsm8k", (0..<12).map { $0 < 9 ? 0.5 : -0.5 })
    var run = ChangeRun(
      before: files.path("gsm8k-before.safetensors"), after: files.path("gsm8k-after.safetensors"), out: files.path("c.npz"))
    let result = try run.run()
    #expect(result.pairedSamples == 40 && result.layers == 3 && result.heads == 4 && !result.relative)
    let figures = try #require(result.scores["magnitude"])
    #expect(figures.rose == 0.75 && figures.undefined == 0)
    #expect(abs(try #require(figures.mean) - 0.26) < 0.01)
    #expect(try again(result) == result)
    run.isRelative = true
    #expect(try again(run).isRelative)
    #expect(try run.run().relative)
    run.out = files.path("c.txt")
    #expect(throws: SettingsError.self) { try run.run() }
  }

  @Test func patternsMeasuredUnlikeComeWithTheMeasurementsThatWouldBeAlike() throws {
    let files = try PatternFiles()
    let rows = (0..<3).map { _ in (0..<12).map { _ in files.uniform() } }
    try files.write("before.safetensors", rows, model: "base", dtype: "bfloat16")
    try files.write("after.safetensors", rows.map { $0.map { $0 + 1 } }, model: "tuned")
    let run = ChangeRun(before: files.path("before.safetensors"), after: files.path("after.safetensors"), out: files.path("c.safetensors"))
    let error = #expect(throws: UnlikePatterns.self) { try run.run() }
    #expect(error?.description.contains("differ in dtype (bfloat16; float32); measure both alike") == true)
    // In the wider type, which the pattern after already has.
    let again = try #require(error?.again.first)
    #expect(error?.again.count == 1 && again.model.model == "base" && again.model.elementType == .float32)
    #expect(again.out == files.path("before.safetensors") && again.keepsSamples && again.data.maximumLength == 512)
    #expect(!FileManager.default.fileExists(atPath: files.path("c.safetensors")))

    // Other samples: measured again like the pattern before. Mixed, the means are left.
    try files.write("other.safetensors", rows, model: "tuned", task: "other", dtype: "bfloat16")
    var mixed = run
    mixed.after = files.path("other.safetensors")
    let different = #expect(throws: UnlikePatterns.self) { try mixed.run() }
    #expect(different?.again.map(\.model.model) == ["tuned"])
    mixed.mixed = true
    let telling = Telling()
    #expect(try mixed.run(telling.monitor).pairedSamples == nil)
    #expect(telling.notes.contains { $0.contains("cannot be paired") })
    // A model and itself: no measurement helps.
    var itself = run
    itself.after = run.before
    let same = #expect(throws: UnlikePatterns.self) { try itself.run() }
    #expect(same?.again.isEmpty == true && same?.description.contains("are of one model") == true)
  }

  @Test func statisticsAreThoseOfTheLibraryAndComeBackFromJSON() throws {
    let files = try PatternFiles()
    try files.writeChange("a", (0..<12).map { Double($0) / 10 })
    var run = StatisticsRun([PatternSource(files.path("a-after.safetensors"), name: "after"), PatternSource(files.path("a.safetensors"))])
    run.strongest = 2
    run.bootstrap = 40
    let results = try run.run()
    #expect(results.map(\.name) == ["after", "a"] && results.map { $0.strongest.count } == [2, 2])
    let matrix = try #require(ActivationPattern.read(from: files.folder.appending(path: "a-after.safetensors")).levels[.magnitude]?.mean)
    let gini = try #require(results[0].gini)
    #expect(gini == PatternStatistics(matrix).gini)
    // The file keeps the mean in single precision, its samples give it in double.
    #expect(abs(try #require(results[0].bootstrap?.gini).estimate - gini) < 1e-6)
    let text = String(decoding: try HeadwayJSON.document(results), as: UTF8.self)
    #expect(text.hasPrefix("[{") && text.contains("\"strongest\":[[2,3,") && !text.contains("step"))
    #expect(try again(results) == results)
    run.bootstrap = 1
    #expect(throws: SettingsError.self) { try run.run() }
  }

  @Test func aTrainingRunsStepsAreDescribedAndDrawn() throws {
    let files = try PatternFiles()
    let folder = files.folder.appending(path: "tuned", directoryHint: .isDirectory)
    let place = PatternSeries.url(inFolder: folder)
    try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
    let steps = 40
    try SafetensorsWriter.write(
      [
        .init(name: "probe.steps", shape: [steps], int64s: (0..<steps).map { Int64($0 * 5) }),
        .init(name: "probe.magnitude", shape: [steps, 3, 4], floats: (0..<steps * 12).map { Float($0) }),
      ], metadata: ["headway.kind": "tracked patterns"], to: place)
    let source = PatternSource(folder.path(percentEncoded: false))
    let results = try StatisticsRun([source]).run()
    #expect(results.count == steps && results[3].name == "tuned step 15" && results[3].step == 15 && results[3].mean == 41.5)
    let telling = Telling()
    let map = try HeatMapRun([source], out: files.path("h.svg")).run(telling.monitor)
    #expect(map.names.count == HeatMapRun.mostSteps && map.names.first == "tuned step 0" && map.names.last == "tuned step 195")
    #expect(telling.notes == ["tuned has 40 steps, of which 12 are drawn"])
    #expect(try String(contentsOf: files.folder.appending(path: "h.svg"), encoding: .utf8).hasPrefix("<svg"))
    #expect(throws: SettingsError.self) { try HeatMapRun([source], out: files.path("h.png")).run() }
  }

  @Test func correlationsHaveIntervalsByName() throws {
    let files = try PatternFiles()
    let profile = (0..<12).map { _ in files.uniform() }
    try files.writeChange("a", profile)
    try files.writeChange("b", profile.map { 2 * $0 })
    try files.writeChange("c", profile.map { -$0 })
    var run = CorrelationRun(["a", "b", "c"].map { PatternSource(files.path("\($0).safetensors")) })
    run.bootstrap = 40
    let result = try run.run()
    #expect(result.names == ["a", "b", "c"] && result.score == .magnitude)
    let (alike, opposite) = (try #require(result.matrix[0][1]), try #require(result.matrix[0][2]))
    #expect(alike > 0.99 && opposite < -0.99 && result.matrix[2][2] == 1)
    #expect(result.bootstrap?.low[0][0] == .some(nil) && result.bootstrap?.reliability.count == 3)
    #expect(try again(result) == result)
    run.files.append(PatternSource("elsewhere/a.safetensors"))
    #expect(throws: RunError.self) { try run.run() }
  }
}
