import ActivationPatterns
import CheckpointFiles
import Foundation
import Ground
import Probing
import Runs
import Testing

@Suite struct PatternRunTests {
  private func run(_ out: String) -> PatternRun {
    var run = PatternRun(model: Examples.model, data: [Examples.problems], out: out)
    run.model.elementType = .float32
    run.model.threads = 1
    run.model.batchTokens = 200
    run.data.limit = 6
    run.scores = [.magnitude, .signed]
    run.keepsSamples = true
    return run
  }

  /// From a folder and a file to a pattern, without the program: the file holds what the result says.
  @Test func measuresAWholePattern() throws {
    let folder = try TemporaryFolder()
    let listener = Listener()
    let result = try run(folder.path("p.safetensors")).run(listener.monitor)
    let pattern = try ActivationPattern.read(from: folder.url.appending(path: "p.safetensors"))
    #expect(result.samples == 6 && result.skipped == 0 && result.tokens > 0 && result.loss.isFinite)
    #expect(result.layers == pattern.layers && result.heads == pattern.heads)
    let magnitude = try #require(pattern.levels[.magnitude])
    // A sample's magnitude is the absolute value of its signed level, and the pattern is the samples' mean.
    let signed = try #require(pattern.levels[.signed]?.samples)
    let rows = try (0..<6).map { try signed.row($0) }
    for (entry, mean) in magnitude.mean.values.enumerated() {
      let expected = rows.reduce(0.0) { $0 + Double(abs($1[entry])) } / 6
      #expect(abs(mean - expected) <= 1e-6 * expected)
    }
    #expect(listener.notes.contains { $0.contains("read as gsm8k") && $0.contains("format") && !$0.contains("--") })
    #expect(!listener.stages.isEmpty)
  }

  /// A run that was asked to stop goes on where it was, and ends with the same bytes.
  @Test func goesOnWhereItStopped() throws {
    let folder = try TemporaryFolder()
    let whole = try run(folder.path("whole.safetensors")).run()
    var stopped = run(folder.path("stopped.safetensors"))
    #expect(throws: RunStopped(canResume: true)) { try stopped.run(Listener(stopAfter: 1).monitor) }
    stopped.resume = true
    let rest = try stopped.run()
    #expect(rest.samples == 6 && rest.tokens < whole.tokens)
    #expect(try folder.data("stopped.safetensors") == folder.data("whole.safetensors"))
    #expect(!folder.names.contains { $0.hasSuffix("journal") })
  }

  /// Settings and results are the same after a record.
  @Test func settingsAndResultsAreCodable() throws {
    let folder = try TemporaryFolder()
    var run = run(folder.path("p.npz"))
    run.data.holdOut = 0.5
    run.data.part = .test
    run.model.device = .cpu
    run.loss = .batch(2)
    let text = try HeadwayJSON.document(run)
    let back = try JSONDecoder().decode(PatternRun.self, from: text)
    #expect(try HeadwayJSON.document(back) == text)
    #expect(back.data == run.data && back.model == run.model && back.scores == run.scores)
    let result = try back.run()
    #expect(try JSONDecoder().decode(PatternResult.self, from: HeadwayJSON.document(result)) == result)
  }

  /// What is wrong with the settings alone is said before anything is read.
  @Test func refusesWhatMakesNoSense() {
    func message(_ change: (inout PatternRun) -> Void) -> String {
      var run = PatternRun(model: "/no/where", data: ["/no/where.jsonl"], out: "p.npz")
      change(&run)
      do { _ = try run.run() } catch let error as SettingsError { return error.description } catch { return "" }
      return ""
    }
    #expect(message { $0.data.part = .test }.contains("hold_out"))
    #expect(message { $0.data.format = "gsm9k" }.contains("format takes one of alpaca"))
    #expect(message { $0.data.chat = "lama" }.contains("chat takes own or one of plain"))
    #expect(message { $0.data.limit = 0 }.contains("limit takes a number from 1 on"))
    #expect(message { $0.scores = [] }.contains("names no score"))
    #expect(message { $0.out = "p.txt" }.contains(".safetensors, .npy or .npz"))
  }

  @Test(arguments: [("auto", "auto"), ("cpu", "cpu"), ("cuda", "cuda:0"), ("cuda:3", "cuda:3"), ("mps", "mps")])
  func devicesAreReadByName(name: String, written: String) throws { #expect(try #require(DeviceName(name)).description == written) }

  @Test(arguments: ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:99999999999999999999", "CPU", "cuda: 1"])
  func unknownDevicesAreRefused(name: String) { #expect(DeviceName(name) == nil) }
}
