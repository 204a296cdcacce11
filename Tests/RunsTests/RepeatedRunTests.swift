import ActivationPatterns
import CheckpointFiles
import Foundation
import Ground
import Testing

@testable import Runs

/// Runs that write results, done again from the records that they leave: the same bytes.
@Suite struct RepeatedRunTests {
  /// Does a run, deletes what it wrote, does it again from its record and holds every file against the first.
  private func expectTheSameAgain(_ run: some Run, writing names: [String], in folder: URL) throws {
    _ = try run.runRecording()
    let files = names.map { folder.appending(path: $0) }
    let first = try files.map { try Data(contentsOf: $0) }
    let record = try #require(run.output.flatMap { RunRecord.existing(beside: URL(filePath: $0)) })
    let text = try String(contentsOf: record, encoding: .utf8)
    for file in files { try FileManager.default.removeItem(at: file) }
    let recorded = try RunRecord.run(from: record)
    #expect(type(of: recorded).name == type(of: run).name)
    _ = try recorded.runRecording()
    for (file, data) in zip(files, first) { #expect(try Data(contentsOf: file) == data, "\(file.lastPathComponent)") }
    // The record itself is the same but for the time it took.
    func lines(_ text: String) -> [Substring] { text.split(separator: "\n").filter { !$0.hasPrefix("seconds:") } }
    #expect(try lines(String(contentsOf: record, encoding: .utf8)) == lines(text))
    #expect(text.contains("identity:\n  "))
  }

  @Test func aChangeAFitAndAHeatMapAreRepeated() throws {
    let files = try PatternFiles()
    let profiles = (0..<2).map { _ in (0..<12).map { _ in 0.2 + files.uniform() } }
    for (index, profile) in profiles.enumerated() { try files.writeChange("basic\(index)", profile) }
    try files.writeChange("target", zip(profiles[0], profiles[1]).map { 0.75 * $0 + 0.25 * $1 })

    var change = ChangeRun(
      before: files.path("target-before.safetensors"), after: files.path("target-after.safetensors"), out: files.path("again.safetensors"))
    change.isRelative = true
    try expectTheSameAgain(change, writing: ["again.safetensors", "again.ids.jsonl"], in: files.folder)

    var fit = FitRun(
      target: PatternSource(files.path("target.safetensors")),
      basics: [PatternSource(files.path("basic0.safetensors"), name: "math"), PatternSource(files.path("basic1.safetensors"))],
      out: files.path("fit.json"))
    (fit.subsets, fit.bootstrap, fit.permutations, fit.heldOut, fit.seed) = (2, 60, 99, 10, 3)
    try expectTheSameAgain(fit, writing: ["fit.json"], in: files.folder)

    let map = HeatMapRun([PatternSource(files.path("again.safetensors"), name: "gsm8k")], out: files.path("again.svg"))
    try expectTheSameAgain(map, writing: ["again.svg"], in: files.folder)
    #expect(FileManager.default.fileExists(atPath: files.path("again.svg.run.yaml")))
  }

  @Test func aReportIsRepeated() throws {
    let files = try PatternFiles()
    try files.writeChange("target", (0..<12).map { _ in 0.2 + files.uniform() })
    try files.writeChange("basic", (0..<12).map { _ in 0.2 + files.uniform() })
    _ = try FitRun(
      target: PatternSource(files.path("target.safetensors")), basics: [PatternSource(files.path("basic.safetensors"))],
      out: files.path("fit.json")
    ).runRecording()
    var report = ReportRun(folder: files.folder.path(percentEncoded: false))
    report.title = "Two tasks"
    try Data("{}".utf8).write(to: files.folder.appending(path: "other.json"))
    let telling = Telling()
    let result = try report.run(telling.monitor)
    #expect(telling.notes == ["note: left out: other.json is not a result of a fit, a mixture, a choice, an ablation or an evaluation"])
    #expect(result.numbers.contains("report/coefficients-1.csv") && result.numbers.contains("report/heads-2.csv"))
    #expect(try again(result) == result)
    let html = try String(contentsOf: files.folder.appending(path: "report.html"), encoding: .utf8)
    #expect(html.contains("Two tasks") && html.contains("Fit: fit") && html.contains("Changes, magnitude"))
    try expectTheSameAgain(report, writing: ["report.html"] + result.numbers, in: files.folder)
    // The record lies in the folder and leads to it, wherever that has been moved.
    let record = try String(contentsOf: files.folder.appending(path: "report.run.yaml"), encoding: .utf8)
    #expect(record.contains("folder: .\n") && record.contains("fit.json: \""))
  }

  @Test func aReportOfNothingIsRefused() throws {
    let folder = try TemporaryFolder()
    let nothing = #expect(throws: RunError.self) { try ReportRun(folder: folder.url.path(percentEncoded: false)).run() }
    #expect(nothing?.description.contains("holds no pattern") == true)
    let none = #expect(throws: RunError.self) { try ReportRun(folder: folder.path("none")).run() }
    #expect(none?.description.contains("there is no folder") == true)
  }

  @Test func anAblationAndADatasetAreRepeated() throws {
    let folder = try TemporaryFolder()
    var ablation = AblationRun(model: Examples.model, data: [Examples.problems], choice: .random(3))
    (ablation.model.elementType, ablation.model.threads, ablation.data.limit) = (.float32, 1, 4)
    (ablation.cumulative, ablation.randomOrders, ablation.resamples, ablation.seed) = (true, 2, 40, 5)
    (ablation.out, ablation.svg) = (folder.path("a.json"), folder.path("a.svg"))
    try expectTheSameAgain(ablation, writing: ["a.json", "a.svg"], in: folder.url)

    var data = DataSummaryRun([Examples.problems])
    (data.write, data.data.sample, data.data.seed) = (folder.path("pairs.jsonl"), 7, 4)
    try expectTheSameAgain(data, writing: ["pairs.jsonl"], in: folder.url)
  }

  /// What only tells leaves no record, and can be done from one that somebody wrote.
  @Test func whatOnlyTellsHasNoRecord() throws {
    let files = try PatternFiles()
    try files.writeChange("c", (0..<12).map(Double.init))
    let before = try FileManager.default.contentsOfDirectory(atPath: files.path("")).sorted()
    let sources = [PatternSource(files.path("c.safetensors"), name: "mine"), PatternSource(files.path("c-after.safetensors"))]
    var statistics = StatisticsRun([sources[0]])
    statistics.strongest = 2
    let results = try statistics.runRecording()
    _ = try FitRun(target: sources[0], basics: [PatternSource(files.path("c-before.safetensors"))]).mixed().runRecording()
    _ = try DataSummaryRun([Examples.problems]).runRecording()
    #expect(try FileManager.default.contentsOfDirectory(atPath: files.path("")).sorted() == before)

    let record = files.folder.appending(path: "mine.yaml")
    try Data("command: stats\nsettings: {files: [mine=c.safetensors], strongest: 2}\n".utf8).write(to: record)
    let read = try #require(try RunRecord.run(from: record) as? StatisticsRun)
    #expect(try read.run().map(\.gini) == results.map(\.gini))
    #expect(try again(results).map(\.name) == ["mine"])
  }

  /// How to measure alike is told with the data, where a record tells it.
  @Test func unlikePatternsAreMeasuredAgainFromTheirRecords() throws {
    let folder = try TemporaryFolder()
    var run = PatternRun(model: Examples.model, data: [Examples.problems], out: folder.path("before.safetensors"))
    (run.model.elementType, run.model.threads, run.data.limit, run.keepsSamples) = (.bfloat16, 1, 2, true)
    _ = try run.runRecording()
    (run.model.model, run.model.elementType, run.out) = ("\(Examples.model)-tuned", .float32, folder.path("after.safetensors"))
    _ = try run.runRecording()
    let change = ChangeRun(
      before: folder.path("before.safetensors"), after: folder.path("after.safetensors"), out: folder.path("c.safetensors"))
    let error = #expect(throws: UnlikePatterns.self) { try change.run() }
    let again = try #require(error?.again.first)
    #expect(error?.again.count == 1 && again.model.elementType == .float32 && again.keepsSamples && again.data.limit == 2)
    #expect(again.data.files.map { URL(filePath: $0.path).standardizedFileURL } == [URL(filePath: Examples.problems).standardizedFileURL])
    // What it says, done: the two are then alike.
    _ = try again.run()
    #expect(try change.run().pairedSamples == 2)
  }
}

extension FitRun {
  /// The same fit of whatever files.
  fileprivate func mixed() -> FitRun {
    var run = self
    run.mixed = true
    return run
  }
}
