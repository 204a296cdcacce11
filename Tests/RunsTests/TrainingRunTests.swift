import CheckpointFiles
import FineTuning
import Foundation
import Ground
import LanguageModels
import Runs
import Testing

/// Fine-tuning and merging as runs, without the program.
struct TrainingRunTests {
  /// A short training of the example's model into a folder of its own.
  private func training(_ files: PatternFiles, _ name: String = "tuned") -> TrainingRun {
    var run = TrainingRun(model: Examples.model, data: [Examples.problems], out: files.path(name))
    run.model.elementType = .float32
    run.model.threads = 1
    run.data.limit = 8
    run.training.batchSize = 2
    run.training.gradientAccumulation = 1
    run.training.epochs = nil
    run.training.steps = 3
    run.training.learningRate = 1e-4
    return run
  }

  @Test func aTrainingIsTrackedEvaluatedAndComesBackFromJSON() throws {
    let files = try PatternFiles()
    var run = training(files)
    (run.track, run.trackLimit) = (Examples.problems, 3)
    (run.evaluationData, run.evaluationLimit) = (Examples.problems, 3)
    let telling = Telling()
    let result = try run.run(telling.monitor)
    #expect(result.steps == 3 && result.samples == 6 && result.losses.count == 3 && result.savedAs == "bfloat16")
    #expect(result.loss?.basis == .evaluation)
    #expect(telling.notes.contains { $0.hasPrefix("memory: about") && $0.contains("tracked patterns") })
    #expect(try again(result) == result)
    let folder = TrainingFolder(URL(filePath: run.out))
    #expect(try JSONDecoder().decode(TrainingResult.self, from: Data(contentsOf: folder.summary)) == result)
    // Step 0 is the base model; intervals that were left out are ten updates, and the last step is always measured.
    let lines = try StepMetrics.read(from: folder.metrics)
    #expect(lines.map(\.step) == [0, 1, 2, 3])
    #expect(lines.filter { $0.correlation != nil }.map(\.step) == [0, 3])
    #expect(FileManager.default.fileExists(atPath: folder.picture(.correlation).path(percentEncoded: false)))
    _ = try LanguageModel(ModelFolder(named: run.out))
  }

  @Test func aStoppedTrainingGoesOnToTheSameWeights() throws {
    let files = try PatternFiles()
    let whole = training(files, "whole")
    _ = try whole.run()
    var run = training(files, "stopped")
    let stopped = #expect(throws: RunStopped.self) { try run.run(RunMonitor(shouldStop: { true })) }
    #expect(stopped == RunStopped(canResume: true, step: 1))
    run.resume = true
    run.training.learningRate = 2e-4
    let other = #expect(throws: TrainingError.self) { try run.run() }
    #expect(other?.description.contains("lr: 0.0001 → 0.0002") == true)
    run.training.learningRate = 1e-4
    let result = try run.run()
    #expect(result.steps == 3)
    #expect(try weights(run.out) == weights(whole.out))
  }

  private func weights(_ folder: String) throws -> Data {
    try Data(contentsOf: URL(filePath: folder).appending(path: "model.safetensors"))
  }

  @Test func aTrainingAndItsMergeAreRepeatedFromTheirRecords() throws {
    let files = try PatternFiles()
    var run = training(files, "adapter")
    run.training.lowRank = LowRankSettings(rank: 2)
    (run.track, run.trackLimit) = (Examples.problems, 3)
    _ = try run.runRecording()
    let record = try #require(run.record)
    let text = try String(contentsOf: record, encoding: .utf8)
    // Resolved, and with paths as seen from the record.
    for part in [
      "command: sft", "track_every: 10", "noise_floor: 4", "out: ..\n", "probe_fingerprint: \"", "lora_rank: \"2\"", "seconds: ",
    ] {
      #expect(text.contains(part), "\(part): \(text)")
    }
    let repeated = try RunRecord.run(from: record, changing: ["out=\(files.path("again"))"])
    _ = try (repeated as? TrainingRun)?.runRecording()
    func adapter(_ folder: String) throws -> Data {
      try Data(contentsOf: URL(filePath: folder).appending(path: "adapter_model.safetensors"))
    }
    #expect(try adapter(files.path("again")) == adapter(run.out))
    func metrics(_ folder: String) throws -> [StepMetrics] {
      try StepMetrics.read(from: TrainingFolder(URL(filePath: folder)).metrics).map { line in
        var line = line
        line.tokensPerSecond = nil
        return line
      }
    }
    #expect(try metrics(files.path("again")) == metrics(run.out))

    let merge = MergeRun(adapter: run.out, out: files.path("merged"))
    _ = try merge.runRecording()
    let again = try RunRecord.run(from: #require(merge.record), changing: ["out=\(files.path("merged-again"))"])
    _ = try (again as? MergeRun)?.runRecording()
    #expect(try weights(files.path("merged-again")) == weights(merge.out))
  }

  @Test func aRunIsKnownByItsRecord() throws {
    let files = try PatternFiles()
    var run = training(files)
    #expect(throws: RunStopped.self) { try run.run(RunMonitor(shouldStop: { true })) }
    // It is there from the beginning, and names what a resume must find again even where no checkpoint was written.
    let folder = TrainingFolder(URL(filePath: run.out))
    #expect(try !String(contentsOf: folder.record, encoding: .utf8).contains("seconds:"))
    try FileManager.default.removeItem(at: folder.checkpoints)
    run.resume = true
    run.data.limit = 6
    let other = #expect(throws: TrainingError.self) { try run.run() }
    #expect(other?.description.contains("data fingerprint: ") == true)
    // A run of an earlier version is told as one.
    try FileManager.default.moveItem(at: folder.record, to: folder.earlierSettings)
    let early = #expect(throws: RunError.self) { try run.run() }
    #expect(early?.description.contains("an earlier version") == true)
    (run.resume, run.overwrite) = (false, true)
    _ = try run.run()
    #expect(!FileManager.default.fileExists(atPath: folder.earlierSettings.path(percentEncoded: false)))
  }

  @Test func adaptersAreMerged() throws {
    let files = try PatternFiles()
    var run = training(files, "adapter")
    run.training.lowRank = LowRankSettings(rank: 2)
    #expect(try run.run().changedShare == nil)
    var merge = MergeRun(adapter: run.out, out: files.path("merged"))
    merge.savedType = .float32
    #expect(try again(merge).savedType == .float32)
    let result = try merge.run()
    #expect(result.layers > 0 && result.savedAs == "float32" && result.base.contains("Examples/model"))
    #expect(try again(result) == result)
    _ = try LanguageModel(ModelFolder(named: merge.out))
    let error = #expect(throws: RunError.self) { try MergeRun(adapter: Examples.model, out: files.path("x")).run() }
    #expect(error?.description.contains("holds no adapters") == true)
  }

  @Test func settingsComeBackFromRecords() throws {
    var run = TrainingRun(model: "owner/name", data: ["a.jsonl", "b.jsonl"], out: "tuned")
    #expect(try JSONEncoder().encode(again(run)).count == JSONEncoder().encode(run).count)
    run.training.lowRank = LowRankSettings(rank: 8)
    run.training.trackingInterval = 3
    (run.track, run.trackFormat, run.trackLimit) = ("t.jsonl", "gsm8k", 5)
    (run.evaluationData, run.evaluationFormat, run.evaluationLimit) = ("e.jsonl", "gsm8k", 6)
    run.savedType = .bfloat16
    run.ignoreMemory = true
    let back = try again(run)
    #expect(back.training == run.training && back.model == run.model && back.data == run.data && back.savedType == .bfloat16)
    #expect(back.track == "t.jsonl" && back.trackFormat == "gsm8k" && back.trackLimit == 5 && back.ignoreMemory)
    #expect(back.evaluationData == "e.jsonl" && back.evaluationFormat == "gsm8k" && back.evaluationLimit == 6)
    // Every key is an option's name.
    let keys = try #require(JSONSerialization.jsonObject(with: JSONEncoder().encode(run)) as? [String: Any]).keys
    for key in ["lr", "lora_rank", "track_every", "eval_data", "save_dtype", "max_length", "ignore_memory"] {
      #expect(keys.contains(key), "\(key)")
    }
    let moved = run.mappingPaths { "../\($0)" }
    #expect(moved.out == "../tuned" && moved.track == "../t.jsonl" && moved.model.model == "owner/name")
  }

  @Test func settingsThatMakeNoSenseAreNamed() throws {
    func message(_ change: (inout TrainingRun) -> Void) -> String? {
      var run = TrainingRun(model: "m", data: ["d"], out: "o")
      change(&run)
      do { try run.validate() } catch { return "\(error)" }
      return nil
    }
    #expect(message { _ in } == nil)
    let wrong: [(String, (inout TrainingRun) -> Void)] = [
      ("batch_size takes a number from 1 on, not 0", { $0.training.batchSize = 0 }),
      ("epochs and steps both say how long", { $0.training.steps = 4 }),
      ("lr takes a number of at least 0", { $0.training.learningRate = .nan }),
      ("beta2 takes a number from 0 to below 1", { $0.training.optimizer.beta2 = 1 }),
      ("optimizer takes one of adamw, not 'sgd'", { $0.training.optimizer.name = "sgd" }),
      ("lora_dropout takes", { $0.training.lowRank = LowRankSettings(rank: 1, dropout: 1) }),
      ("lora_targets names no layer", { $0.training.lowRank = LowRankSettings(rank: 1, targets: []) }),
      ("track_every has no effect without track", { $0.training.trackingInterval = 5 }),
      ("patience has no effect without eval_data", { $0.training.patience = 5 }),
      ("resume continues a run", { ($0.resume, $0.overwrite) = (true, true) }),
      ("save_dtype takes float32 or bfloat16, not float16", { $0.savedType = .float16 }),
      ("track_format takes one of", { ($0.track, $0.trackFormat) = ("t", "nothing") }),
      ("noise_floor belongs to", { ($0.training.recordsWindows, $0.training.noiseFloorWindows) = (false, 2) }),
    ]
    for (part, change) in wrong { #expect(message(change)?.contains(part) == true, "\(part): \(message(change) ?? "nothing")") }
  }
}
