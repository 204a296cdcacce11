import Foundation
import Testing

@testable import headway

/// The program as a user meets it: what it prints, where, and the status it leaves.
@Suite struct CommandLineTests: ProgramTests {
  @Test func helpHasAnExampleForEveryCommand() throws {
    let commands = ArgumentText.commands.map(\.name)
    #expect(commands.count > 12)
    for command in commands {
      let help = try headway(arguments: command.split(separator: " ").map(String.init) + ["--help"])
      #expect(help.status == 0)
      #expect(help.output.firstMatch(of: #/Examples?:\s+headway /#) != nil && help.output.contains("  headway \(command) "), "\(command)")
      #expect(help.output.contains("--json") && help.output.contains("--quiet"), "\(command)")
    }
    #expect(try headway("--version").output.isEmpty == false)
  }

  @Test func doctorSpeaksJSON() throws {
    let outcome = try headway("doctor", "--json")
    #expect(outcome.status == 0)
    let report = try json(outcome.output)
    #expect(report["libtorch"] is String && report["vector_code"] is String && report["memory_mib"] is Int)
  }

  @Test func patternsFromFolderToStatistics() throws {
    let folder = try folder()
    let measured = try headway(
      "pattern", Self.model, "--data", Self.problems, "--limit", "6", "--per-sample", "--score", "magnitude,signed,token,saliency",
      "--dtype", "float32",
      "--out", "p.safetensors", "--json", in: folder)
    #expect(measured.status == 0, "\(measured.errors)")
    let summary = try json(measured.output)
    #expect(summary["samples"] as? Int == 6)
    #expect(measured.errors.contains("read as gsm8k"))
    #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "p.safetensors.journal").path(percentEncoded: false)))
    let itself = try headway("change", "p.safetensors", "p.safetensors", "--out", "c.safetensors", in: folder)
    #expect(itself.status == 1 && itself.errors.contains("one model"), "\(itself.errors)")
    #expect(try headway("change", "p.safetensors", "p.safetensors", "--mixed", "--out", "c.safetensors", in: folder).status == 0)
    let statistics = try headway("stats", "p.safetensors", "--json", in: folder)
    #expect(statistics.status == 0 && statistics.output.hasPrefix("[{"))
    #expect(try headway("heatmap", "p.safetensors", "--out", "h.svg", in: folder).status == 0)
    #expect(try String(contentsOf: folder.appending(path: "h.svg"), encoding: .utf8).hasPrefix("<"))
  }

  /// An array of jobs, each of which measures a shard, and commands that read them as one pattern.
  @Test func shardsOfAPattern() throws {
    let folder = try folder()
    func pattern(_ more: String...) throws -> Outcome {
      try headway(
        arguments: [
          "pattern", Self.model, "--data", Self.problems, "--limit", "8", "--per-sample", "--dtype", "float32", "--batch-tokens", "100",
        ]
          + ["--threads", "1", "--quiet"] + more, in: folder)
    }
    func data(_ name: String) throws -> Data { try Data(contentsOf: folder.appending(path: name)) }
    #expect(try pattern("--out", "whole.safetensors").status == 0)
    for number in [1, 3] {
      let measured = try pattern("--out", "p.safetensors", "--shard", "\(number)/3", "--resume")
      #expect(measured.status == 0 && measured.output.hasPrefix("p.\(number)-of-3.safetensors: "), "\(measured.errors)")
    }
    let missing = try headway("stats", "p.safetensors", in: folder)
    #expect(missing.status == 1 && missing.output.isEmpty)
    #expect(missing.errors == "error: p.2-of-3.safetensors is missing; run pattern with --shard 2/3, or put it beside the other shards\n")
    #expect(try pattern("--out", "p.safetensors", "--shard=2/3").status == 0)
    let expected = try headway("stats", "p=whole.safetensors", "--csv", "--bootstrap", "40", in: folder)
    for names in [["p.safetensors"], ["p.2-of-3.safetensors"], (1...3).map { "p.\($0)-of-3.safetensors" }] {
      let told = try headway(arguments: ["stats", "--csv", "--bootstrap", "40"] + names, in: folder)
      #expect(told.status == 0, "\(told.errors)")
      #expect(told.output.replacing(names[0], with: "whole.safetensors") == expected.output)
    }
    #expect(try headway("heatmap", "p=whole.safetensors", "--out", "whole.svg", in: folder).status == 0)
    #expect(try headway("heatmap", "p.safetensors", "--out", "p.svg", in: folder).status == 0)
    #expect(try data("p.svg") == data("whole.svg"))
    // What a shard reads and where it writes is its own.
    let inPlace = try headway("change", "p.safetensors", "whole.safetensors", "--mixed", "--out", "p.safetensors", in: folder)
    #expect(inPlace.status == 1 && inPlace.errors.contains("p.safetensors is read by this run and cannot be its output too"))
    #expect(try headway("run", "p.2-of-3.run.yaml", "--quiet", in: folder).status == 0)
    for value in ["0/3", "4/3", "2", "2-of-3", "a/b"] {
      let wrong = try pattern("--out", "p.safetensors", "--shard", value)
      #expect(wrong.status == 64 && wrong.errors.contains("I/N, such as 2/4"), "\(wrong.errors)")
    }
    let npz = try pattern("--out", "p.npz", "--shard", "1/3")
    #expect(npz.status == 64 && npz.errors.contains("--shard writes .safetensors alone"), "\(npz.errors)")
  }

  /// What a training run tracked is described, drawn and reported by step, from its folder and from the folder that holds it.
  @Test func trackedPatternsOfATrainingRun() throws {
    let folder = try folder()
    let tuned = try headway(
      "sft", Self.model, "--data", Self.problems, "--limit", "4", "--steps", "2", "--track", Self.problems, "--track-limit", "2",
      "--track-every", "1", "--threads", "1", "--out", "tuned", in: folder)
    #expect(tuned.status == 0, "\(tuned.errors)")
    let statistics = try headway("stats", "tuned", "--json", in: folder)
    let entries = try JSONSerialization.jsonObject(with: Data(statistics.output.utf8)) as? [[String: Any]]
    #expect(entries?.map { $0["step"] as? Int } == [0, 1, 2], "\(statistics.errors)")
    #expect(try headway("heatmap", "tuned", "--out", "h.svg", in: folder).status == 0)
    for (place, title) in [(".", "Training: tuned"), ("tuned", "Training: tuned")] {
      let report = try headway("report", place, in: folder)
      #expect(report.status == 0 && !report.errors.contains("left out"), "\(report.errors)")
      let page = try String(contentsOf: folder.appending(path: place).appending(path: "report.html"), encoding: .utf8)
      #expect(page.contains(title))
    }
  }

  /// `ablate` from folder to JSON and picture; `--resume` on a finished run's leftovers, layers, curves.
  @Test func ablationFromFolderToPicture() throws {
    let folder = try folder()
    let shared = [Self.model, "--data", Self.problems, "--limit", "4", "--dtype", "float32", "--threads", "1"]
    func ablate(_ extra: String...) throws -> Outcome { try headway(arguments: ["ablate"] + shared + extra, in: folder) }
    let all = try ablate("--all", "--per-sample", "--json", "--out", "a.json", "--svg", "a.svg")
    #expect(all.status == 0, "\(all.errors)")
    let result = try json(all.output)
    let items = try #require(result["items"] as? [[String: Any]])
    #expect(result["samples"] as? Int == 4 && items.count > 3)
    #expect(items.allSatisfy { $0["true_change"] is Double && $0["prediction"] is Double && $0["layer"] is Int && $0["head"] is Int })
    #expect((result["agreement"] as? [String: Any])?["pearson"] is [String: Any])
    #expect(((result["per_sample"] as? [String: Any])?["true_change"] as? [[Double]])?.count == 4)
    #expect(try Data(contentsOf: folder.appending(path: "a.json")) == Data(all.output.utf8))
    #expect(try String(contentsOf: folder.appending(path: "a.svg"), encoding: .utf8).hasPrefix("<svg"))
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
    #expect(left.allSatisfy { !$0.hasSuffix("journal") })

    let curve = try ablate("--strongest", "3", "--cumulative", "--random-orders", "2", "--json", "--svg", "c.svg", "--out", "c.json")
    #expect(curve.status == 0, "\(curve.errors)")
    let curves = try json(curve.output)
    #expect(((curves["cumulative"] as? [String: Any])?["changes"] as? [Any])?.count == 3)
    #expect((curves["random"] as? [Any])?.count == 2)

    let report = try headway("report", ".", in: folder)
    #expect(report.status == 0, "\(report.errors)")
    let page = try String(contentsOf: folder.appending(path: "report.html"), encoding: .utf8)
    #expect(page.contains("Ablation: a") && page.contains("Ablation: c") && page.contains("Prediction against truth over"))
    let numbers = try String(contentsOf: folder.appending(path: "report/ablation-1.csv"), encoding: .utf8)
    #expect(numbers.split(whereSeparator: \.isNewline).count == items.count + 1)

    let layers = try ablate("--layers", "all")
    #expect(layers.status == 0 && layers.output.contains("layer 0") && layers.output.contains("together"), "\(layers.errors)")
  }

  /// An adapter's folder is a model; its base model has the tokenizer where it has none.
  @Test func adaptersAreAblatedWithTheirBaseModelsTokenizer() throws {
    let folder = try folder()
    let shared = ["--data", Self.problems, "--limit", "4", "--dtype", "float32", "--threads", "1"]
    let tuned = try headway(arguments: ["sft", Self.model, "--out", "adapter", "--lora-rank", "2", "--steps", "1"] + shared, in: folder)
    #expect(tuned.status == 0, "\(tuned.errors)")
    let adapter = folder.appending(path: "adapter")
    for name in try FileManager.default.contentsOfDirectory(atPath: adapter.path(percentEncoded: false)) where name.contains("token") {
      try FileManager.default.removeItem(at: adapter.appending(path: name))
    }
    let result = try headway(arguments: ["ablate", "adapter", "--heads", "0:0"] + shared, in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let ids = try headway("tokenize", "adapter", "--text", "two pears", in: folder)
    let own = try headway("tokenize", Self.model, "--text", "two pears")
    #expect(ids.status == 0 && ids.output == own.output, "\(ids.errors)")
    let counted = try headway("data", Self.problems, "--tokenizer", "adapter", "--json", in: folder)
    #expect(counted.status == 0, "\(counted.errors)")
    #expect(try json(counted.output)["tokens"] is [String: Any])
  }

  /// `explain` tells a head's strongest samples as text and as JSON, with no command for a terminal where none is watching.
  @Test func headsAreExplained() throws {
    let shared = ["explain", Self.model, "--data", Self.problems, "--limit", "3", "--dtype", "float32", "--threads", "1", "--quiet"]
    let told = try headway(arguments: shared + ["--head", "0:1", "--strongest", "2"])
    #expect(told.status == 0 && !told.output.contains("\u{1B}"), "\(told.errors)")
    #expect(told.output.components(separatedBy: "head 0:1, sample ").count == 3 && told.output.contains("most at: "))
    let result = try json(headway(arguments: shared + ["--index", "1", "--json"]).output)
    let samples = try #require(result["samples"] as? [[String: Any]])
    #expect(samples.count == 1 && samples[0]["index"] as? Int == 1)
    #expect((samples[0]["texts"] as? [String])?.count == (samples[0]["tokens"] as? [Int])?.count)
    for (extra, status, part) in [
      (["--head", "1"], 64, "LAYER:HEAD"), (["--head", "99:0"], 1, "there is no head 99:0"), (["--index", "x"], 64, "joined by commas"),
      (["--index", "1", "--strongest", "2"], 64, "name one of them"), (["--strongest", "0"], 64, "from 1 on"),
      (["--html", "x.svg"], 64, ".html"), (["--index", "77"], 1, "no sample at position 77"),
    ] as [([String], Int32, String)] {
      let outcome = try headway(arguments: shared + extra)
      #expect(outcome.status == status && outcome.errors.contains(part) && outcome.output.isEmpty, "\(extra): \(outcome.errors)")
    }
  }

  @Test func ablationRefusesWhatIsNotThere() throws {
    let shared = ["ablate", Self.model, "--data", Self.problems, "--limit", "2", "--quiet"]
    for (extra, status, part) in [
      ([], 64, "--heads, --strongest, --random, --all and --layers"), (["--all", "--random", "1"], 64, "not by 2"),
      (["--heads", ""], 64, "LAYER:HEAD"), (["--heads", "1;2"], 64, "LAYER:HEAD"), (["--heads", "0:1,0:1"], 64, "twice"),
      (["--layers", "x"], 64, "layers are numbers joined by commas"), (["--strongest", "0"], 64, "--strongest takes"),
      (["--all", "--resume"], 64, "--out"),
      (["--all", "--out", "x.txt"], 64, ".json"), (["--heads", "99:0"], 1, "there is no head 99:0"),
      (["--layers", "99"], 1, "there is no layer 99"),
      (["--random", "9999"], 1, "more than the model's"), (["--all", "--pattern", "none.safetensors"], 1, "none.safetensors"),
    ] as [([String], Int32, String)] {
      let outcome = try headway(arguments: shared + extra)
      #expect(outcome.status == status && outcome.errors.contains(part), "\(extra): \(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
  }

  /// A killed run goes on and ends with the same bytes as one that was left alone.
  @Test func killedRunsEndWithTheSameBytes() throws {
    let folder = try folder()
    let shared = ["--data", Self.problems, "--per-sample", "--batch-tokens", "100", "--dtype", "float32", "--threads", "1", "--quiet"]
    func run(_ name: String, _ extra: [String] = []) throws -> Process {
      let process = Process()
      process.executableURL = Self.program
      process.arguments = ["pattern", Self.model, "--out", name] + shared + extra
      process.currentDirectoryURL = folder
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      return process
    }
    let whole = try run("whole.safetensors")
    whole.waitUntilExit()
    #expect(whole.terminationStatus == 0)
    let journal = folder.appending(path: "killed.safetensors.journal").path(percentEncoded: false)
    let killed = try run("killed.safetensors")
    // As soon as something was found, without warning.
    for _ in 0..<600 where killed.isRunning {
      let attributes = try? FileManager.default.attributesOfItem(atPath: journal)
      if let size = attributes?[.size] as? Int, size > 2000 { break }
      Thread.sleep(forTimeInterval: 0.01)
    }
    kill(killed.processIdentifier, SIGKILL)
    killed.waitUntilExit()
    // Without --resume what it found is kept, and both ways are named.
    let found = try Data(contentsOf: URL(filePath: journal))
    let forgotten = try headway(arguments: ["pattern", Self.model, "--out", "killed.safetensors"] + shared, in: folder)
    #expect(
      forgotten.status == 1 && forgotten.errors.contains("--resume") && forgotten.errors.contains("--overwrite"), "\(forgotten.errors)")
    #expect(try Data(contentsOf: URL(filePath: journal)) == found)
    let resumed = try run("killed.safetensors", ["--resume"])
    resumed.waitUntilExit()
    #expect(resumed.terminationStatus == 0)
    let left = try Data(contentsOf: folder.appending(path: "whole.safetensors"))
    #expect(try Data(contentsOf: folder.appending(path: "killed.safetensors")) == left)
  }

  /// One sentence on standard error, nothing on standard output, status 1.
  @Test func wrongInputIsOneSentence() throws {
    let folder = try folder()
    try Data().write(to: folder.appending(path: "empty.jsonl"))
    try Data("{\"question\": \"x\"}\n".utf8).write(to: folder.appending(path: "field.jsonl"))
    try FileManager.default.copyItem(atPath: Self.model, toPath: folder.appending(path: "bare").path(percentEncoded: false))
    try FileManager.default.removeItem(at: folder.appending(path: "bare/tokenizer.json"))
    for (model, data, part) in [
      ("/no/where", Self.problems, "there is no folder /no/where"), (Self.model, "none.jsonl", "none.jsonl"),
      (Self.model, "empty.jsonl", "empty.jsonl"), (Self.model, "field.jsonl", "'question'"), ("bare", Self.problems, "tokenizer"),
    ] {
      let outcome = try headway("pattern", model, "--data", data, "--out", "x.npy", "--quiet", in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors.hasPrefix("error: ") && outcome.errors.contains(part), "\(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    }
  }

  @Test func samplesWithoutALabelAreCounted() throws {
    let folder = try folder()
    try Data(
      "{\"prompt\": \"one two three\", \"response\": \" four\"}\n{\"prompt\": \"one two three four five six\", \"response\": \" x\"}\n".utf8
    )
    .write(to: folder.appending(path: "d.jsonl"))
    // Cut so short that the second sample keeps nothing but its prompt.
    let outcome = try headway("pattern", Self.model, "--data", "d.jsonl", "--max-length", "1", "--out", "x.npy", in: folder)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("cut before their response begins, at 1 tokens; raise --max-length"))
  }

  @Test func idsComeBackAsText() throws {
    let text = "Mia has 21 pears 🍐, 三个梨."
    let ids = try headway("tokenize", Self.model, input: text + "\n")
    #expect(ids.status == 0 && ids.output.hasPrefix("["), "\(ids.errors)")
    let back = try headway("tokenize", Self.model, "--decode", input: ids.output)
    #expect(back.output.contains(text), "\(back.output) \(back.errors)")
  }
}

/// Data that holds nothing to learn from, as a user meets it.
@Suite struct DataShortageTests: ProgramTests {
  @Test func eachCaseHasItsSentence() throws {
    let folder = try folder()
    try Data("{\"prompt\": \"a\", \"response\": \"b\", \"language\": \"en\"}\n".utf8).write(to: folder.appending(path: "x.jsonl"))
    try Data("{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n".utf8).write(to: folder.appending(path: "y.jsonl"))
    for (arguments, sentence) in [
      (["x.jsonl", "--language", "xx"], "x.jsonl: the filter leaves none of its 1 samples: 1 are not in the language of --language"),
      (["y.jsonl", "--format", "pairs"], "none of its 2 samples has a response; name the field that holds it with --map response=FIELD"),
      (["x.jsonl", "--map", "prompt=prompt, response=response"], "--map names ' response', which is empty or begins or ends with a space"),
    ] {
      let outcome = try headway(arguments: ["pattern", Self.model, "--out", "p.npy", "--data"] + arguments, in: folder)
      #expect(outcome.status != 0 && outcome.errors.contains(sentence), "\(outcome.errors)")
      #expect(!outcome.errors.contains("--max-length"))
    }
    let limited = try headway("data", "x.jsonl", "y.jsonl", "--format", "pairs", "--limit", "1", in: folder)
    #expect(limited.status == 0)
    #expect(limited.errors.contains("warning: nothing is read of y.jsonl: --limit is reached before"), "\(limited.errors)")
  }
}
