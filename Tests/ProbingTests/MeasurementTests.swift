import CheckpointFiles
import ActivationPatterns
import Foundation
import Goldens
import Ground
import LanguageModels
import Probing
import Testing
import Torch

@Suite struct MeasurementTests {
  private func temporary() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(path: "measurement-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder.appending(path: "pattern.safetensors")
  }

  /// - Parameter threads: one, so that batches are measured, and the run asked whether to stop, one after another.
  private func measurement(threads: Int = 1) throws -> (PatternMeasurement, [TokenizedSample]) {
    try Engine.setThreads(threads)
    let golden = try Golden("llama-grouped-tied")
    let probe = Probe(try golden.model(.float32).decoder, scores: Score.allCases)
    return (PatternMeasurement(probe, batchTokens: 16), golden.samples)
  }

  /// Stopped after every possible number of batches, and with its last record cut off, a run ends with the same numbers.
  @Test func aResumedRunEndsWithTheSameNumbers() throws {
    let (measurement, samples) = try measurement()
    let whole = try measurement.run(samples).samples
    for stop in 0..<4 {
      for cut in [0, 1, 9] {
        let output = try temporary()
        var batches = 0
        #expect(throws: PatternMeasurement.Stopped.self) {
          try measurement.run(
            samples, journalOutput: output, identity: identity("1", "2"),
            shouldStop: {
              batches += 1
              return batches > stop
            })
        }
        let journal = output.appendingPathExtension("journal")
        #expect(OutputKind.journal.isOwn(journal))
        let data = try Data(contentsOf: journal)
        if stop > 0 { try data.dropLast(cut).write(to: journal) }
        let resumed = try measurement.run(samples, journalOutput: output, identity: identity("1", "2"), resume: true)
        #expect(resumed.samples == whole)
        #expect(stop == 0 || cut > 0 || resumed.measuredTokens < resumed.tokens)
      }
    }
  }

  /// Batches of a small model are measured side by side, each on one thread: the same bits at any number of threads, stopped and gone on with or not.
  @Test func theNumberOfThreadsChangesNothing() throws {
    let (one, samples) = try measurement()
    let expected = try one.run(samples).samples
    for threads in [2, 3] {
      let (several, _) = try measurement(threads: threads)
      #expect(several.probe.decoder.batchLanes(batchTokens: 16, passes: 2).count(bytes: 1000) == threads)
      #expect(try several.run(samples).samples == expected)
      let output = try temporary()
      var asked = 0
      let stopped = Result {
        try several.run(
          samples, journalOutput: output,
          shouldStop: {
            asked += 1
            return asked > 4
          })
      }
      if case .success(let whole) = stopped {
        #expect(whole.samples == expected)
      } else {
        #expect(try one.run(samples, journalOutput: output, resume: true).samples == expected)
      }
    }
    try Engine.setThreads(1)
  }

  /// Weights that were laid out once, where a type's products read such, change no bit of a measurement long enough for them.
  @Test(arguments: [ElementType.float32, .bfloat16]) func laidOutWeightsChangeNothing(type: ElementType) throws {
    let golden = try Golden("llama-grouped-tied")
    let tokens = golden.samples.reduce(0) { $0 + $1.tokens.count }
    let samples = (0...8192 / tokens).flatMap { _ in golden.samples }
    func measured(laysOutWeights: Bool) throws -> [MeasuredSample] {
      var measurement = PatternMeasurement(Probe(try golden.model(type).decoder, scores: Score.allCases), batchTokens: 512)
      measurement.laysOutWeights = laysOutWeights
      return try measurement.run(samples).samples
    }
    #expect(try measured(laysOutWeights: true) == measured(laysOutWeights: false))
  }

  /// A journal of other batches, such as another device's, is made anew from where the batches differ: no sample is left out.
  @Test(arguments: [1, 9, 24, 40, 1000]) func aJournalOfOtherBatchesLeavesNothingOut(batchTokens: Int) throws {
    let (measurement, samples) = try measurement()
    let whole = try measurement.run(samples).samples
    for stop in 1..<5 {
      let output = try temporary()
      var batches = 0
      let other = PatternMeasurement(measurement.probe, batchTokens: batchTokens)
      _ = Result {
        try other.run(
          samples, journalOutput: output,
          shouldStop: {
            batches += 1
            return batches > stop
          })
      }
      let resumed = try measurement.run(samples, journalOutput: output, resume: true).samples
      #expect(resumed.map(\.index) == whole.map(\.index))
    }
  }

  /// Levels that stay in the journal are those in memory, also where a run was stopped in between, and when the journal is deleted.
  @Test func levelsStayInTheJournal() throws {
    let (measurement, samples) = try measurement()
    let whole = try measurement.run(samples).samples
    for stop in 0..<4 {
      let output = try temporary()
      var batches = 0
      let first = Result {
        try measurement.runKeepingJournal(
          samples, journalOutput: output,
          shouldStop: {
            batches += 1
            return batches > stop
          })
      }
      #expect(throws: PatternMeasurement.Stopped.self) { try first.get() }
      let kept = try measurement.runKeepingJournal(samples, journalOutput: output, resume: true)
      PatternMeasurement.removeJournal(beside: output)
      #expect(kept.index == whole.map(\.index) && kept.losses == whole.map(\.loss))
      for score in Score.allCases {
        let levels = try #require(kept.levels[score])
        #expect(try (0..<levels.sampleCount).map { try levels.row($0) } == whole.map { $0.levels[score] ?? [] })
      }
    }
  }

  /// The shards of any number of runs are, one after another, what one run finds: to the bit, with samples without a label among them, and where more
  /// shards are asked for than there are batches.
  @Test(arguments: [PatternMeasurement.Loss.sample, .batch(3)], [1, 16, 1000])
  func shardsTogetherAreOneRun(loss: PatternMeasurement.Loss, batchTokens: Int) throws {
    let (base, golden) = try measurement()
    let measurement = PatternMeasurement(base.probe, loss: loss, batchTokens: batchTokens)
    var samples = golden
    for place in [0, 2, samples.count + 1] {
      samples.insert(TokenizedSample(tokens: [1, 2, 3], isLabel: [false, false, false]), at: min(place, samples.count))
    }
    for place in samples.indices { samples[place].index = 2 * place }
    let whole = try measurement.run(samples)
    for count in 1...7 {
      var (index, losses, tokens, end) = ([Int](), [Float](), 0, 0)
      var rows: [Score: [[Float]]] = [:]
      for number in 1...count {
        var last: PatternMeasurement.Progress?
        let found = try measurement.runKeepingJournal(
          samples, shard: PatternShard(number, of: count), journalOutput: temporary(), progress: { last = $0 })
        #expect(found.places.lowerBound == end)
        end = found.places.upperBound
        #expect(found.index == samples[found.places].filter { $0.labelCount > 0 }.map(\.index))
        #expect(
          last.map { $0.samples == $0.totalSamples && $0.tokens == $0.totalTokens && $0.tokens == found.tokens } ?? (found.tokens == 0))
        index += found.index
        losses += found.losses
        tokens += found.tokens
        for score in Score.allCases {
          let levels = try #require(found.levels[score])
          rows[score, default: []] += try (0..<levels.sampleCount).map { try levels.row($0) }
        }
      }
      #expect(end == samples.count && tokens == whole.tokens)
      #expect(index == whole.samples.map(\.index) && losses == whole.samples.map(\.loss))
      for score in Score.allCases { #expect(rows[score] == whole.samples.map { $0.levels[score] ?? [] }) }
    }
  }

  /// A shard that was stopped goes on with its own journal.
  @Test func aShardIsResumed() throws {
    let (measurement, samples) = try measurement()
    let shard = PatternShard(2, of: 2)
    let whole = try measurement.runKeepingJournal(samples, shard: shard, journalOutput: temporary())
    let output = try temporary()
    var batches = 0
    #expect(throws: PatternMeasurement.Stopped.self) {
      try measurement.runKeepingJournal(
        samples, shard: shard, journalOutput: output,
        shouldStop: {
          batches += 1
          return batches > 1
        })
    }
    let resumed = try measurement.runKeepingJournal(samples, shard: shard, journalOutput: output, resume: true)
    #expect(
      resumed.index == whole.index && resumed.losses == whole.losses && resumed.tokens == whole.tokens && resumed.places == whole.places)
    #expect(resumed.measuredTokens < whole.measuredTokens && resumed.measuredTokens > 0)
    for score in Score.allCases {
      let (one, other) = (try #require(resumed.levels[score]), try #require(whole.levels[score]))
      #expect(try (0..<one.sampleCount).map { try one.row($0) } == (0..<other.sampleCount).map { try other.row($0) })
    }
  }

  @Test func otherSettingsAreNamed() throws {
    let (measurement, samples) = try measurement()
    let output = try temporary()
    _ = try measurement.run(samples, journalOutput: output, identity: identity("1", "2"))
    let error = #expect(throws: (any Error).self) {
      try measurement.run(samples, journalOutput: output, identity: identity("1", "3"), resume: true)
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("b: 2 → 3"))
    // Values of any text stay apart: no character of theirs ends one.
    let odd = try temporary()
    _ = try measurement.run(samples, journalOutput: odd, identity: identity("1\tb=2\n", "\""))
    _ = try measurement.run(samples, journalOutput: odd, identity: identity("1\tb=2\n", "\""), resume: true)
  }

  /// Earlier versions began a journal with settings joined by tabs.
  @Test func aJournalOfAnotherVersionIsTold() throws {
    let (measurement, samples) = try measurement()
    let output = try temporary()
    let journal = output.appendingPathExtension("journal")
    try Data("headway journal\tmodel=m\tformat=gsm8k\n".utf8).write(to: journal)
    let error = #expect(throws: JournalError.self) {
      try measurement.run(samples, journalOutput: output, identity: identity("1", "2"), resume: true)
    }
    #expect(error?.description.contains("another version of Headway began") == true)
    _ = try measurement.run(samples, journalOutput: output, identity: identity("1", "2"), overwrites: true)
    #expect(try measurement.run(samples, journalOutput: output, identity: identity("1", "2"), resume: true).measuredTokens == 0)
  }

  /// An identity of facts `a`, `b`, ….
  private func identity(_ values: String...) -> RunIdentity {
    var identity = RunIdentity()
    for (name, value) in zip(["a", "b"], values) { identity[name] = value }
    return identity
  }

  @Test func damagedJournalsAreRefusedOrMeasuredAgain() throws {
    let (measurement, samples) = try measurement()
    let whole = try measurement.run(samples).samples
    let output = try temporary()
    _ = try measurement.run(samples, journalOutput: output, identity: identity("1", "2"))
    let journal = output.appendingPathExtension("journal")
    let data = try Data(contentsOf: journal)
    // Behind the line of the identity: a damaged record and all after it are measured again.
    let records = try #require(data.firstIndex(of: 10)) + 1
    #expect(PatternMeasurement.journal(beside: output) == journal)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<40 {
      var damaged = data
      let place = Int.random(in: records..<data.count, using: &generator)
      damaged[damaged.startIndex + place] ^= UInt8.random(in: 1...255, using: &generator)
      try damaged.write(to: journal)
      #expect(try measurement.run(samples, journalOutput: output, identity: identity("1", "2"), resume: true).samples == whole)
    }
    try Data("no line break".utf8).write(to: journal)
    #expect(throws: (any Error).self) { try measurement.run(samples, journalOutput: output, identity: identity("1", "2"), resume: true) }
  }

  /// Without leave to continue it or to throw it away, a journal is kept.
  @Test func aForgottenResumeKeepsTheJournal() throws {
    let (measurement, samples) = try measurement()
    let output = try temporary()
    let journal = output.appendingPathExtension("journal")
    _ = try measurement.run(samples, journalOutput: output, identity: identity("1", "2"))
    let data = try Data(contentsOf: journal)
    let error = #expect(throws: JournalError.self) { try measurement.run(samples, journalOutput: output, identity: identity("1", "2")) }
    let text = try #require(error?.description)
    #expect(text.contains(journal.lastPathComponent) && text.contains("resume") && text.contains("overwrite"), "\(text)")
    #expect(try Data(contentsOf: journal) == data)
    _ = try measurement.run(samples, journalOutput: output, identity: identity("2"), overwrites: true)
    #expect(try Data(contentsOf: journal) != data)
    PatternMeasurement.removeJournal(beside: output)
    #expect(!FileManager.default.fileExists(atPath: journal.path(percentEncoded: false)))
  }

  /// A file that only has a journal's name is nobody's to take.
  @Test func anotherFileOfAJournalsNameIsKept() throws {
    let (measurement, samples) = try measurement()
    let output = try temporary()
    let journal = output.appendingPathExtension("journal")
    try Data("Dear diary\n".utf8).write(to: journal)
    for (resume, overwrites) in [(false, false), (true, false), (false, true)] {
      #expect(throws: JournalError.self) {
        try measurement.run(samples, journalOutput: output, identity: identity("1", "2"), resume: resume, overwrites: overwrites)
      }
    }
    PatternMeasurement.removeJournal(beside: output)
    #expect(try String(contentsOf: journal, encoding: .utf8) == "Dear diary\n")
  }

  /// What is added to a journal that is gone would be lost.
  @Test func aFolderThatVanishesEndsTheRun() throws {
    let (measurement, samples) = try measurement()
    let output = try temporary()
    var batches = 0
    let error = #expect(throws: FileError.self) {
      try measurement.run(
        samples, journalOutput: output, identity: identity("1", "2"),
        progress: { _ in
          batches += 1
          if batches == 2 { try? FileManager.default.removeItem(at: output.deletingLastPathComponent()) }
        })
    }
    #expect(try #require(error?.description).contains("moved or deleted") && batches == 2)
  }

  @Test func losses() {
    #expect(PatternMeasurement.Loss("sample") == .sample)
    #expect(PatternMeasurement.Loss("batch:4") == .batch(4))
    for wrong in ["", "batch", "batch:", "batch:0", "batch:-1", "batch:x", "Sample"] { #expect(PatternMeasurement.Loss(wrong) == nil) }
  }
}
