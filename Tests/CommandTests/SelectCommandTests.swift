import Foundation
import Testing

/// `headway select` and `headway mix --within` with real patterns of the small model.
@Suite struct SelectCommandTests: ProgramTests {
  @Test func samplesAreChosenFromMeasuredPatterns() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, limit) in [("target", "3"), ("pool", "9")] {
      let measured = try headway(
        "pattern", Self.model, "--data", Self.problems, "--per-sample", "--limit", limit, "--threads", "1", "--out", "\(name).safetensors",
        "--quiet",
        in: folder)
      #expect(measured.status == 0, "\(measured.errors)")
    }
    let arguments = [
      "select", "--target", "target.safetensors", "--pool", "pool.safetensors", "--pool-data", Self.problems, "--top", "4", "--out",
      "chosen.jsonl",
    ]
    let found = try headway(arguments: arguments + ["--json", "--explain", "--quiet"], in: folder)
    #expect(found.status == 0 && found.errors.isEmpty, "\(found.errors)")
    let result = try json(found.output)
    #expect(result["representation"] as? String == "pattern" && result["algorithm"] as? String == "mean")
    let chosen = try #require(result["chosen"] as? [[String: Any]])
    #expect(
      chosen.count == 4 && chosen.allSatisfy { $0["index"] is Int && $0["id"] is String && $0["score"] is Double && $0["heads"] is [Any] })
    let lines = try String(contentsOf: folder.appending(path: "chosen.jsonl"), encoding: .utf8).split(separator: "\n").map {
      try json(String($0))
    }
    let problems = try String(contentsOf: URL(filePath: Self.problems), encoding: .utf8).split(separator: "\n").map { try json(String($0)) }
    for (line, sample) in zip(lines, chosen) {
      let index = try #require(sample["index"] as? Int)
      #expect(index < 9 && (line["response"] as? String)?.hasSuffix(problems[index]["answer"] as? String ?? "none") == true)
    }

    // A person sees a table; the record does it again.
    let shown = try headway(arguments: arguments, in: folder)
    #expect(
      shown.output.contains("index") && shown.output.contains("score") && shown.errors.contains("4 of 9 samples written to chosen.jsonl"))
    let first = try Data(contentsOf: folder.appending(path: "chosen.jsonl"))
    try FileManager.default.removeItem(at: folder.appending(path: "chosen.jsonl"))
    #expect(try headway("run", "chosen.run.yaml", "--quiet", in: folder).status == 0)
    #expect(try Data(contentsOf: folder.appending(path: "chosen.jsonl")) == first)

    // Wrong from the arguments alone, or from what the files hold.
    let unknown = try headway(arguments: arguments + ["--representation", "patterns"], in: folder)
    #expect(unknown.status == 64 && unknown.errors.contains("--representation takes one of pattern, gradient"))
    let needless = try headway(
      "select", "--pool-data", Self.problems, "--top", "2", "--representation", "length", "--explain", "--out", "l.jsonl", in: folder)
    #expect(needless.status == 64 && needless.errors.contains("--explain is for attention patterns"))
    try Data("{\"prompt\": \"a\", \"response\": \"b\"}\n".utf8).write(to: folder.appending(path: "other.jsonl"))
    let other = try headway(
      "select", "--target", "target.safetensors", "--pool", "pool.safetensors", "--pool-data", "other.jsonl", "--top", "1", "--out",
      "o.jsonl", in: folder)
    #expect(other.status == 1 && other.errors.contains("pool.safetensors was not measured on other.jsonl as it is now"))
    let many = try headway(
      "select", "--target", "target.safetensors", "--pool", "pool.safetensors", "--pool-data", Self.problems, "--top", "10", "--out",
      "m.jsonl", in: folder)
    #expect(many.status == 1 && many.errors.contains("of which 9 can be chosen, and --top is 10"))

    try Data(#"{"target": "t", "names": ["sums"], "coefficients": {"sums": 1}, "r2": 1, "condition_number": 1, "subsets": []}"#.utf8)
      .write(to: folder.appending(path: "fit.json"))
    let mixed = try headway(
      "mix", "--fit", "fit.json", "--total", "4", "--data", "sums=\(Self.problems)", "--within", "target.safetensors", "--pool",
      "sums=pool.safetensors",
      "--out", "mix.jsonl", "--json", "--quiet", in: folder)
    #expect(mixed.status == 0, "\(mixed.errors)")
    let tasks = try #require(try json(mixed.output)["tasks"] as? [[String: Any]])
    #expect((tasks[0]["drawn"] as? [Int]).map(Set.init) == Set(chosen.compactMap { $0["index"] as? Int }))
    let alone = try headway(
      "mix", "--fit", "fit.json", "--total", "4", "--data", "sums=\(Self.problems)", "--within", "target.safetensors", "--out", "n.jsonl",
      in: folder)
    #expect(alone.status == 64 && alone.errors.contains("--within compares the tasks' patterns; name them as NAME=FILE by --pool"))
  }
}
