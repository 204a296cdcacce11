import CheckpointFiles
import Evaluation
import FineTuning
import Foundation
import Ground
import LanguageModels
import Probing
import Runs
import Testing
import Tokenizers

/// Benchmarks from files to figures, on questions written for these tests.
@Suite struct EvaluationRunTests {
  private static let science = [
    ("Which of these floats on water?", ["a cork", "a stone", "a nail", "a coin"], 0),
    ("What do plants need to grow?", ["darkness", "light", "salt", "smoke"], 1),
    ("Which animal lays eggs?", ["a cat", "a dog", "a hen", "a cow"], 2),
    ("What is ice made of?", ["sand", "air", "glass", "water"], 3),
    ("Which of these is hot?", ["snow", "the sun", "a shadow", "the moon"], 1),
    ("What falls from clouds?", ["rain", "leaves", "stars", "dust"], 0),
  ]

  /// The questions in ARC's form.
  private static var arc: String {
    science.enumerated().map { index, question in
      let options = zip(["A", "B", "C", "D"], question.1).map { #"{"text": "\#($1)", "label": "\#($0)"}"# }.joined(separator: ", ")
      return
        #"{"id": "q\#(index)", "question": {"stem": "\#(question.0)", "choices": [\#(options)]}, "answerKey": "\#(["A", "B", "C", "D"][question.2])"}"#
        + "\n"
    }.joined()
  }

  /// The same in MMLU's: a file a subject.
  private static var mmlu: String {
    science.map { "\"\($0.0)\",\($0.1.joined(separator: ",")),\(["A", "B", "C", "D"][$0.2])\n" }.joined()
  }

  private static let winogrande = """
    {"qID": "a-1", "sentence": "The cup did not fit into the box, because _ was too small.", "option1": "the cup", "option2": "the box", "answer": "2"}
    {"qID": "a-2", "sentence": "Ann thanked Eva, because _ had helped.", "option1": "Ann", "option2": "Eva", "answer": "2"}

    """

  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try Data(Self.arc.utf8).write(to: folder.url.appending(path: "arc.jsonl"))
    try Data(Self.winogrande.utf8).write(to: folder.url.appending(path: "winogrande.jsonl"))
    for part in ["test", "dev"] {
      try FileManager.default.createDirectory(at: folder.url.appending(path: part), withIntermediateDirectories: true)
      for subject in ["everyday_science", "weather"] {
        try Data(Self.mmlu.utf8).write(to: folder.url.appending(path: "\(part)/\(subject)_\(part).csv"))
      }
    }
    return folder
  }

  private func run(_ benchmark: String, _ data: String, _ variant: String? = nil) -> EvaluationRun {
    var run = EvaluationRun(model: Examples.model, benchmark: benchmark, data: [data])
    run.model.elementType = .float32
    run.model.threads = 1
    run.benchmark.variant = variant
    return run
  }

  private func lines(_ data: Data) throws -> [Prediction] {
    try data.split(separator: 10).map { try JSONDecoder().decode(Prediction.self, from: $0) }
  }

  /// Every number of every option against the sequence scored alone, without the run's batches; scoring itself is held against transformers
  /// (`ScoringTests`), encoding against the evaluators (`QuestionEncoderTests`).
  @Test(arguments: [
    ("arc", "arc.jsonl", "ppl_a450bd"), ("arc", "arc.jsonl", "ppl_2ef631"), ("arc", "arc.jsonl", "lm-eval"),
    ("winogrande", "winogrande.jsonl", "ll_c5cf57"),
    ("mmlu", "test", "ppl_ac766d"), ("mmlu", "test", "lm-eval"),
  ]) func numbersAreTheModelsOwnWhateverTheBatch(benchmark: String, data: String, variant: String) throws {
    let folder = try folder()
    var results: [EvaluationOutcome] = []
    var predictions: [[Prediction]] = []
    for batchTokens in [1, 300, 5000] {
      var run = run(benchmark, folder.path(data), variant)
      run.model.batchTokens = batchTokens
      run.predictions = folder.path("p\(batchTokens).jsonl")
      results.append(try run.run())
      predictions.append(try lines(folder.data("p\(batchTokens).jsonl")))
    }
    // 1e-5 nats: what counts as close, and some tens of float32's last places of sums of about 100.
    for other in predictions.dropFirst() {
      for (one, two) in zip(predictions[0], other) {
        #expect(one.answer == two.answer && one.gold == two.gold && one.prompt == two.prompt)
        for (mine, theirs) in zip(one.options ?? [], two.options ?? []) {
          #expect(abs(mine.logprob - theirs.logprob) < 1e-4 && abs(mine.score - theirs.score) < 1e-5 * max(1, abs(mine.score)))
          #expect(mine.tokens == theirs.tokens && mine.text == theirs.text)
        }
      }
    }
    #expect(results.allSatisfy { $0.result.value == results[0].result.value && $0.result.subjects == results[0].result.subjects })
    let correct = predictions[0].count { $0.correct == true }
    #expect(results[0].result.correct == correct && results[0].result.count == predictions[0].count)

    let model = try LanguageModel(ModelFolder(named: Examples.model), elementType: .float32)
    let chosen = try Benchmarks.named(benchmark).variant(variant)
    let tokenizer = try Tokenizer.load(from: model.tokenizerFolder.url)
    let encoder = QuestionEncoder(tokenizer, endOfSequence: tokenizer.endOfSequence, for: chosen, maximumLength: 512)
    let shown = try PromptRun(run(benchmark, folder.path(data), variant), index: 1).run()
    let prediction = try #require(predictions[0].first { $0.index == 1 })
    #expect(shown.count == 1 && shown[0].prompt == prediction.prompt && shown[0].gold == prediction.gold)
    for (option, measured) in zip(shown[0].options ?? [], prediction.options ?? []) {
      let whole = ScoredSequence(tokens: option.tokens, firstScored: 1)
      let each = try model.decoder.tokenLogProbabilities(of: [whole])[0]
      let sum = each.suffix(option.tokens.count - option.first).reduce(0, +)
      #expect(abs(measured.logprob - sum) < 1e-4 && measured.tokens == option.tokens.count - option.first)
      let score = chosen.name.hasPrefix("ppl") ? -each.reduce(0, +) / Double(option.tokens.count) : sum
      #expect(abs(measured.score - score) < 1e-5 * max(1, abs(score)))
    }
    #expect(encoder.addsBeginning && shown[0].options?.allSatisfy { !encoder.lacksBeginning($0.tokens) } == true)
  }

  /// Stopped after a batch, a run goes on and ends with the same bytes.
  @Test(arguments: ["arc", "loss"]) func goesOnWhereItStopped(benchmark: String) throws {
    let folder = try folder()
    func run(_ name: String) -> EvaluationRun {
      var run = self.run(benchmark, benchmark == "loss" ? Examples.problems : folder.path("arc.jsonl"))
      run.model.batchTokens = 60
      run.data.limit = 6
      run.out = folder.path("\(name).json")
      run.predictions = folder.path("\(name).jsonl")
      return run
    }
    _ = try run("whole").run()
    var stopped = run("stopped")
    #expect(throws: RunStopped(canResume: true)) { try stopped.run(Listener(stopAfter: 2).monitor) }
    #expect(throws: (any Error).self) { try stopped.run() }
    stopped.resume = true
    let listener = Listener()
    _ = try stopped.run(listener.monitor)
    #expect(try folder.data("stopped.json") == folder.data("whole.json"))
    #expect(try folder.data("stopped.jsonl") == folder.data("whole.jsonl"))
    #expect(!folder.names.contains { $0.hasSuffix("journal") })
    // Its own files are replaced, and the same come out.
    _ = try run("whole").run()
    #expect(try folder.data("stopped.json") == folder.data("whole.json"))
  }

  @Test func lossesAreThoseOfPatterns() throws {
    let folder = try folder()
    var run = run("loss", Examples.problems)
    run.data.limit = 6
    run.predictions = folder.path("p.jsonl")
    let outcome = try run.run()
    var pattern = PatternRun(model: Examples.model, data: [Examples.problems], out: folder.path("p.npy"))
    pattern.model.elementType = .float32
    pattern.data.limit = 6
    let value = try #require(outcome.result.value)
    #expect(try abs(value - pattern.run().loss) < 1e-5)
    let predictions = try lines(folder.data("p.jsonl"))
    #expect(outcome.isLoss && outcome.result.count == 6 && predictions.count == 6 && (outcome.result.standardError ?? 0) > 0)
    let mean = predictions.reduce(0) { $0 + ($1.options?.first?.score ?? 0) } / 6
    #expect(abs(mean - value) < 1e-9)
    let labels = predictions.reduce(0) { $0 + ($1.options?.first?.tokens ?? 0) }
    #expect(outcome.labels == labels)
  }

  /// Texts are those that the generator writes to each prompt alone (held against transformers in `GenerationTests`); every rule is reported.
  @Test func textsAreWrittenAndRead() throws {
    let folder = try folder()
    func run(_ name: String) -> EvaluationRun {
      var run = self.run("gsm8k", Examples.problems)
      run.data.limit = 3
      run.benchmark.shotCount = 0
      run.maximumLength = 160
      run.out = folder.path("\(name).json")
      run.predictions = folder.path("\(name).jsonl")
      return run
    }
    let outcome = try run("whole").run()
    #expect(outcome.result.extraction == "last-number" && outcome.result.variant == "opencompass gen_1d7fe4" && outcome.result.count == 3)
    let rules = try #require(outcome.result.rules)
    #expect(rules.keys.sorted() == ["flexible-extract", "last-number", "last-number-with-commas", "strict-match"])
    #expect(rules["last-number"]?.correct == outcome.result.correct && rules["last-number"]?.unanswered == outcome.result.unanswered)
    let predictions = try lines(folder.data("whole.jsonl"))
    let model = try LanguageModel(ModelFolder(named: Examples.model), elementType: .float32)
    let tokenizer = try Tokenizer.load(from: model.tokenizerFolder.url)
    for prediction in predictions {
      let shown = try #require(try PromptRun(run("x"), index: prediction.index).run().first)
      let tokens = try #require(shown.tokens)
      #expect(shown.prompt == prediction.prompt && prediction.options == nil && prediction.rules != nil)
      var settings = GenerationSettings()
      settings.maximumTokens = min(512, 160 - tokens.count)
      settings.stops = ["Question:"]
      #expect(try TextGenerator(model, tokenizer, settings: settings).write([tokens]).first??.text == prediction.output)
    }
    // Stopped while it writes, it begins again with the batch and ends with the same bytes.
    var stopped = run("stopped")
    #expect(throws: RunStopped(canResume: true)) { try stopped.run(Listener(stopAfter: 1).monitor) }
    stopped.resume = true
    _ = try stopped.run()
    #expect(try folder.data("stopped.json") == folder.data("whole.json") && folder.data("stopped.jsonl") == folder.data("whole.jsonl"))
  }

  /// Accuracies with heads off stand beside the losses; with a head off the numbers are those of a pass with that head's gate at zero.
  @Test func ablationsTellTheChangeOfAccuracy() throws {
    let folder = try folder()
    var run = AblationRun(model: Examples.model, data: [folder.path("arc.jsonl")], choice: .heads(try HeadList("0:1,3:3")))
    run.model.elementType = .float32
    run.model.threads = 1
    run.resamples = 40
    run.benchmark = BenchmarkSettings("arc")
    run.out = folder.path("a.json")
    let result = try run.run()
    let benchmark = try #require(result.benchmark)
    let plain = try self.run("arc", folder.path("arc.jsonl")).run()
    #expect(benchmark.accuracy == plain.result.value && benchmark.count == 6 && benchmark.variant == "opencompass ppl_a450bd")
    #expect(result.items.allSatisfy { $0.accuracyChange != nil && $0.accuracyError != nil } && result.together?.accuracyChange != nil)
    #expect(folder.names.contains("a.json") && !folder.names.contains { $0.hasSuffix("journal") })
    let back = try JSONDecoder().decode(AblationRun.self, from: HeadwayJSON.document(run))
    #expect(back.benchmark == run.benchmark)
    // A gate of zero, by hand.
    let model = try LanguageModel(ModelFolder(named: Examples.model), elementType: .float32)
    let shape = model.decoder.shape
    var gates = [[Float]](repeating: [Float](repeating: 1, count: shape.attentionHeads), count: shape.layers)
    let sequence = ScoredSequence(tokens: Array(3..<40), firstScored: 1)
    #expect(
      try model.decoder.tokenLogProbabilities(of: [sequence], gates: gates) == model.decoder.tokenLogProbabilities(of: [sequence]))
    gates[0][1] = 0
    let off = try model.decoder.tokenLogProbabilities(of: [sequence], gates: gates)[0]
    let sample = TokenizedSample(tokens: sequence.tokens, promptLength: 1)
    let ablation = try HeadAblation(model.decoder, sets: [HeadSet([HeadPlace(layer: 0, head: 1)])], batchTokens: 200)
    let truth = try AblationMeasurement(ablation).run([sample]).samples[0]
    let loss = -off.reduce(0, +) / Double(off.count)
    #expect(abs(loss - (truth.loss + truth.changes[0])) < 1e-5)
    // Text is not written with heads off.
    run.benchmark = BenchmarkSettings("gsm8k")
    run.data = DataSettings([Examples.problems])
    run.data.limit = 2
    run.overwrite = true
    #expect(throws: SettingsError.self) { try run.run() }
  }

  /// A benchmark's value before the first update, at every evaluation and at the end, in the run's metrics.
  @Test func fineTuningRecordsBenchmarks() throws {
    let folder = try folder()
    var run = TrainingRun(model: Examples.model, data: [Examples.problems], out: folder.path("tuned"))
    run.model.elementType = .float32
    run.model.threads = 1
    run.data.limit = 8
    run.training.steps = 2
    run.training.epochs = nil
    run.training.evaluationInterval = 1
    run.training.recordsWindows = false
    run.benchmarks = [NamedBenchmark(name: "arc", file: folder.path("arc.jsonl"))]
    _ = try run.run()
    let metrics = try String(contentsOf: folder.url.appending(path: "tuned/headway/metrics.jsonl"), encoding: .utf8).split(separator: "\n")
    #expect(metrics.count == 3 && metrics.allSatisfy { $0.contains(#""benchmarks":{"arc":"#) }, "\(metrics)")
    let first = try JSONDecoder().decode(StepMetrics.self, from: Data(try #require(metrics.first).utf8))
    #expect(try first.benchmarks?["arc"] == self.run("arc", folder.path("arc.jsonl")).run().result.value)
    let back = try JSONDecoder().decode(TrainingRun.self, from: HeadwayJSON.document(run))
    #expect(back.benchmarks == run.benchmarks)
    run.benchmarks.append(NamedBenchmark(name: "loss", file: "x"))
    #expect(throws: SettingsError.self) { try run.validate() }
  }

  @Test func reportsShowEvaluations() throws {
    let folder = try folder()
    for (benchmark, data) in [("mmlu", "test"), ("loss", "arc.jsonl")] {
      var run = run(benchmark, folder.path(data))
      run.out = folder.path("\(benchmark).json")
      _ = try run.run()
    }
    var report = ReportRun(folder: folder.path(""))
    report.overwrite = true
    _ = try report.run()
    let page = try String(contentsOf: folder.url.appending(path: "report.html"), encoding: .utf8)
    #expect(page.contains("Benchmarks") && page.contains("Subjects of mmlu") && page.contains("share of right answers"))
    #expect(page.contains("mean loss, nats a label") && folder.names.contains("report"))
  }

  /// The shots of a subject come from its own file; without a file they are Headway's own, and the variant says so.
  @Test func shotsAreShown() throws {
    let folder = try folder()
    var run = run("mmlu", folder.path("test"))
    let own = try run.run()
    #expect(own.result.variant == "opencompass ppl_ac766d, own shots" && own.result.shots == 5 && own.about.shotsFingerprint == nil)
    #expect(own.result.subjects?.keys.sorted() == ["everyday_science", "weather"] && own.result.metric.contains("mean of subjects"))
    run.benchmark.shots = [folder.path("dev")]
    run.benchmark.shotCount = 2
    let given = try run.run()
    #expect(given.result.variant == "opencompass ppl_ac766d" && given.result.shots == 2 && given.about.shotsFingerprint != nil)
    let shown = try #require(try PromptRun(run, index: 7).run().first)
    #expect(shown.prompt.hasPrefix("The following are multiple choice questions (with answers) about  weather.\n\nWhich of these floats"))
    #expect(shown.prompt.hasSuffix("What do plants need to grow?\nA. darkness\nB. light\nC. salt\nD. smoke\nAnswer: "))
    run.benchmark.shots = [folder.path("test")]
    #expect(throws: RunError.self) { try run.run() }
  }

  /// A prompt that does not fit is cut, counted and said.
  @Test func cutsAreCounted() throws {
    let folder = try folder()
    var run = run("arc", folder.path("arc.jsonl"), "lm-eval")
    run.maximumLength = 6
    let listener = Listener()
    let outcome = try run.run(listener.monitor)
    #expect(outcome.result.truncated == 6 && outcome.about.maxLength == 6)
    #expect(listener.notes.contains { $0.hasPrefix("warning: 6 of 6 prompts were cut on the left") })
    #expect(listener.notes.contains { $0.contains("lack the beginning-of-sequence token") })
  }

  @Test func settingsAndResultsAreCodable() throws {
    let folder = try folder()
    var run = run("mmlu", folder.path("test"), "lm-eval")
    run.benchmark.shots = [folder.path("dev")]
    run.benchmark.shotCount = 1
    run.out = folder.path("r.json")
    run.predictions = folder.path("r.jsonl")
    for length in [nil, 300] {
      run.maximumLength = length
      let text = try HeadwayJSON.document(run)
      let back = try JSONDecoder().decode(EvaluationRun.self, from: text)
      #expect(try HeadwayJSON.document(back) == text)
      #expect(back.benchmark == run.benchmark && back.maximumLength == length && back.data == run.data)
    }
    let outcome = try run.runRecording()
    #expect(try JSONDecoder().decode(EvaluationOutcome.self, from: folder.data("r.json")) == outcome)
    let keys = try #require(JSONSerialization.jsonObject(with: folder.data("r.json")) as? [String: Any]).keys
    #expect(
      Set(["benchmark", "variant", "shots", "extraction", "metric", "value", "count", "correct", "stderr", "unanswered", "subjects"])
        .isSubset(of: keys))
    // Done again from its record, with other names.
    let record = folder.url.appending(path: "r.run.yaml")
    var again = try #require(try RunRecord.run(from: record, changing: ["max_length=280"]) as? EvaluationRun)
    #expect(again.maximumLength == 280 && again.benchmark.shotCount == 1)
    again = try #require(try RunRecord.run(from: record) as? EvaluationRun)
    again.maximumLength = 300
    again.out = folder.path("s.json")
    again.predictions = nil
    _ = try again.run()
    #expect(try folder.data("s.json") == folder.data("r.json"))
  }

  /// What is wrong with the settings alone is said before anything is read.
  @Test func refusesWhatMakesNoSense() {
    func message(_ benchmark: String, _ change: (inout EvaluationRun) -> Void = { _ in }) -> String {
      var run = EvaluationRun(model: "/no/where", benchmark: benchmark, data: ["/no/where.jsonl"])
      change(&run)
      do { _ = try run.run() } catch let error as SettingsError { return error.description } catch { return "" }
      return ""
    }
    #expect(message("arcs").contains("benchmark takes one of gsm8k"))
    #expect(message("arc") { $0.benchmark.variant = "gen_x" }.contains("its variants are ppl_a450bd"))
    #expect(message("arc") { $0.benchmark.shots = ["a"] }.contains("no place for shots"))
    #expect(message("mmlu") { $0.benchmark.shotCount = -1 }.contains("shot_count takes"))
    #expect(message("mmlu") { $0.data.template = "t" }.contains("template has no part in mmlu"))
    #expect(message("mmlu") { $0.data.format = "arc" }.contains("format of mmlu takes mmlu"))
    #expect(message("mmlu") { $0.resume = true }.contains("resume continues"))
    #expect(message("mmlu") { $0.out = "a.txt" }.contains(".json"))
    #expect(message("mmlu") { $0.maximumLength = 1 }.contains("max_length takes"))
    #expect(message("loss") { $0.benchmark.variant = "lm-eval" }.contains("has no variant"))
    #expect(message("loss") { $0.benchmark.shots = ["a"] }.contains("no place for shots"))
  }
}
