import ActivationPatterns
import CheckpointFiles
import FineTuning
import Foundation
import Ground
import Testing

@testable import Runs

/// A folder's page: in which order things stand, what it says first, and what can be gone through.
@Suite struct ReportPageRunTests {
  /// The rows that the page's script reads.
  private func rows(_ html: String) throws -> [[String: Any]] {
    let start = try #require(html.range(of: "id=\"explorer-data\">"))
    let end = try #require(html.range(of: "</script>", range: start.upperBound..<html.endIndex))
    let data = try JSONSerialization.jsonObject(with: Data(html[start.upperBound..<end.lowerBound].utf8)) as? [String: Any]
    return try #require(data?["rows"] as? [[String: Any]])
  }

  private func page(_ files: PatternFiles) throws -> String {
    let result = try ReportRun(folder: files.folder.path(percentEncoded: false)).run()
    return try String(contentsOf: URL(filePath: result.out), encoding: .utf8)
  }

  @Test func beforeStandsBeforeAfter() throws {
    let files = try PatternFiles()
    let profile = (0..<12).map { Double($0) / 10 - 0.3 }
    // By their names, after would come first.
    let level = { (shift: Double) in (0..<20).map { _ in profile.map { 1 + shift * $0 } } }
    for task in ["reading", "arithmetic"] {
      try files.write("\(task)-a.safetensors", level(1), model: "\(task)-tuned", task: task)
      try files.write("\(task)-b.safetensors", level(0), model: "base", task: task)
      _ = try ChangeRun(
        before: files.path("\(task)-b.safetensors"), after: files.path("\(task)-a.safetensors"), out: files.path("\(task)-0.safetensors")
      ).run()
    }
    let html = try page(files)
    let rows = try rows(html)
    #expect(rows.map { $0["name"] as? String } == ["arithmetic", "reading"])
    for row in rows {
      let maps = try #require(row["maps"] as? [[String: Any]])
      #expect(maps.map { $0["side"] as? String } == ["before", "after", "change"])
      #expect(maps.allSatisfy { ($0["errors"] as? [Double])?.count == 12 })
      #expect((maps[0]["strongest"] as? [[Any]])?.count == 12 && (maps[2]["strongest"] as? [[Any]])?.isEmpty == true)
    }
    // The tables and pictures have the same order.
    let cells = html.matches(of: /<td class="text short">([a-z]+-[ab0])<\/td>/).map { String($0.1) }
    #expect(cells.prefix(4) == ["arithmetic-b", "arithmetic-a", "reading-b", "reading-a"])
    #expect(
      html.contains(
        "Measured: base, arithmetic-tuned and reading-tuned (3 layers × 4 heads) on 20 samples each of arithmetic and reading, in float32.")
    )
    #expect(html.components(separatedBy: "<p class=\"summary\">").count == 4)
  }

  @Test func namesTellWhereNoChangeDoes() throws {
    let names = ["after", "gsm8k-tuned", "other", "base", "before_7b"]
    let matrix = try HeadMatrix(layers: 1, heads: 1, values: [1.0])
    let entries = try names.map { name in
      PatternOrder.Entry(
        name: name,
        file: .pattern(try ActivationPattern(provenance: Provenance(dataFingerprint: "d"), levels: [.magnitude: .init(mean: matrix)])))
    }
    #expect(PatternOrder(entries).rows.map { $0.map(\.name) } == [["base", "before_7b", "other", "after", "gsm8k-tuned"]])
    #expect(PatternOrder(entries).entries.map(\.side.name) == ["before", "before", "", "after", "after"])
  }

  @Test func tokensTrainingAndAblationsAreOnThePage() throws {
    let folder = try TemporaryFolder()
    var pattern = PatternRun(model: Examples.model, data: [Examples.problems], out: folder.path("p.safetensors"))
    pattern.model.elementType = .float32
    pattern.data.limit = 4
    pattern.keepsSamples = true
    pattern.tokens = 1
    pattern.tokenHeads = 2
    _ = try pattern.run()
    var ablation = AblationRun(model: Examples.model, data: [Examples.problems], choice: .heads(try HeadList("0:0,0:1,1:1")))
    ablation.model.elementType = .float32
    ablation.data.limit = 4
    ablation.out = folder.path("ablation.json")
    _ = try ablation.run()
    var training = TrainingRun(model: Examples.model, data: [Examples.problems], out: folder.path("tuned"))
    training.model.elementType = .float32
    training.data.limit = 8
    training.training.steps = 3
    training.training.epochs = nil
    training.training.batchSize = 2
    training.training.gradientAccumulation = 1
    training.track = Examples.problems
    training.trackLimit = 2
    training.training.trackingInterval = 1
    _ = try training.run()
    let result = try ReportRun(folder: folder.url.path(percentEncoded: false)).run()
    let html = try String(contentsOf: URL(filePath: result.out), encoding: .utf8)
    for text in ["Where in the text", "Training: tuned", "nats a label", "The noise floor is", "Ablation: ablation"] {
      #expect(html.contains(text), "\(text)")
    }
    #expect(result.numbers.contains("report/tokens-1.csv") && result.numbers.contains("report/training-1.csv"))
    // Damaged tokens are left out, and everything else stays.
    let tokens = folder.url.appending(path: "p.tokens.jsonl")
    let whole = try Data(contentsOf: tokens)
    try (whole + Data("{}\n".utf8)).write(to: tokens)
    let listener = Listener()
    _ = try ReportRun(folder: folder.url.path(percentEncoded: false)).run(listener.monitor)
    #expect(listener.notes.contains { $0.contains("left out") && $0.contains("p.tokens.jsonl") })
    #expect(try !String(contentsOf: URL(filePath: result.out), encoding: .utf8).contains("Where in the text"))
    let rows = try rows(html)
    let passages = try #require((rows[0]["maps"] as? [[String: Any]])?[0]["passages"] as? [[String: Any]])
    #expect(!passages.isEmpty && passages.allSatisfy { ($0["texts"] as? [String])?.isEmpty == false })
    let run = try #require(rows.last?["run"] as? [String: Any])
    #expect(run["steps"] as? [Int] == [0, 1, 2, 3] && (run["values"] as? [[Any]])?.count == 4)
  }
}
