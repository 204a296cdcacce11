import CheckpointFiles
import Foundation
import Ground
import LanguageModels
import Runs
import Synchronization
import Testing

@Suite struct GenerationRunTests {
  private var run: GenerationRun {
    var run = GenerationRun(model: Examples.model, prompt: "Tom has 3 pears.")
    run.model.elementType = .float32
    run.model.threads = 1
    run.settings.maximumTokens = 12
    return run
  }

  /// What is told on the way is the result, a part at a time.
  @Test func textIsToldAsItIsWritten() throws {
    let parts = Mutex<[String]>([])
    var monitor = RunMonitor.silent
    monitor.wrote = { text in parts.withLock { $0.append(text) } }
    let result = try run.run(monitor)
    #expect(parts.withLock { $0 }.joined() == result.texts[0].text && parts.withLock { $0.count } > 6)
    #expect(result.texts.count == 1 && result.texts[0].tokens.count == 12 && result.texts[0].finish == .length && result.tokens == 12)
    #expect(try JSONDecoder().decode(GenerationResult.self, from: HeadwayJSON.document(result)) == result)

    // Whoever cannot take it ends the run; so does a stop.
    monitor.wrote = { _ in throw RunError("full") }
    #expect(throws: RunError.self) { try run.run(monitor) }
    monitor.wrote = { _ in parts.withLock { $0 = [] } }
    monitor.shouldStop = { parts.withLock { $0.isEmpty } }
    #expect(throws: RunStopped(canResume: false)) { try run.run(monitor) }
  }

  /// A file of prompts becomes lines of JSON in their order, the same texts whatever is written at once.
  @Test func filesOfPromptsBecomeLines() throws {
    let folder = try TemporaryFolder()
    try Data("\"Tom has 3 pears.\"\n\n{\"prompt\": \"Anna buys\", \"response\": \"x\"}\n\"Tom has 4\"".utf8)
      .write(to: folder.url.appending(path: "p.jsonl"))
    var many = run
    (many.prompt, many.prompts) = (nil, folder.path("p.jsonl"))
    let lines = Mutex<[String]>([])
    var monitor = RunMonitor.silent
    monitor.wrote = { text in lines.withLock { $0.append(text) } }
    let together = try many.run(monitor)
    let alone = try run.run()
    #expect(together.texts.count == 3 && together.texts[0] == alone.texts[0] && together.seconds > 0)
    #expect(try lines.withLock { $0 } == together.texts.map { String(decoding: try HeadwayJSON.document($0), as: UTF8.self) })
    many.batchSize = 1
    #expect(try many.run().texts == together.texts)
    for (line, part) in [("{", "p.jsonl:2 is not JSON"), ("{\"text\": \"x\"}", "p.jsonl:2 is neither"), ("7", "p.jsonl:2 is neither")] {
      try Data("\"a\"\n\(line)\n".utf8).write(to: folder.url.appending(path: "p.jsonl"))
      let error = #expect(throws: RunError.self) { try many.run() }
      #expect(error?.description.contains(part) == true, "\(line)")
    }
  }

  @Test func settingsAreCodable() throws {
    var run = run
    run.settings.stops = ["\n\n", "Question:"]
    (run.settings.temperature, run.settings.topP, run.settings.topK, run.settings.seed) = (0.7, 0.9, 40, .max)
    let text = try HeadwayJSON.document(run)
    let back = try JSONDecoder().decode(GenerationRun.self, from: text)
    #expect(try HeadwayJSON.document(back) == text)
    #expect(back.settings == run.settings && back.model == run.model && back.prompt == run.prompt && back.batchSize == run.batchSize)
    let least = try JSONDecoder().decode(GenerationRun.self, from: Data(#"{"model": "m", "prompt": "p"}"#.utf8))
    #expect(least.settings == GenerationSettings())
  }
}
