import Foundation
import Ground
import Instructions
import Runs
import Selection
import Testing

/// A whole mixture, from a fit and data to the mixture's file and manifest, without the program.
struct MixRunTests {
  private static func folder(gsm8k: Int = 30) throws -> TemporaryFolder {
    let made = try TemporaryFolder()
    func write(_ name: String, _ count: Int) throws {
      let lines = (0..<count).map { #"{"prompt": "\#(name) \#($0)?", "response": "yes \#($0)", "id": "\#(name)-\#($0)"}"# }
      try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: made.url.appending(path: "\(name).jsonl"))
    }
    try write("gsm8k", gsm8k)
    try write("code", 20)
    try AtomicFile.write(
      #"{"prompt": "a", "response": "b"}"# + "\n" + #"{"prompt": "unanswered", "response": ""}"# + "\n"
        + #"{"prompt": "c", "response": "d"}"#
        + "\n", to: made.url.appending(path: "text.jsonl"))
    try AtomicFile.write(
      #"""
      {"target": "sgsm", "names": ["text", "code", "gsm8k"], "coefficients": {"text": -0.2, "code": 0.25, "gsm8k": 0.75},
       "coefficient_sets": {"unconstrained": {"text": -0.2, "code": 0.25, "gsm8k": 0.75}, "nonnegative": {"text": 0, "code": 0.1, "gsm8k": 0.1}},
       "r2": 0.9, "adjusted_r2": null, "condition_number": 1, "subsets": []}
      """#, to: made.url.appending(path: "fit.json"))
    return made
  }

  private static func run(_ folder: TemporaryFolder, total: Int = 24) -> MixRun {
    MixRun(
      fit: folder.path("fit.json"),
      tasks: [TaskFile(folder.path("code.jsonl")), TaskFile(folder.path("gsm8k.jsonl"), name: "gsm8k")], total: total,
      out: folder.path("mixture.jsonl"))
  }

  @Test func aMixtureHasTheSharesOfTheFit() throws {
    let folder = try Self.folder()
    let listener = Listener()
    let run = Self.run(folder)
    let result = try run.run(listener.monitor)
    #expect(
      result.tasks.map(\.name) == ["gsm8k", "code"] && result.tasks.map(\.count) == [18, 6] && result.tasks.map(\.available) == [30, 20])
    #expect(result.leftOut.map(\.name) == ["text"] && result.leftOut.map(\.reason) == [.notPositive])
    #expect(listener.notes.contains { $0.hasPrefix("text has the coefficient -0.2, which is not positive") })

    let written = try Dataset(at: [folder.url.appending(path: "mixture.jsonl")]).readAll()
    #expect(written.map(\.task) == Array(repeating: "gsm8k", count: 18) + Array(repeating: "code", count: 6))
    #expect(written.prefix(18).map(\.id) == result.tasks[0].drawn.map { "gsm8k-\($0)" })
    #expect(Set(written.map(\.prompt)).count == 24)

    // The manifest is the result; the mixture is then known to be Headway's own and is replaced.
    #expect(try folder.data("mixture.manifest.json") == HeadwayJSON.document(result))
    #expect(try JSONDecoder().decode(MixResult.self, from: folder.data("mixture.manifest.json")) == result)
    #expect(try run.run() == result)
    var other = run
    other.seed = 1
    let drawn = try other.run().tasks.map(\.drawn)
    #expect(drawn != result.tasks.map(\.drawn))

    try Data("mine\n".utf8).write(to: folder.url.appending(path: "mixture.jsonl"))
    #expect(throws: OutputError.self) { try run.run() }
  }

  @Test func baselinesAreTheSameCommand() throws {
    let folder = try Self.folder()
    var run = Self.run(folder)
    run.shares = .nonnegative
    #expect(try run.run().tasks.map(\.count) == [12, 12])
    run.shares = .equal
    #expect(try run.run().tasks.map(\.count) == [12, 12])
    run.shares = .random
    let random = try run.run().tasks.map(\.count)
    #expect(random.reduce(0, +) == 24)
    #expect(try run.run().tasks.map(\.count) == random)
    run.top = 1
    #expect(try run.run().tasks.map(\.name) == ["gsm8k"])
  }

  @Test func withoutAFitAllTasksAreMixed() throws {
    let folder = try Self.folder()
    var run = Self.run(folder, total: 10)
    run.fit = nil
    #expect(throws: SettingsError.self) { try run.run() }
    run.shares = .equal
    let result = try run.run()
    #expect(result.target == nil && result.leftOut.isEmpty && result.tasks.allSatisfy { $0.coefficient == nil })
    #expect(result.tasks.map(\.name) == ["code", "gsm8k"] && result.tasks.map(\.count) == [5, 5])
    #expect(try JSONDecoder().decode(MixResult.self, from: folder.data("mixture.manifest.json")) == result)
    run.shares = .random
    #expect(try run.run().tasks.map(\.count).reduce(0, +) == 10)
    run.top = 1
    let error = #expect(throws: SettingsError.self) { try run.run() }
    #expect(error?.description.hasPrefix("top keeps tasks of a fit") == true)
  }

  @Test func tooFewSamplesAreAnErrorOrRepeat() throws {
    let folder = try Self.folder(gsm8k: 10)
    var run = Self.run(folder)
    let error = #expect(throws: SelectionError.self) { try run.run() }
    #expect(error?.description.hasPrefix("gsm8k has 10 samples and its share is 18; lower total") == true)
    #expect(folder.names.allSatisfy { !$0.hasPrefix("mixture") })
    run.repeats = true
    let drawn = try run.run().tasks[0].drawn
    #expect(drawn.count == 18 && Set(drawn).count == 10)
  }

  @Test func whatDoesNotBelongIsNamed() throws {
    let folder = try Self.folder()
    func message(_ change: (inout MixRun) -> Void) -> String {
      var run = Self.run(folder)
      change(&run)
      do { _ = try run.run() } catch { return "\(error)" }
      return "no error"
    }
    #expect(message { $0.tasks.removeLast() }.hasPrefix("no data of gsm8k is named"))
    #expect(
      message { $0.tasks[0] = TaskFile(folder.path("code.jsonl"), name: "cod") }.contains(
        "is called 'cod', and the fit has no task of this name"))
    #expect(message { $0.fit = folder.path("code.jsonl") }.contains("is not the result of a fit"))
    #expect(message { $0.out = folder.path("code.jsonl") }.contains("code.jsonl"))
    #expect(message { $0.total = 0 }.hasPrefix("total takes a number from 1 on"))
    #expect(message { $0.reading.minimumTokens = 3 }.hasPrefix("min_tokens needs a model"))
    // Of a sample without a response nothing is learned.
    try AtomicFile.write(
      #"{"target": "t", "coefficients": {"text": 1}, "nonnegative": true, "r2": 1, "subsets": []}"#,
      to: folder.url.appending(path: "fit.json"))
    #expect(message { $0.tasks = [TaskFile(folder.path("text.jsonl"))] }.contains("takes the others; fit again"))
    #expect(
      message {
        $0.tasks = [TaskFile(folder.path("text.jsonl"))]
        $0.shares = .nonnegative
      }.hasPrefix("text has 2 samples and its share is 24"))
  }

  @Test func aRecordDrawsTheSameAgain() throws {
    let folder = try Self.folder()
    var run = Self.run(folder)
    (run.shares, run.top, run.repeats, run.seed) = (.equal, 3, true, 5)
    run.reading.format = "pairs"
    let result = try run.runRecording()
    let bytes = try folder.data("mixture.jsonl")
    let back = try #require(try RunRecord.run(from: folder.url.appending(path: "mixture.run.yaml")) as? MixRun)
    #expect(back.shares == .equal && back.top == 3 && back.repeats && back.seed == 5 && back.reading.format == "pairs")
    #expect(back.tasks.map(\.name) == ["code", "gsm8k"])
    #expect(try back.run().tasks == result.tasks && folder.data("mixture.jsonl") == bytes)
    #expect(try RunRecord.run(from: folder.url.appending(path: "mixture.run.yaml"), changing: ["total=7"]) is MixRun)
  }
}
