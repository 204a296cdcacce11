import Foundation
import Testing

/// `headway generate` as a user meets it.
@Suite struct GenerateTests: ProgramTests {
  private let shared = ["generate", Self.model, "--dtype", "float32", "--threads", "1"]

  private func generate(_ extra: String..., input: String = "") throws -> Outcome {
    try headway(arguments: shared + extra, input: input)
  }

  /// The text that appears is the one that JSON holds, from an option and from standard input.
  @Test func textAppearsAndIsToldAsJSON() throws {
    let plain = try generate("--prompt", "Tom has 3 pears.", "--max-tokens", "12")
    #expect(plain.status == 0 && plain.errors.contains("ended after 12 tokens; --max-tokens"), "\(plain.errors)")
    let told = try generate("--prompt", "-", "--max-tokens", "12", "--json", "--quiet", input: "Tom has 3 pears.")
    #expect(told.status == 0 && told.errors.isEmpty, "\(told.errors)")
    let result = try json(told.output)
    let text = try #require(result["text"] as? String)
    #expect(plain.output == text + "\n" && (result["tokens"] as? [Int])?.count == 12 && result["finish"] as? String == "length")
    #expect(Set(result.keys) == ["text", "tokens", "finish"])

    // A stop text ends it, and is not shown, not even its beginning.
    let stop = String(text.dropFirst(4).prefix(5))
    let stopped = try generate("--prompt", "Tom has 3 pears.", "--max-tokens", "12", "--stop", "never", "--stop", stop)
    #expect(stopped.output == String(text[..<(try #require(text.range(of: stop)).lowerBound)]) + "\n" && stopped.status == 0)
    let why = try json(try generate("--prompt", "Tom has 3 pears.", "--max-tokens", "12", "--stop", stop, "--json").output)
    #expect(why["finish"] as? String == "stop")
  }

  /// A file of prompts becomes as many lines of JSON.
  @Test func filesOfPromptsBecomeLines() throws {
    let folder = try folder()
    try Data("\"Tom has 3 pears.\"\n{\"prompt\": \"Anna\"}\n".utf8).write(to: folder.appending(path: "p.jsonl"))
    let arguments = shared + ["--prompts", "p.jsonl", "--max-tokens", "5"]
    let lines = try headway(arguments: arguments, in: folder)
    #expect(lines.status == 0 && lines.errors.contains("10 tokens in"), "\(lines.errors)")
    let found = try lines.output.split(separator: "\n").map { try json(String($0)) }
    #expect(found.map { ($0["tokens"] as? [Int])?.count } == [5, 5])
    let document = try json(try headway(arguments: arguments + ["--json", "--batch-size", "1"], in: folder).output)
    #expect((document["texts"] as? [[String: Any]])?.map { $0["text"] as? String } == found.map { $0["text"] as? String })
    let likely = try json(try headway(arguments: shared + ["--prompt", "Tom", "--max-tokens", "3", "--json", "--logprobs"]).output)
    #expect((likely["logprobs"] as? [Double])?.count == 3 && (likely["logprobs"] as? [Double])?.allSatisfy { $0 < 0 } == true)
    #expect(document["tokens"] as? Int == 10 && document["tokens_per_second"] is Double)
  }

  @Test func seedsDraw() throws {
    func draw(_ seed: String) throws -> String {
      let outcome = try generate(
        "--prompt", "Tom", "--max-tokens", "12", "--temperature", "1.2", "--top-k", "50", "--top-p", "0.9", "--seed", seed)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return outcome.output
    }
    let first = try draw("1")
    #expect(try draw("1") == first)
    #expect(try draw("2") != first)
  }

  /// Adapters and checkpoints of a training run are models.
  @Test func adaptersAndCheckpointsWrite() throws {
    let folder = try folder()
    for (out, extra) in [("adapter", ["--lora-rank", "2"]), ("tuned", ["--save-every", "1"])] {
      let tuned = try headway(
        arguments: ["sft", Self.model, "--data", Self.problems, "--limit", "4", "--out", out, "--steps", "1", "--dtype", "float32"] + extra,
        in: folder)
      #expect(tuned.status == 0, "\(tuned.errors)")
    }
    for model in ["adapter", "tuned", "tuned/headway/checkpoints/step-1"] {
      let outcome = try headway("generate", model, "--prompt", "Tom has", "--max-tokens", "3", "--json", in: folder)
      #expect(outcome.status == 0, "\(model): \(outcome.errors)")
      #expect(try (json(outcome.output)["tokens"] as? [Int])?.count == 3)
    }
  }

  @Test func refusesWhatMakesNoSense() throws {
    for (extra, status, part) in [
      (["--max-tokens", "0"], 64, "--max-tokens takes a number"), (["--temperature", "-1"], 64, "--temperature takes"),
      (["--top-p", "0.5"], 64, "--top-p is for text that is drawn"), (["--top-k", "-1"], 64, "--top-k takes"),
      (["--stop", ""], 64, "--stop takes a text"), (["--seed", "3"], 64, "--seed is for"),
      (["--max-tokens", "\(Int.max)"], 1, "--max-tokens"),
    ] as [([String], Int32, String)] {
      let outcome = try headway(arguments: shared + ["--prompt", "Tom"] + extra)
      #expect(outcome.status == status && outcome.errors.contains(part) && outcome.output.isEmpty, "\(extra): \(outcome.errors)")
    }
    #expect(try headway("generate", "/no/where", "--prompt", "Tom").status == 1)
    #expect(try headway("generate", Self.model).status == 64)
    #expect(try headway("generate", Self.model, "--prompt", "a", "--prompts", "b").status == 64)
    #expect(try headway("generate", Self.model, "--prompt", "a", "--logprobs").status == 64)
  }
}
