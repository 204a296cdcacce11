import ActivationPatterns
import CheckpointFiles
import Foundation
import Ground
import Runs
import Testing

/// Samples token by token: beside a pattern, and on the spot.
@Suite struct TokenRunTests {
  private func run(_ out: String) -> PatternRun {
    var run = PatternRun(model: Examples.model, data: [Examples.problems], out: out)
    run.model.elementType = .float32
    run.model.threads = 1
    run.model.batchTokens = 200
    run.data.limit = 6
    run.keepsSamples = true
    run.tokens = 2
    run.tokenHeads = 3
    return run
  }

  @Test func strongestSamplesOfStrongestHeadsAreTold() throws {
    let folder = try TemporaryFolder()
    _ = try run(folder.path("p.safetensors")).run()
    let pattern = try ActivationPattern.read(from: folder.url.appending(path: "p.safetensors"))
    let file = try TokenFile(from: folder.url.appending(path: "p.tokens.jsonl"))
    let levels = try #require(pattern.levels[.magnitude])
    let strongest = PatternStatistics(levels.mean, strongest: 3).strongest
    #expect(file.heading.heads == strongest.map { "\($0.layer):\($0.head)" } && file.heading.score == .magnitude)
    let samples = try #require(levels.samples)
    for head in strongest {
      let entry = head.layer * pattern.heads + head.head
      let found = file.samples.flatMap { sample in
        sample.heads.filter { $0.layer == head.layer && $0.head == head.head }.map { (sample, $0) }
      }
      .sorted { ($0.1.rank ?? 0) < ($1.1.rank ?? 0) }
      #expect(found.map(\.1.rank) == [1, 2])
      let order = try (0..<6).sorted { (try samples.row($0))[entry] > (try samples.row($1))[entry] }
      #expect(found.map(\.0.index) == order.prefix(2).map(\.self))
      for (sample, kept) in found {
        // The tokens' sum is the signed level, whose absolute value the pattern keeps.
        let magnitude = Double(try samples.row(sample.index)[entry])
        #expect(abs(abs(kept.level) - magnitude) <= 1e-4 * magnitude)
        #expect(kept.signed.count == sample.tokens.count && sample.texts.count == sample.tokens.count && kept.saliency == nil)
      }
    }
    #expect(file.samples.map(\.index) == file.samples.map(\.index).sorted())
    #expect(try TokenFile(beside: folder.url.appending(path: "p.safetensors"), of: pattern.provenance)?.samples == file.samples)
    var other = pattern.provenance
    other.modelFingerprint = "another"
    #expect(try TokenFile(beside: folder.url.appending(path: "p.safetensors"), of: other) == nil)

    // Tokens of an earlier pattern go with it.
    var without = run(folder.path("p.safetensors"))
    (without.tokens, without.tokenHeads) = (nil, nil)
    _ = try without.run()
    #expect(!folder.names.contains("p.tokens.jsonl"))
  }

  @Test func aStoppedRunEndsWithTheSameTokens() throws {
    let folder = try TemporaryFolder()
    _ = try run(folder.path("whole.safetensors")).run()
    var stopped = run(folder.path("stopped.safetensors"))
    #expect(throws: RunStopped(canResume: true)) { try stopped.run(Listener(stopAfter: 1).monitor) }
    stopped.resume = true
    #expect(throws: RunStopped(canResume: true)) { try stopped.run(Listener(stopAfter: 1, of: "tokens").monitor) }
    _ = try stopped.run()
    #expect(try folder.data("stopped.tokens.jsonl") == folder.data("whole.tokens.jsonl"))
    #expect(try folder.data("stopped.safetensors") == folder.data("whole.safetensors"))
  }

  @Test func aFileOfOthersIsLeftAlone() throws {
    let folder = try TemporaryFolder()
    let mine = Data("mine\n".utf8)
    try mine.write(to: folder.url.appending(path: "p.tokens.jsonl"))
    #expect(throws: OutputError.self) { try run(folder.path("p.safetensors")).run() }
    #expect(try folder.data("p.tokens.jsonl") == mine)
  }

  @Test(arguments: ["", "{}\n", "{\"kind\":\"tokens\"}\n"]) func whatIsNoFileOfTokensIsRefused(text: String) throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "p.tokens.jsonl")
    try Data(text.utf8).write(to: url)
    #expect(throws: (any Error).self) { try TokenFile(from: url) }
    #expect(!OutputKind.tokens.isOwn(url))
  }

  @Test func aDamagedLineIsNamed() throws {
    let folder = try TemporaryFolder()
    _ = try run(folder.path("p.safetensors")).run()
    let url = folder.url.appending(path: "p.tokens.jsonl")
    let whole = try String(contentsOf: url, encoding: .utf8)
    let lines = whole.split(separator: "\n")
    for damaged in ["{\"index\":0}", lines[1].replacing("\"signed\":[", with: "\"signed\":[1,"), "nonsense"] {
      try Data("\(lines[0])\n\(damaged)\n".utf8).write(to: url)
      let error = #expect(throws: RunError.self) { try TokenFile(from: url) }
      #expect(error?.description.contains("line 2") == true)
    }
  }

  @Test func headsAreExplainedOnTheSpot() throws {
    let folder = try TemporaryFolder()
    var explain = ExplainRun(model: Examples.model, data: [Examples.problems])
    explain.model.elementType = .float32
    explain.model.threads = 1
    explain.data.limit = 6
    explain.heads = try HeadList("1:0,0:1")
    explain.strongest = 1
    explain.measuresSaliency = true
    explain.html = folder.path("e.html")
    explain.svg = folder.path("e.svg")
    let result = try explain.runRecording()
    #expect(result.heads == ["1:0", "0:1"])
    #expect(result.samples.flatMap { $0.heads.map(\.rank) } == [1, 1])
    #expect(result.samples.allSatisfy { sample in sample.heads.allSatisfy { $0.saliency?.count == sample.tokens.count } })
    #expect(try String(decoding: folder.data("e.svg"), as: UTF8.self).hasPrefix("<svg"))
    #expect(try String(decoding: folder.data("e.html"), as: UTF8.self).contains("Where heads 1:0, 0:1 work"))
    #expect(try again(result) == result)
    #expect(folder.names.contains("e.run.yaml"))

    // Named samples, for the strongest head where none is named.
    explain.heads = nil
    explain.strongest = nil
    explain.index = [4, 2]
    (explain.html, explain.svg) = (nil, nil)
    let named = try explain.run()
    #expect(named.samples.map(\.index) == [2, 4] && named.heads.count == 1)
    #expect(named.samples.allSatisfy { $0.heads.map(\.rank) == [nil] })
  }

  @Test func whatCannotBeExplainedIsRefused() throws {
    func refusal(_ change: (inout ExplainRun) throws -> Void) throws -> String {
      var run = ExplainRun(model: Examples.model, data: [Examples.problems])
      run.data.limit = 3
      try change(&run)
      do { _ = try run.run() } catch { return "\(error)" }
      return ""
    }
    #expect(try refusal { $0.heads = try HeadList("99:0") }.contains("there is no head 99:0"))
    #expect(try refusal { $0.index = [7] }.contains("there is no sample at position 7"))
    #expect(try refusal { $0.index = [-1] }.contains("counted from 0"))
    #expect(try refusal { ($0.index, $0.strongest) = ([1], 2) }.contains("name one of them"))
    #expect(try refusal { $0.strongest = 0 }.contains("from 1 on"))
    #expect(try refusal { $0.html = "x.txt" }.contains("ends in .html"))
  }
}
