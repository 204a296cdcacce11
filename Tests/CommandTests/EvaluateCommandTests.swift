import Foundation
import Testing

/// `evaluate` as a user meets it.
@Suite struct EvaluateCommandTests: ProgramTests {
  private static let questions = """
    {"id": "q0", "question": {"stem": "Which of these floats on water?", "choices": [{"text": "a cork", "label": "A"}, {"text": "a stone", "label": "B"}, {"text": "a nail", "label": "C"}, {"text": "a coin", "label": "D"}]}, "answerKey": "A"}
    {"id": "q1", "question": {"stem": "What falls from clouds?", "choices": [{"text": "dust", "label": "A"}, {"text": "rain", "label": "B"}, {"text": "leaves", "label": "C"}, {"text": "stars", "label": "D"}]}, "answerKey": "B"}

    """

  private func folderWithQuestions() throws -> URL {
    let folder = try folder()
    try Data(Self.questions.utf8).write(to: folder.appending(path: "arc.jsonl"))
    return folder
  }

  private var shared: [String] {
    ["evaluate", Self.model, "--benchmark", "arc", "--data", "arc.jsonl", "--dtype", "float32", "--threads", "1"]
  }

  @Test func questionsToFigures() throws {
    let folder = try folderWithQuestions()
    let outcome = try headway(
      arguments: shared + ["--variant", "lm-eval", "--json", "--predictions", "p.jsonl", "--out", "r.json"], in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let result = try json(outcome.output)
    #expect(result["benchmark"] as? String == "arc" && result["variant"] as? String == "lm-eval" && result["count"] as? Int == 2)
    #expect((result["value"] as? Double).map { (0...1).contains($0) } == true && result["acc_norm"] is Double && result["stderr"] is Double)
    #expect(result["unanswered"] as? Int == 0 && result["truncated"] as? Int == 0 && result["close"] is Int)
    #expect(try Data(contentsOf: folder.appending(path: "r.json")) == Data(outcome.output.utf8))
    let lines = try String(contentsOf: folder.appending(path: "p.jsonl"), encoding: .utf8).split(separator: "\n")
    let line = try json(String(try #require(lines.last)))
    #expect(lines.count == 2 && line["index"] as? Int == 1 && line["id"] as? String == "q1" && line["gold"] as? String == "B")
    #expect(
      line["prompt"] as? String == "Question: What falls from clouds?\nAnswer:" && line["correct"] is Bool && line["answer"] is String)
    let options = try #require(line["options"] as? [[String: Any]])
    #expect(
      options.count == 4 && options.allSatisfy { ($0["logprob"] as? Double ?? 0) < 0 && $0["score"] is Double && $0["tokens"] is Int })
    #expect(options.compactMap { $0["text"] as? String } == ["dust", "rain", "leaves", "stars"])
    let text = try headway(arguments: shared, in: folder)
    #expect(text.output.hasPrefix("arc (opencompass ppl_a450bd, 0 shots): ") && text.errors.contains("2 questions"), "\(text.output)")
  }

  /// The exact prompt and ids, in text and JSON, without asking the model.
  @Test func showsAPrompt() throws {
    let folder = try folderWithQuestions()
    let shown = try headway(arguments: shared + ["--show", "1", "--json"], in: folder)
    #expect(shown.status == 0, "\(shown.errors)")
    let prompts = try #require(JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [[String: Any]])
    #expect(prompts.count == 1 && prompts[0]["prompt"] as? String == "Question: What falls from clouds?\nAnswer: \n")
    let option = try #require((prompts[0]["options"] as? [[String: Any]])?.last)
    let ids = try headway("tokenize", Self.model, "--text", "Question: What falls from clouds?\nAnswer: \nstars", "--json")
    let own = try #require(option["tokens"] as? [Int])
    let expected = try #require(JSONSerialization.jsonObject(with: Data(ids.output.utf8)) as? [[Int]])
    #expect(option["continuation"] as? String == "stars" && [own] == expected)
    let text = try headway(arguments: shared + ["--show", "0"], in: folder)
    #expect(text.output.contains("index 0, id q0, right answer A") && text.output.contains("tokens ["))
    let missing = try headway(arguments: shared + ["--show", "7"], in: folder)
    #expect(missing.status == 1 && missing.errors.contains("--show"), "\(missing.errors)")
  }

  @Test func refusesWhatMakesNoSense() throws {
    let folder = try folderWithQuestions()
    for (arguments, status, part) in [
      (["--benchmark", "arcs"], 64, "'--benchmark <name>'; did you mean 'arc'?"), (["--variant", "x"], 64, "its variants are"),
      (["--shots", "arc.jsonl"], 64, "no place for shots"), (["--resume"], 64, "--resume"), (["--out", "r.txt"], 64, ".json"),
      (["--template", "t.txt"], 64, "--template"), (["--show", "-1"], 64, "--show"),
      (["--variant", "lm-eval", "--shots", "arc.jsonl", "--shot-count", "1"], 1, "--shots"),
    ] as [([String], Int32, String)] {
      let outcome = try headway(arguments: shared + arguments, in: folder)
      #expect(outcome.status == status && outcome.errors.contains(part), "\(arguments): \(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
  }

  /// A killed run goes on and ends with the same bytes as one that was left alone.
  @Test func killedRunsEndWithTheSameBytes() throws {
    let folder = try folder()
    try Data((0..<400).map { _ in Self.questions }.joined().utf8).write(to: folder.appending(path: "arc.jsonl"))
    let arguments = shared + ["--batch-tokens", "100", "--quiet", "--predictions"]
    #expect(try headway(arguments: arguments + ["whole.jsonl"], in: folder).status == 0)
    let process = Process()
    process.executableURL = Self.program
    process.arguments = arguments + ["killed.jsonl"]
    process.currentDirectoryURL = folder
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let journal = folder.appending(path: "killed.jsonl.journal").path(percentEncoded: false)
    for _ in 0..<600 where process.isRunning {
      let attributes = try? FileManager.default.attributesOfItem(atPath: journal)
      if let size = attributes?[.size] as? Int, size > 2000 { break }
      Thread.sleep(forTimeInterval: 0.01)
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "killed.jsonl").path(percentEncoded: false)))
    let resumed = try headway(arguments: arguments + ["killed.jsonl", "--resume"], in: folder)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try Data(contentsOf: folder.appending(path: "killed.jsonl")) == Data(contentsOf: folder.appending(path: "whole.jsonl")))
  }
}
