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
    #expect(parts.withLock { $0 }.joined() == result.text && parts.withLock { $0.count } > 6)
    #expect(result.tokens.count == 12 && result.finish == .length)
    #expect(try JSONDecoder().decode(GenerationResult.self, from: ResultText.json(result)) == result)

    // Whoever cannot take it ends the run; so does a stop.
    monitor.wrote = { _ in throw RunError("full") }
    #expect(throws: RunError.self) { try run.run(monitor) }
    monitor.wrote = { _ in parts.withLock { $0 = [] } }
    monitor.shouldStop = { parts.withLock { $0.isEmpty } }
    #expect(throws: RunStopped(canResume: false)) { try run.run(monitor) }
  }

  @Test func settingsAreCodable() throws {
    var run = run
    run.settings.stops = ["\n\n", "Question:"]
    (run.settings.temperature, run.settings.topP, run.settings.topK, run.settings.seed) = (0.7, 0.9, 40, .max)
    let text = try ResultText.json(run)
    let back = try JSONDecoder().decode(GenerationRun.self, from: text)
    #expect(try ResultText.json(back) == text)
    #expect(back.settings == run.settings && back.model == run.model && back.prompt == run.prompt)
    let least = try JSONDecoder().decode(GenerationRun.self, from: Data(#"{"model": "m", "prompt": "p"}"#.utf8))
    #expect(least.settings == GenerationSettings())
  }
}
