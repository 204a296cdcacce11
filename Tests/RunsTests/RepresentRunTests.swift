import ActivationPatterns
import CheckpointFiles
import FineTuning
import Foundation
import Ground
import Runs
import Selection
import Testing

@Suite struct RepresentRunTests {
  private func run(_ kind: RepresentationFile.Kind, _ out: String, model: String = Examples.model) -> RepresentRun {
    var run = RepresentRun(model: model, data: [Examples.problems], representation: kind, out: out)
    run.model.elementType = .float32
    run.model.threads = 1
    run.model.batchTokens = 200
    run.data.limit = 6
    if kind == .gradient { run.dimension = 96 }
    return run
  }

  /// A training of adapters with checkpoints at 1, 2, 3 and 4.
  private func training(in folder: TemporaryFolder, keep: Int = 4, rank: Int? = 2) throws -> String {
    var run = TrainingRun(model: Examples.model, data: [Examples.problems], out: folder.path("warm"))
    run.data.limit = 12
    run.model.elementType = .float32
    run.model.threads = 1
    run.training.steps = 4
    run.training.epochs = nil
    run.training.batchSize = 2
    run.training.gradientAccumulation = 1
    run.training.learningRate = 1e-3
    run.training.saveInterval = 1
    run.training.keptCheckpoints = keep
    run.training.lowRank = rank.map { LowRankSettings(rank: $0) }
    run.training.recordsWindows = false
    _ = try run.runRecording()
    return folder.path("warm")
  }

  @Test func lossesAreThoseOfThePattern() throws {
    let folder = try TemporaryFolder()
    let result = try run(.loss, folder.path("loss.safetensors")).run()
    #expect(result.samples == 6 && result.width == 1 && result.parameters == nil && result.tokens > 0)
    let file = try RepresentationFile(at: folder.url.appending(path: "loss.safetensors"))
    var pattern = PatternRun(model: Examples.model, data: [Examples.problems], out: folder.path("p.safetensors"))
    pattern.model = run(.loss, "").model
    pattern.data.limit = 6
    pattern.keepsSamples = true
    _ = try pattern.run()
    let measured = try ActivationPattern.read(from: folder.url.appending(path: "p.safetensors"))
    let losses = try (0..<6).map { try file.rows[0].row($0)[0] }
    for (one, other) in zip(losses, measured.samples?.loss ?? []) { #expect(abs(one - other) <= 1e-5 * other) }
    // Both say where they come from in the same words.
    #expect(file.provenance == measured.provenance)
    #expect(file.index == measured.samples?.index && file.contents == measured.samples?.contents)
    #expect(try file.identifiers() == measured.samples?.ids)
  }

  @Test(arguments: RepresentationFile.Kind.allCases)
  func goesOnWhereItStopped(kind: RepresentationFile.Kind) throws {
    let folder = try TemporaryFolder()
    let model = kind == .gradient ? try training(in: folder) : Examples.model
    let whole = try run(kind, folder.path("whole.safetensors"), model: model).run()
    for stop in 0...3 {
      var stopped = run(kind, folder.path("stopped.safetensors"), model: model)
      stopped.overwrite = true
      let stopping = Result { try stopped.run(Listener(stopAfter: stop).monitor) }
      // The examples are fewer than three batches or checkpoints only where nothing is left to stop.
      guard case .failure(let error) = stopping else { continue }
      #expect(error as? RunStopped == RunStopped(canResume: true))
      #expect(folder.names.contains("stopped.safetensors.journal"))
      stopped.overwrite = false
      #expect(throws: OutputError.self) { try stopped.run() }
      stopped.resume = true
      let rest = try stopped.run()
      #expect(rest.samples == 6 && (stop == 0 ? rest.tokens == whole.tokens : rest.tokens < whole.tokens))
      #expect(try folder.data("stopped.safetensors") == folder.data("whole.safetensors"))
      #expect(try folder.data("stopped.ids.jsonl") == folder.data("whole.ids.jsonl"))
      #expect(!folder.names.contains { $0.hasSuffix("journal") })
    }
    // It replaces its own without being asked, and never what is another's.
    _ = try run(kind, folder.path("whole.safetensors"), model: model).run()
    try Data("mine".utf8).write(to: folder.url.appending(path: "other.safetensors"))
    #expect(throws: OutputError.self) { try run(kind, folder.path("other.safetensors"), model: model).run() }
  }

  @Test func gradientsHaveWhatLESSNeeds() throws {
    let folder = try TemporaryFolder()
    let model = try training(in: folder)
    let pool = try run(.gradient, folder.path("pool.safetensors"), model: model).run()
    #expect(pool.checkpoints == [1, 2, 3, 4] && pool.width == 96 && (pool.parameters ?? 0) > 96 && pool.weights?.count == 4)
    var target = run(.gradient, folder.path("target.safetensors"), model: model)
    target.role = .target
    _ = try target.run()
    let (one, other) = (
      try RepresentationFile(at: folder.url.appending(path: "pool.safetensors")),
      try RepresentationFile(at: folder.url.appending(path: "target.safetensors"))
    )
    #expect(one.role == .pool && other.role == .target && one.weights == other.weights && one.projection == other.projection)
    #expect(one.rows.count == 4 && one.weights == pool.weights && one.provenance == other.provenance)
    #expect(one.provenance.other["gradient.checkpoints"] == "1 2 3 4")
    #expect(try one.rows[0].row(0) != other.rows[0].row(0) && one.rows[0].row(0) != one.rows[1].row(0))
    // Two stretches; another seed is another projection.
    var two = run(.gradient, folder.path("two.safetensors"), model: model)
    two.checkpoints = .stretches(2)
    _ = try two.run()
    let last = try RepresentationFile(at: folder.url.appending(path: "two.safetensors"))
    #expect(last.rows.count == 2)
    #expect(try last.rows[1].row(3) == one.rows[3].row(3))
    two.seed = 1
    _ = try two.run()
    #expect(try RepresentationFile(at: folder.url.appending(path: "two.safetensors")).projection != one.projection)
  }

  /// Batches of other sizes change nothing but rounding.
  @Test(arguments: RepresentationFile.Kind.allCases)
  func batchesChangeNothing(kind: RepresentationFile.Kind) throws {
    let folder = try TemporaryFolder()
    let model = kind == .gradient ? try training(in: folder) : Examples.model
    var rows: [[Float]] = []
    for tokens in [1, 10_000] {
      var run = run(kind, folder.path("r.safetensors"), model: model)
      run.model.batchTokens = tokens
      run.role = kind == .gradient ? .target : nil
      _ = try run.run()
      let file = try RepresentationFile(at: folder.url.appending(path: "r.safetensors"))
      rows.append(try file.rows.flatMap { table in try (0..<6).flatMap { try table.row($0) } })
    }
    let greatest = rows[0].map(abs).max() ?? 0
    #expect(zip(rows[0], rows[1]).allSatisfy { abs($0 - $1) <= 1e-4 * greatest })
  }

  @Test func bfloat16IsClose() throws {
    let folder = try TemporaryFolder()
    let model = try training(in: folder)
    for kind in RepresentationFile.Kind.allCases {
      var rows: [[Float]] = []
      for type in [ElementType.float32, .bfloat16] {
        var run = run(kind, folder.path("r.safetensors"), model: model)
        run.model.elementType = type
        run.role = kind == .gradient ? .target : nil
        run.overwrite = true
        _ = try run.run()
        let file = try RepresentationFile(at: folder.url.appending(path: "r.safetensors"))
        #expect(file.provenance.dtype == type.rawValue)
        rows.append(try (0..<6).flatMap { try file.rows[0].row($0) })
      }
      let apart = zip(rows[0], rows[1]).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }
      let norm = rows[0].reduce(0.0) { $0 + pow(Double($1), 2) }
      // Eight bits, and losses near zero are differences of large numbers.
      #expect((apart / norm).squareRoot() < 0.15, "\(kind)")
    }
  }

  @Test func whatGradientsCannotBeTakenOfIsRefused() throws {
    let folder = try TemporaryFolder()
    let plain = #expect(throws: TrainingError.self) { try run(.gradient, folder.path("g.safetensors")).run() }
    #expect(plain?.description.contains("holds no checkpoints of a training") == true && plain?.description.contains("lora_rank") == true)
    let model = try training(in: folder, keep: 1)
    let listener = Listener()
    _ = try run(.gradient, folder.path("g.safetensors"), model: model).run(listener.monitor)
    #expect(listener.notes.filter { $0.hasPrefix("warning: no checkpoint of steps") }.count == 3)
  }

  @Test func refusesWhatMakesNoSense() {
    func message(_ kind: RepresentationFile.Kind, _ change: (inout RepresentRun) -> Void) -> String {
      var run = RepresentRun(model: "/no/where", data: ["/no/where.jsonl"], representation: kind, out: "r.safetensors")
      change(&run)
      do { _ = try run.run() } catch let error as SettingsError { return error.description } catch { return "" }
      return ""
    }
    #expect(message(.loss) { $0.out = "r.npz" }.contains(".safetensors"))
    #expect(message(.loss) { $0.role = .pool }.contains("role is for gradients"))
    #expect(message(.embedding) { $0.checkpoints = .all }.contains("checkpoints is for gradients"))
    #expect(message(.embedding) { $0.dimension = 2 }.contains("dimension is for gradients"))
    #expect(message(.embedding) { $0.seed = 2 }.contains("seed is for gradients"))
    #expect(message(.gradient) { $0.dimension = 0 }.contains("dimension takes a number from 1"))
    #expect(message(.gradient) { ($0.resume, $0.overwrite) = (true, true) }.contains("name one of them"))
  }

  @Test func settingsAndResultsAreCodable() throws {
    let folder = try TemporaryFolder()
    var first = run(.embedding, folder.path("r.safetensors"))
    first.data.part = nil
    let result = try first.run()
    #expect(try JSONDecoder().decode(RepresentResult.self, from: HeadwayJSON.document(result)) == result)
    var run = run(.gradient, "r.safetensors")
    for choice in [WarmUp.Choice.all, .stretches(3)] {
      run.checkpoints = choice
      run.role = .target
      run.seed = 9
      run.resume = true
      let text = try HeadwayJSON.document(run)
      let back = try JSONDecoder().decode(RepresentRun.self, from: text)
      #expect(try HeadwayJSON.document(back) == text)
      #expect(back.checkpoints == choice && back.role == .target && back.seed == 9 && back.dimension == 96)
    }
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(WarmUp.Choice.self, from: Data("\"some\"".utf8)) }
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(WarmUp.Choice.self, from: Data("0".utf8)) }
  }
}
