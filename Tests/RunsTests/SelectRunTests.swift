import ActivationPatterns
import CheckpointFiles
import Foundation
import Ground
import Instructions
import Selection
import Testing

@testable import Runs

/// Whole choices, from patterns and data to the chosen samples' file and manifest, without the program.
struct SelectRunTests {
  private static let ramp = (0..<12).map { Float($0) }

  /// Levels whose correlation with the ramp falls with the number: noise of its own size is added.
  private static func levels(_ number: Int, seed: UInt64 = 5) -> [Float] {
    var generator = SeededGenerator(seed: seed &+ UInt64(number), stream: "levels")
    return ramp.map { 20 + $0 + Float(number) * Float(generator.uniform() - 0.5) }
  }

  /// Writes data of samples `NAME-0`, `NAME-1`, …; those numbers that are in `unanswered` have no response.
  private static func data(
    _ folder: TemporaryFolder, _ name: String, _ count: Int, unanswered: Set<Int> = [], text: (Int) -> String = { "\($0)?" }
  ) throws -> String {
    let lines = (0..<count).map { number in
      #"{"prompt": "\#(name) \#(text(number))", "response": "\#(unanswered.contains(number) ? "" : "yes \(text(number))")", "id": "\#(name)-\#(number)", "task": "\#(name)", "tags": ["t\#(number % 2)"], "answer": "\#(number)"}"#
    }
    let path = folder.path("\(name).jsonl")
    try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: URL(filePath: path))
    return path
  }

  /// Writes the pattern of data, a row for each position that is kept.
  @discardableResult
  private static func pattern(
    _ folder: TemporaryFolder, _ name: String, of data: [String], at index: [Int], row: (Int) -> [Float] = { levels($0) },
    change: (inout Provenance) -> Void = { _ in }
  ) throws -> String {
    let dataset = try Dataset(at: data.map { URL(filePath: $0) }, options: DatasetOptions(format: "pairs"))
    let texts = Dictionary(uniqueKeysWithValues: try dataset.readAll().map { ($0.index, $0.contentFingerprint) })
    var provenance = Provenance(
      model: "tuned", modelFingerprint: "f", template: "pairs", dataFingerprint: try dataset.fingerprint(), maxLength: 512, loss: "sample",
      dtype: "float32")
    change(&provenance)
    let levels = try SampleLevels(sampleCount: index.count, entryCount: 12, values: index.flatMap(row))
    try ActivationPattern(
      provenance: provenance, levels: [.magnitude: .init(layers: 3, heads: 4, samples: levels)],
      samples: .init(
        loss: index.map { Float($0) }, index: index.map(Int64.init), ids: index.map { "any-\($0)" }, contents: index.map { texts[$0] ?? 0 })
    ).write(to: folder.url.appending(path: name))
    return folder.path(name)
  }

  /// A target of four samples with its data.
  private static func target(_ folder: TemporaryFolder) throws -> (file: String, data: String) {
    let data = try data(folder, "target", 4)
    return (try pattern(folder, "target.safetensors", of: [data], at: [0, 1, 2, 3]) { levels($0, seed: 90) }, data)
  }

  /// Its order by plain arithmetic: positions, the most alike first.
  private static func order(_ index: [Int], row: (Int) -> [Float] = { levels($0) }) throws -> [Int] {
    let rows = (0..<4).map { levels($0, seed: 90).map(Double.init) }
    let mean = (0..<12).map { column in Double(Float(rows.reduce(0) { $0 + $1[column] } / 4)) }
    let scores = index.map { Correlation.pearson(row($0).map(Double.init), mean) ?? .nan }
    return index.indices.sorted { (scores[$1], index[$0]) < (scores[$0], index[$1]) }.map { index[$0] }
  }

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "no error"
  }

  // MARK: Patterns

  @Test func theMostAlikeAreWrittenFirst() throws {
    let folder = try TemporaryFolder()
    let (target, _) = try Self.target(folder)
    // Of samples that were skipped there are no levels: rows are not positions.
    let data = try Self.data(folder, "pool", 30, unanswered: [0, 7, 8])
    let measured = (0..<30).filter { ![0, 7, 8].contains($0) }
    let pool = try Self.pattern(folder, "pool.safetensors", of: [data], at: measured)
    let run = SelectRun(target: target, pool: [pool], poolData: [data], top: 10, out: folder.path("chosen.jsonl"))
    let listener = Listener()
    let result = try run.run(listener.monitor)
    #expect(result.chosen.map(\.index) == Array(try Self.order(measured).prefix(10)))
    #expect(result.chosen.map(\.id) == result.chosen.map { "pool-\($0.index)" })
    #expect(result.chosen.map(\.score) == result.chosen.map(\.score).sorted(by: >))
    #expect(result.pool.samples == 27 && result.score == "magnitude" && result.targets == nil && result.chosen[0].target == nil)
    #expect(!listener.notes.contains { $0.hasPrefix("warning") })

    let written = try Dataset(at: [URL(filePath: run.out)]).readAll()
    #expect(written.map(\.id) == result.chosen.map(\.id))
    #expect(written.allSatisfy { $0.task == "pool" && $0.tags.count == 1 && $0.answer != nil })
    #expect(written[0].prompt == "pool \(result.chosen[0].index)?" && written[0].response == "yes \(result.chosen[0].index)?")

    // The manifest is the result, and the file is known to be Headway's own.
    #expect(try folder.data("chosen.manifest.json") == HeadwayJSON.document(result))
    #expect(try JSONDecoder().decode(SelectResult.self, from: folder.data("chosen.manifest.json")) == result)
    #expect(try run.run() == result)
    // The first of more are the same.
    var fewer = run
    fewer.top = 3
    #expect(try fewer.run().chosen == Array(result.chosen.prefix(3)))
    try Data("mine\n".utf8).write(to: URL(filePath: run.out))
    #expect(throws: OutputError.self) { try run.run() }
  }

  @Test func aPoolInManyFilesIsThePoolInOne() throws {
    let folder = try TemporaryFolder()
    let (target, _) = try Self.target(folder)
    let data = try [("a", 11), ("b", 1), ("c", 18)].map { try Self.data(folder, $0.0, $0.1) }
    let starts = [0, 11, 12]
    let all = (0..<30).filter { $0 != 4 && $0 != 20 }
    let whole = try Self.pattern(folder, "whole.safetensors", of: data, at: all)
    let files = try [(0, 0..<11), (1, 11..<12), (2, 12..<30)].map { number, range in
      try Self.pattern(folder, "part\(number).safetensors", of: [data[number]], at: all.filter(range.contains).map { $0 - starts[number] })
      {
        Self.levels($0 + starts[number])
      }
    }
    let shards = try (0..<3).map { shard in
      try Self.pattern(folder, "shard\(shard).safetensors", of: data, at: all.filter { $0 % 3 == shard })
    }
    func chosen(_ pool: [String], _ data: [String], _ change: (inout SelectRun) -> Void = { _ in }) throws -> [SelectResult.Chosen] {
      var run = SelectRun(target: target, pool: pool, poolData: data, top: 9, out: folder.path("chosen.jsonl"))
      change(&run)
      return try run.run().chosen
    }
    let one = try chosen([whole], data)
    #expect(one.map(\.index) == Array(try Self.order(all).prefix(9)))
    #expect(try chosen(files, data) == one)
    #expect(try chosen(shards, data) == one)
    #expect(one.allSatisfy { $0.id == ($0.index < 11 ? "a-\($0.index)" : $0.index < 12 ? "b-0" : "c-\($0.index - 12)") })
    for change in [{ $0.standardises = true }, { $0.algorithm = "round-robin" }, { $0.algorithm = "best" }] as [(inout SelectRun) -> Void] {
      #expect(try chosen(files, data, change) == chosen([whole], data, change))
    }
    // Data in another order, too little of it, or changed since.
    #expect(message { _ = try chosen(files, data.reversed()) }.contains("was not measured on"))
    #expect(message { _ = try chosen(files, [data[0], data[1]]) }.contains("there are 3 files of patterns but 2 of data"))
    #expect(
      message { _ = try chosen([whole], [data[0]]) }.contains(
        "whole.safetensors was not measured on \(data[0]) as it is now; name its data unchanged"))
    #expect(message { _ = try chosen([shards[0], shards[0]], data) }.contains("a.jsonl and 2 more twice; name each file once"))
    try AtomicFile.write(String(contentsOf: URL(filePath: data[2]), encoding: .utf8) + "\n", to: URL(filePath: data[2]))
    #expect(message { _ = try chosen(files, data) }.contains("part2.safetensors was not measured on"))
  }

  /// Shards of target and pool are the patterns that they are shards of, named by their pattern's name, by one of them or by all of them.
  @Test func shardsAreThePatternThatTheyAreOf() throws {
    let folder = try TemporaryFolder()
    let (target, texts) = try Self.target(folder)
    let data = try Self.data(folder, "pool", 30)
    let pool = try Self.pattern(folder, "pool.safetensors", of: [data], at: (0..<30).filter { $0 != 4 })
    let changes: [(inout SelectRun) -> Void] = [
      { _ in }, { $0.standardises = true }, { $0.explains = true }, { ($0.representation, $0.target) = ("loss", nil) },
      { ($0.algorithm, $0.group, $0.targetData) = ("best", .tags, [texts]) },
    ]
    func chosen(_ pool: [String]) throws -> [[SelectResult.Chosen]] {
      try changes.map { change in
        var run = SelectRun(target: target, pool: pool, poolData: [data], top: 9, out: folder.path("chosen.jsonl"))
        change(&run)
        return try run.run().chosen
      }
    }
    let whole = try chosen([pool])
    let shards = try cutIntoShards(pool)
    try cutIntoShards(target, 3)
    for pool in [[pool], [shards[2]], shards] { #expect(try chosen(pool) == whole) }
    try FileManager.default.removeItem(atPath: shards[1])
    #expect(message { _ = try chosen([pool]) }.contains("pool.2-of-4.safetensors is missing"))
    // The pattern's own name is read, too, and no output.
    let run = SelectRun(target: target, pool: shards, poolData: [data], top: 9, out: target)
    #expect(message { _ = try run.run() }.contains("is read by this run and cannot be its output too"))
  }

  @Test func readingLeavesSamplesOut() throws {
    let folder = try TemporaryFolder()
    let (target, _) = try Self.target(folder)
    let data = try Self.data(folder, "pool", 20) { $0 == 13 ? "2?" : "\($0)?" }
    let pool = try Self.pattern(folder, "pool.safetensors", of: [data], at: Array(0..<20)) { Self.levels($0 == 13 ? 2 : $0) }
    var run = SelectRun(target: target, pool: [pool], poolData: [data], top: 6, out: folder.path("chosen.jsonl"))
    let order = try Self.order(Array(0..<20)) { Self.levels($0 == 13 ? 2 : $0) }
    // Equal texts have equal levels, and the first comes first.
    let found = try run.run().chosen.map(\.index)
    #expect(found == Array(order.prefix(6)) && found.contains(2) && found.contains(13))
    run.reading.deduplicates = true
    #expect(try run.run().chosen.map(\.index) == Array(order.filter { $0 != 13 }.prefix(6)))
    run.reading = DataSettings([])
    run.reading.limit = 9
    #expect(try run.run().chosen.map(\.index) == Array(order.filter { $0 < 9 }.prefix(6)))
    run.reading = DataSettings([])
    run.reading.requiredTags = ["t1"]
    #expect(try run.run().chosen.map(\.index) == Array(order.filter { $0 % 2 == 1 }.prefix(6)))
    run.top = 11
    #expect(
      message { _ = try run.run() }.hasPrefix(
        "the pool has 20 samples (10 are left out by how its data is read), of which 10 can be chosen, and top is 11; lower it"))
    #expect(folder.names.contains("chosen.jsonl"))
    // The same data as another text.
    run.reading = DataSettings([])
    run.reading.template = folder.path("template.txt")
    try AtomicFile.write("Q: {{prompt}}", to: folder.url.appending(path: "template.txt"))
    let listener = Listener()
    _ = try run.run(listener.monitor)
    #expect(
      listener.notes.contains { $0.hasPrefix("warning: 11 of the chosen samples read otherwise than when they were measured (as pairs)") })
  }

  @Test func constantSamplesAreLikeNothing() throws {
    let folder = try TemporaryFolder()
    let (target, _) = try Self.target(folder)
    let data = try Self.data(folder, "pool", 5)
    let pool = try Self.pattern(folder, "pool.safetensors", of: [data], at: Array(0..<5)) {
      $0 == 1 ? Self.ramp.map { _ in 4 } : Self.levels($0)
    }
    var run = SelectRun(target: target, pool: [pool], poolData: [data], top: 4, out: folder.path("chosen.jsonl"))
    let listener = Listener()
    #expect(try !run.run(listener.monitor).chosen.map(\.index).contains(1))
    #expect(listener.notes.contains { $0.hasPrefix("1 samples have the same number everywhere") })
    run.top = 5
    #expect(message { _ = try run.run() }.contains("the pool has 5 samples (1 are like nothing), of which 4 can be chosen"))
  }

  @Test func groupsOfTheTargetTakeTurns() throws {
    let folder = try TemporaryFolder()
    let (target, targetData) = try Self.target(folder)
    let data = try Self.data(folder, "pool", 16)
    let pool = try Self.pattern(folder, "pool.safetensors", of: [data], at: Array(0..<16))
    var run = SelectRun(target: target, pool: [pool], poolData: [data], top: 6, out: folder.path("chosen.jsonl"))
    (run.algorithm, run.explains) = ("round-robin", true)
    let each = try run.run()
    #expect(each.targets == (0..<4).map { "sample \($0)" })
    #expect(each.chosen.map(\.target) == ["sample 0", "sample 1", "sample 2", "sample 3", "sample 0", "sample 1"])
    #expect(each.chosen.allSatisfy { $0.heads?.count == 5 })
    (run.targetData, run.group) = ([targetData], .tags)
    let tags = try run.run()
    #expect(tags.targets == ["t0", "t1"] && tags.chosen.map(\.target) == ["t0", "t1", "t0", "t1", "t0", "t1"])
    run.group = .task
    run.algorithm = "best"
    #expect(try run.run().targets == ["target"])
    // Of one group the best are those of the mean.
    run.targetData = [data]
    #expect(message { _ = try run.run() }.contains("target.safetensors was not measured on \(data) as it is now"))
  }

  // MARK: Other representations

  @Test func textsAloneCanBeChosenFrom() throws {
    let folder = try TemporaryFolder()
    let data = try Self.data(folder, "pool", 12, unanswered: [3]) { String(repeating: "x", count: $0 * 7 % 12 + 1) }
    let more = try Self.data(folder, "more", 4) { "apples \($0)" }
    let targetData = try Self.data(folder, "target", 2) { _ in "apples 3" }
    var run = SelectRun(poolData: [data, more], top: 3, out: folder.path("chosen.jsonl"))
    run.representation = "length"
    let longest = (0..<12).filter { $0 != 3 }.sorted { ($1 * 7 % 12, $0) < ($0 * 7 % 12, $1) }.prefix(3)
    #expect(try run.run().chosen.map(\.index) == Array(longest))
    run.representation = "random"
    let lots = try run.run().chosen
    #expect(try run.run().chosen == lots && !lots.contains { $0.index == 3 })
    run.seed = 7
    #expect(try run.run().chosen != lots)
    run.top = 15
    #expect(try Set(run.run().chosen.map(\.index)) == Set(0..<16).subtracting([3]))
    (run.representation, run.seed, run.top, run.targetData) = ("bm25", nil, 1, [targetData])
    let found = try run.run()
    #expect(found.chosen.map(\.id) == ["more-3"] && found.chosen[0].index == 15 && found.target == [targetData])
    run.algorithm = "round-robin"
    #expect(try run.run().chosen.map(\.target) == ["sample 0"])
    (run.representation, run.algorithm, run.targetData) = ("length", "mean", [])
    run.top = 16
    #expect(message { _ = try run.run() }.contains("the pool has 15 samples, of which 15 can be chosen, and top is 16"))
  }

  @Test func filesOfRepresentAreChosenFrom() throws {
    let folder = try TemporaryFolder()
    let data = try Self.data(folder, "pool", 6)
    let fingerprint = try Dataset(at: [URL(filePath: data)]).fingerprint()
    func write(_ kind: RepresentationFile.Kind, _ name: String, _ rows: [[Float]], data fingerprint: String?, index: [Int64]) throws
      -> String
    {
      let writer = RepresentationWriter(
        kind, provenance: Provenance(modelFingerprint: "f", dataFingerprint: fingerprint), width: rows[0].count, index: index,
        ids: index.map(String.init), contents: index.map { _ in 1 })
      try writer.write(to: folder.url.appending(path: name)) { _, sink in
        for row in rows { try row.withUnsafeBytes { try sink.write($0) } }
      }
      return folder.path(name)
    }
    let losses = try write(.loss, "l.safetensors", [[0.5], [3], [1]], data: fingerprint, index: [1, 3, 5])
    var run = SelectRun(pool: [losses], poolData: [data], top: 2, out: folder.path("chosen.jsonl"))
    run.representation = "loss"
    #expect(try run.run().chosen.map(\.index) == [3, 5])
    run.target = try write(.embedding, "t.safetensors", [[1, 0], [0, 1]], data: "other", index: [0, 1])
    run.pool = [try write(.embedding, "e.safetensors", [[1, 0.1], [2, 2], [-1, 0]], data: fingerprint, index: [0, 2, 4])]
    run.representation = "embedding"
    let found = try run.run()
    #expect(found.chosen.map(\.index) == [2, 0] && found.score == nil && abs(found.chosen[0].score - 1) < 1e-12)
    run.algorithm = "round-robin"
    #expect(try run.run().chosen.map(\.index) == [0, 2])
    #expect(try run.run().chosen.map(\.target) == ["sample 0", "sample 1"])
    run.representation = "loss"
    #expect(message { _ = try run.run() }.contains("looks at no target"))
  }

  // MARK: Settings

  @Test func settingsWithoutEffectAreRefused() throws {
    func refusal(_ representation: String, _ change: (inout SelectRun) -> Void = { _ in }) -> String {
      var run = SelectRun(target: "t", pool: ["p"], poolData: ["d"], top: 1, out: "o.jsonl")
      run.representation = representation
      change(&run)
      return message { try run.validate() }
    }
    #expect(refusal("pattern") == "no error")
    #expect(refusal("patterns") == "representation takes one of pattern, gradient, embedding, loss, bm25, length, random, not 'patterns'")
    #expect(refusal("pattern") { $0.algorithm = "worst" } == "algorithm takes one of mean, round-robin, best, not 'worst'")
    #expect(refusal("pattern") { $0.top = 0 } == "top takes a number from 1 on, not 0")
    #expect(refusal("pattern") { $0.poolData = [] } == "pool_data takes the pool's data files; name at least one")
    #expect(refusal("pattern") { $0.pool = [] } == "representation pattern compares files; name the pool's by pool")
    #expect(refusal("embedding") { $0.target = nil } == "representation embedding needs a target; name its file by target")
    #expect(
      refusal("embedding") { $0.score = .signed }.hasPrefix("score is for attention patterns and has no effect on representation embedding")
    )
    #expect(refusal("gradient") { $0.standardises = true }.hasPrefix("standardise is for the representations pattern and embedding"))
    #expect(refusal("gradient") { $0.explains = true }.hasPrefix("explain is for attention patterns"))
    #expect(refusal("pattern") { $0.seed = 1 }.hasPrefix("seed has no effect on representation pattern"))
    #expect(refusal("loss") == "representation loss looks at no target; leave target out")
    #expect(refusal("length") == "representation length looks at texts alone; leave target out")
    #expect(refusal("length") { $0.target = nil } == "representation length looks at texts alone; leave pool out")
    #expect(
      refusal("random") { ($0.target, $0.pool, $0.algorithm) = (nil, [], "best") }.contains(
        "there is nothing for algorithm best to tell apart"))
    #expect(refusal("bm25") { ($0.target, $0.pool) = (nil, []) } == "representation bm25 needs a target's texts; name them by target_data")
    #expect(refusal("pattern") { $0.group = .tags }.contains("give algorithm round-robin or algorithm best"))
    #expect(
      refusal("pattern") { ($0.group, $0.algorithm) = (.tags, "best") } == "group tags reads the target's texts; name them by target_data")
    #expect(refusal("pattern") { $0.targetData = ["t"] }.hasPrefix("target_data has no effect on representation pattern without group"))
    #expect(refusal("pattern") { $0.targetFormat = "pairs" }.hasPrefix("target_format has no effect without target_data"))
    #expect(refusal("pattern") { $0.reading.minimumTokens = 3 }.hasPrefix("min_tokens needs a model"))
  }

  @Test func anInputIsNoOutput() throws {
    let folder = try TemporaryFolder()
    let (target, _) = try Self.target(folder)
    let data = try Self.data(folder, "pool", 5)
    let pool = try Self.pattern(folder, "pool.safetensors", of: [data], at: [0, 1, 2])
    for out in [data, pool, target] {
      var run = SelectRun(target: target, pool: [pool], poolData: [data], top: 1, out: out)
      run.overwrite = true
      #expect(throws: OutputError.self) { try run.run() }
    }
  }

  @Test func aRecordChoosesTheSameAgain() throws {
    let folder = try TemporaryFolder()
    let (target, targetData) = try Self.target(folder)
    let data = try Self.data(folder, "pool", 14)
    let pool = try Self.pattern(folder, "pool.safetensors", of: [data], at: Array(1..<14))
    var run = SelectRun(target: target, pool: [pool], poolData: [data], top: 5, out: folder.path("chosen.jsonl"))
    (run.algorithm, run.group, run.targetData, run.targetFormat) = ("best", .tags, [targetData], "pairs")
    (run.score, run.standardises, run.explains, run.reading.format, run.reading.deduplicates) = (.magnitude, true, true, "pairs", true)
    let result = try run.runRecording()
    let bytes = try folder.data("chosen.jsonl")
    let record = folder.url.appending(path: "chosen.run.yaml")
    let text = try String(contentsOf: record, encoding: .utf8)
    #expect(text.contains("pool_data:\n  - pool.jsonl") && !text.contains("\n  data:"))
    let back = try #require(try RunRecord.run(from: record) as? SelectRun)
    #expect(back.algorithm == "best" && back.group == .tags && back.targetFormat == "pairs" && back.standardises && back.explains)
    #expect(back.reading.format == "pairs" && back.reading.deduplicates && back.score == .magnitude && back.top == 5)
    #expect(try back.run().chosen == result.chosen && folder.data("chosen.jsonl") == bytes)
    let other = try #require(try RunRecord.run(from: record, changing: ["top=3", "group=task"]) as? SelectRun)
    #expect(try other.run().chosen.count == 3)
    #expect(throws: (any Error).self) { try RunRecord.run(from: record, changing: ["grup=task"]) }
  }

  // MARK: On a page

  @Test func aReportShowsWhatWasChosenAndMixed() throws {
    let folder = try TemporaryFolder()
    let (target, _) = try Self.target(folder)
    let data = try [("a", 11), ("b", 19)].map { try Self.data(folder, $0.0, $0.1) }
    let pool = try Self.pattern(folder, "pool.safetensors", of: data, at: Array(0..<30))
    let shown = folder.url.appending(path: "shown", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: shown, withIntermediateDirectories: true)
    var run = SelectRun(target: target, pool: [pool], poolData: data, top: 25, out: folder.path("shown/chosen.jsonl"))
    run.explains = true
    let result = try run.run()
    #expect(result.chosen.allSatisfy { $0.file == ($0.index < 11 ? "a.jsonl" : "b.jsonl") || $0.file == data[$0.index < 11 ? 0 : 1] })
    let whole = try (0..<2).map { try Self.pattern(folder, "\($0).safetensors", of: [data[$0]], at: Array(0..<[11, 19][$0])) }
    var mix = MixRun(fit: nil, tasks: [TaskFile(data[0]), TaskFile(data[1])], total: 8, out: folder.path("shown/mixed.jsonl"))
    (mix.shares, mix.within) = (.equal, target)
    mix.pool = [PatternSource(whole[0], name: "a"), PatternSource(whole[1], name: "b")]
    let mixture = try mix.run()
    #expect(mixture.tasks.allSatisfy { ($0.likeness?.least ?? 2) <= ($0.likeness?.greatest ?? -2) })
    let report = try ReportRun(folder: shown.path(percentEncoded: false)).run()
    #expect(report.numbers == ["report/mixture-1.csv", "report/chosen-1.csv"])
    let html = try String(contentsOf: shown.appending(path: "report.html"), encoding: .utf8)
    let count = result.chosen.count { $0.index < 11 }
    for part in [
      "Chosen samples: chosen", "25 of 30 samples chosen for target.safetensors by pattern, magnitude, picked by mean",
      "Where they come from",
      "heads that agree most", "The first 20", "Mixture: mixed", "8 samples of 2 tasks, in equal shares",
      "<td class=\"text short\">a.jsonl</td>",
      "most like target.safetensors",
    ] { #expect(html.contains(part), "\(part)") }
    let lines = try String(contentsOf: shown.appending(path: "report/chosen-1.csv"), encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 26 && lines.dropFirst().count { $0.contains("a.jsonl") } == count)
  }

  // MARK: Mixtures

  @Test func aMixtureTakesTheMostAlikeOfEachTask() throws {
    let folder = try TemporaryFolder()
    let (target, _) = try Self.target(folder)
    let data = try (Self.data(folder, "gsm8k", 20, unanswered: [2]), Self.data(folder, "code", 10))
    let measured = ((0..<20).filter { $0 != 2 && $0 != 5 }, Array(0..<10))
    let pools = try (
      Self.pattern(folder, "g.safetensors", of: [data.0], at: measured.0),
      Self.pattern(folder, "c.safetensors", of: [data.1], at: measured.1) { Self.levels($0, seed: 33) }
    )
    try AtomicFile.write(
      #"{"target": "sgsm", "names": ["code", "gsm8k"], "coefficients": {"code": 0.25, "gsm8k": 0.75}, "r2": 0.9, "condition_number": 1, "subsets": []}"#,
      to: folder.url.appending(path: "fit.json"))
    var run = MixRun(fit: folder.path("fit.json"), tasks: [TaskFile(data.0), TaskFile(data.1)], total: 12, out: folder.path("mix.jsonl"))
    run.within = target
    run.pool = [PatternSource(pools.0, name: "gsm8k"), PatternSource(pools.1, name: "code")]
    let result = try run.runRecording()
    #expect(result.tasks.map(\.name) == ["gsm8k", "code"] && result.tasks.map(\.count) == [9, 3] && result.within == target)
    #expect(try result.tasks[0].drawn == Self.order(measured.0).prefix(9).sorted())
    // The range of what the first nine of an order by likeness have.
    let select = SelectRun(target: target, pool: [pools.0], poolData: [data.0], top: 9, out: folder.path("same.jsonl"))
    let same = try select.run().chosen.map(\.score)
    #expect(result.tasks[0].likeness == MixResult.Likeness(least: same[8], greatest: same[0]))
    #expect(try result.tasks[1].drawn == Self.order(measured.1) { Self.levels($0, seed: 33) }.prefix(3).sorted())
    let written = try Dataset(at: [URL(filePath: run.out)]).readAll()
    #expect(written.map(\.id) == result.tasks[0].drawn.map { "gsm8k-\($0)" } + result.tasks[1].drawn.map { "code-\($0)" })
    let bytes = try folder.data("mix.jsonl")
    let back = try #require(try RunRecord.run(from: folder.url.appending(path: "mix.run.yaml")) as? MixRun)
    #expect(back.pool.map(\.name) == ["gsm8k", "code"])
    #expect(try back.run().tasks == result.tasks && folder.data("mix.jsonl") == bytes)

    // Patterns in shards are the patterns.
    for file in [pools.0, target] { try cutIntoShards(file) }
    #expect(try run.run().tasks == result.tasks)

    // Chance has no say; what was not measured is not taken.
    run.seed = 99
    #expect(try run.run().tasks.map(\.drawn) == result.tasks.map(\.drawn))
    run.total = 25
    #expect(message { _ = try run.run() }.hasPrefix("gsm8k has 18 samples and its share is 19"))
    run.repeats = true
    let twice = try run.run().tasks[0].drawn
    #expect(twice.count == 19 && Set(twice) == Set(measured.0))
    run.total = 12
    run.pool.removeLast()
    #expect(message { _ = try run.run() }.hasPrefix("no patterns of code are named"))
    run.pool.append(PatternSource(pools.0, name: "code"))
    #expect(message { _ = try run.run() }.contains("g.safetensors was not measured on \(data.1) as it is now"))
    run.pool[1] = PatternSource(pools.1, name: "cod")
    #expect(
      message { _ = try run.run() }.contains("is called 'cod', and the fit has no task of this name")
        || message { _ = try run.run() }.hasPrefix("no patterns of code"))
    run.within = nil
    #expect(message { _ = try run.run() } == "pool has no effect without within; leave it out")
    (run.within, run.pool) = (target, [])
    #expect(message { _ = try run.run() }.hasPrefix("within compares the tasks' patterns"))
  }
}
