import ActivationPatterns
import CheckpointFiles
import Foundation
import Ground
import Probing
import Reports
import Testing

@testable import Runs

/// Patterns that are measured in shards, and everything that reads them.
struct PatternShardRunTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    // Ids that only their bytes tell apart, and samples that are cut before their response.
    let lines = (0..<9).map { number in
      let padding = [0, 5].contains(number) ? String(repeating: "so ", count: 40) : ""
      let id = (number % 2 == 0 ? "é" : "e\u{301}") + "\(number / 2)"
      return
        #"{"prompt": "\#(padding)what is \#(number) and \#(number * number)?", "response": "it is \#(number + number * number)", "id": "\#(id)"}"#
    }
    try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: folder.url.appending(path: "data.jsonl"))
  }

  private func run(_ out: String, shard: String? = nil, _ change: (inout PatternRun) -> Void = { _ in }) -> PatternRun {
    var run = PatternRun(model: Examples.model, data: [folder.path("data.jsonl")], out: folder.path(out))
    run.shard = shard.flatMap { PatternShard($0) }
    run.data.format = "pairs"
    run.data.maximumLength = 40
    run.model.elementType = .float32
    run.model.threads = 1
    run.model.batchTokens = 1
    run.scores = [.magnitude, .signed]
    run.keepsSamples = true
    change(&run)
    return run
  }

  private func message(_ run: some Run) -> String {
    do { _ = try run.run() } catch { return "\(error)" }
    return "no error"
  }

  static let changes: [@Sendable (inout PatternRun) -> Void] = [
    { _ in }, { $0.keepsSamples = false }, { $0.loss = .batch(4) }, { $0.model.batchTokens = 70 },
    { ($0.data.sample, $0.data.seed, $0.data.limit) = (6, 3, 5) },
  ]

  /// However many shards there are, and where some stay empty: written again they are the file of one run, byte for byte.
  @Test(arguments: changes.indices) func shardsTogetherAreOneRun(change: Int) throws {
    let whole = try run("whole.safetensors", Self.changes[change]).run()
    #expect(whole.samples + whole.skipped == 9 || change == 4)
    #expect(whole.skipped == 2 || change == 4)
    for count in [1, 2, 3, 6, 7, 9] {
      let results = try (1...count).map { try run("p\(count).safetensors", shard: "\($0)/\(count)", Self.changes[change]).run() }
      #expect(results.reduce(0) { $0 + $1.samples } == whole.samples && results.reduce(0) { $0 + $1.tokens } == whole.tokens)
      #expect(
        results.reduce(0) { $0 + $1.skipped } == whole.skipped && results.reduce(0) { $0 + $1.truncated } == whole.truncated
          && results.last?.out == folder.path("p\(count).\(count)-of-\(count).safetensors"))
      #expect(results.allSatisfy { $0.layers == whole.layers && $0.heads == whole.heads })
      try ActivationPattern.read(from: folder.url.appending(path: "p\(count).safetensors")).write(
        to: folder.url.appending(path: "again.safetensors"))
      #expect(try folder.data("again.safetensors") == folder.data("whole.safetensors"), "\(count)")
      #expect((try? folder.data("again.ids.jsonl")) == (try? folder.data("whole.ids.jsonl")))
      #expect(!folder.names.contains { $0.hasSuffix("journal") })
      let hasIds = results[0].samples > 0 && run("p", Self.changes[change]).keepsSamples
      #expect(folder.names.contains("p\(count).1-of-\(count).ids.jsonl") == hasIds)
    }
  }

  @Test func aShardIsResumedAndMeasuredAgain() throws {
    _ = try run("whole.safetensors", shard: "2/2").run()
    var stopped = run("p.safetensors", shard: "2/2")
    #expect(throws: RunStopped(canResume: true)) { try stopped.run(Listener(stopAfter: 1).monitor) }
    #expect(folder.names.contains("p.2-of-2.safetensors.journal"))
    // The other shard is no part of this.
    _ = try run("p.safetensors", shard: "1/2").run()
    #expect(message(stopped).contains("p.2-of-2.safetensors.journal holds what an interrupted run found"))
    stopped.resume = true
    #expect(try stopped.run().samples > 0)
    #expect(try folder.data("p.2-of-2.safetensors") == folder.data("whole.2-of-2.safetensors"))
    #expect(!folder.names.contains { $0.hasSuffix("journal") })
    // A shard that is done is replaced, a file that only has its name is not.
    _ = try run("p.safetensors", shard: "2/2").run()
    try Data("mine".utf8).write(to: folder.url.appending(path: "p.1-of-2.safetensors"))
    #expect(message(run("p.safetensors", shard: "1/2")).contains("p.1-of-2.safetensors is there already and was not written by Headway"))
  }

  @Test func aRecordDoesItAgain() throws {
    _ = try run("p.safetensors", shard: "1/2").runRecording()
    let record = folder.url.appending(path: "p.1-of-2.run.yaml")
    let text = try String(contentsOf: record, encoding: .utf8)
    #expect(text.contains("\n  out: p.safetensors\n") && text.contains("\n  shard: 1/2\n"), "\(text)")
    let first = try folder.data("p.1-of-2.safetensors")
    try FileManager.default.removeItem(at: folder.url.appending(path: "p.1-of-2.safetensors"))
    _ = try (RunRecord.run(from: record) as? PatternRun)?.runRecording()
    #expect(try folder.data("p.1-of-2.safetensors") == first)
    _ = try (RunRecord.run(from: record, changing: ["shard=2/2"]) as? PatternRun)?.runRecording()
    #expect(folder.names.filter { $0.hasSuffix("yaml") } == ["p.1-of-2.run.yaml", "p.2-of-2.run.yaml"])
    #expect(try ActivationPattern.read(from: folder.url.appending(path: "p.safetensors")).samples?.loss.count == 7)
    #expect(throws: (any Error).self) { try RunRecord.run(from: record, changing: ["shard=3/2"]) }
    // What was no shard has no such key.
    _ = try run("q.safetensors").runRecording()
    #expect(try !String(contentsOf: folder.url.appending(path: "q.run.yaml"), encoding: .utf8).contains("shard"))
  }

  @Test func whatCannotBeAShardIsRefused() throws {
    for (out, text) in [
      ("p.npy", "shard writes .safetensors alone"), ("p.npz", "shard writes .safetensors alone"),
      ("p.1-of-2.safetensors", "out names the whole pattern, to whose name shard adds its own; name p.safetensors"),
    ] {
      let told = message(run(out, shard: "1/2"))
      #expect(told.contains(text), "\(told)")
    }
    #expect(message(run("p.safetensors", shard: "1/2") { $0.tokens = 3 }).contains("which no shard knows; leave one of them out"))
    #expect(folder.names == ["data.jsonl"])
  }

  @Test func settingsThatDifferAreNamed() throws {
    let changes: [(inout PatternRun) -> Void] = [
      { $0.data.limit = 8 }, { $0.loss = .batch(2) }, { $0.model.elementType = .float64 }, { $0.scores = [.token] },
      { $0.keepsSamples = false },
      { $0.task = "other" }, { $0.memory = .low },
    ]
    let names = [
      "fingerprint", "loss: sample → batch:2", "dtype: float32 → float64", "score: magnitude,signed → token", "per_sample: true → false",
      "task: ", "memory: auto → low",
    ]
    _ = try run("p.safetensors", shard: "1/2").run()
    for (change, name) in zip(changes, names) {
      _ = try run("p.safetensors", shard: "2/2", change).run()
      let told = message(StatisticsRun([PatternSource(folder.path("p.safetensors"))]))
      #expect(told.contains("of different runs (") && told.contains(name), "\(told)")
    }
  }

  @Test func aFileOfThePatternsNameIsToldOf() throws {
    let listener = Listener()
    _ = try run("p.safetensors").run()
    _ = try run("p.safetensors", shard: "1/1").run(listener.monitor)
    #expect(listener.notes.contains { $0.hasPrefix("warning") && $0.contains("p.safetensors is there already") })
    #expect(try StatisticsRun([PatternSource(folder.path("p.1-of-1.safetensors"))]).run().first?.name == "p")
  }

  /// Heads are ranked by the pattern in shards as by the one in a file.
  @Test func ablationRanksHeadsByShards() throws {
    _ = try run("whole.safetensors").run()
    for number in 1...3 { _ = try run("p.safetensors", shard: "\(number)/3").run() }
    func items(_ pattern: String) throws -> AblationResult {
      var run = AblationRun(model: Examples.model, data: [folder.path("data.jsonl")], choice: .strongest(2))
      (run.data.format, run.data.limit, run.model.threads) = ("pairs", 3, 1)
      run.pattern = folder.path(pattern)
      return try run.run()
    }
    #expect(try items("p.safetensors").items.map(\.name) == items("whole.safetensors").items.map(\.name))
  }

  // MARK: Whoever reads patterns

  @Test func everythingReadsShardsAsTheWhole() throws {
    func results(_ files: PatternFiles, cut: Bool) throws -> ([StatisticsResult], CorrelationResult, FitResult, [Data], String) {
      for (number, name) in ["x", "y", "z"].enumerated() {
        try files.writeChange(name, (0..<12).map { Double($0 * (number + 1) % 7) / 10 })
      }
      let patterns = ["x-before", "y-after", "z-after"].map { files.path("\($0).safetensors") }
      var shards = patterns.map { [$0] }
      if cut {
        for name in ["x-after", "y-before", "z-before"] { try cutIntoShards(files.path("\(name).safetensors"), 3) }
        // A shell puts all names in the place of one.
        shards = try patterns.map { try cutIntoShards($0) }
      }
      var (sources, basics) = (shards.flatMap(\.self).map { PatternSource($0) }, shards[1...].flatMap(\.self).map { PatternSource($0) })
      if !cut { (sources, basics) = (patterns.map { PatternSource($0) }, patterns[1...].map { PatternSource($0) }) }
      var statistics = StatisticsRun(sources)
      statistics.bootstrap = 40
      var correlation = CorrelationRun(sources)
      correlation.bootstrap = 40
      var fit = FitRun(target: PatternSource(patterns[0]), basics: basics)
      fit.bootstrap = 40
      let picture = HeatMapRun(sources, out: files.path("h.svg"))
      _ = try picture.run()
      let change = ChangeRun(before: patterns[0], after: files.path("x-after.safetensors"), out: files.path("c.safetensors"))
      _ = try change.run()
      let report = try ReportRun(folder: files.folder.path(percentEncoded: false)).run()
      let told = try statistics.run().map { result in
        var result = result
        result.path = ""
        return result
      }
      let page = try String(contentsOf: URL(filePath: report.out), encoding: .utf8)
        .replacing(files.folder.lastPathComponent, with: "folder")
      let written = try ["h.svg", "c.safetensors", "c.ids.jsonl"].map { name in
        String(decoding: try Data(contentsOf: files.folder.appending(path: name)), as: UTF8.self)
          .replacing(files.folder.lastPathComponent, with: "folder")
      }
      return (told, try correlation.run(), try fit.run(), written.map { Data($0.utf8) }, page)
    }
    let (whole, cut) = (try results(PatternFiles(), cut: false), try results(PatternFiles(), cut: true))
    #expect(cut.0 == whole.0 && cut.1 == whole.1 && cut.3 == whole.3)
    #expect(try HeadwayJSON.document(cut.2) == HeadwayJSON.document(whole.2))
    #expect(cut.4 == whole.4)
  }

  /// On a page shards stand once, also beside a file of their name, and what is missing is said once.
  @Test func aPageShowsShardsOnce() throws {
    let files = try PatternFiles()
    let rows = (0..<6).map { _ in (0..<12).map { _ in files.uniform() } }
    try files.write("p.safetensors", rows, model: "base")
    let shards = try cutIntoShards(files.path("p.safetensors"))
    func names() throws -> ([String], notes: [String]) {
      let builder = try ReportBuilder(folder: files.folder, score: nil)
      return (try builder.page(title: "t").page.sections.flatMap { $0.tables.first?.rows.map { $0[0] } ?? [] }, builder.notes)
    }
    #expect(try names().0 == ["p"])
    try files.write("p.safetensors", rows, model: "base")
    #expect(try Set(names().0) == ["p", "p in 4 shards"])
    try FileManager.default.removeItem(atPath: shards[0])
    let (shown, notes) = try names()
    #expect(shown == ["p"] && notes.count == 1 && notes[0].contains("p.1-of-4.safetensors is missing"), "\(notes)")
  }

  /// The measurement that is recommended is one of the whole pattern, under its own name.
  @Test func measuringAgainIsToldOfTheWholePattern() throws {
    let files = try PatternFiles()
    let rows = (0..<4).map { _ in (0..<12).map { _ in files.uniform() } }
    try files.write("before.safetensors", rows, model: "base", dtype: "bfloat16")
    try files.write("after.safetensors", rows.map { $0.map { $0 + 1 } }, model: "tuned")
    let shards = try cutIntoShards(files.path("before.safetensors"))
    let run = ChangeRun(before: shards[1], after: files.path("after.safetensors"), out: files.path("c.safetensors"))
    let again = #expect(throws: UnlikePatterns.self) { try run.run() }?.again.first
    #expect(again?.out.hasSuffix("/before.safetensors") == true && again?.shard == nil)
  }
}
