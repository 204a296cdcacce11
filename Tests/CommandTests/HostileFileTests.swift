import Foundation
import Testing

/// Files from elsewhere that are made to do harm: the program says what is wrong within a gigabyte, and what it shows is only shown.
@Suite(.timeLimit(.minutes(5))) struct HostileFileTests: ProgramTests {
  /// Runs a line of shell in which `$headway` is the program, with at most a gigabyte of memory for each process.
  private func shell(_ line: String, in folder: URL) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    #if os(Linux)
      let limit = "ulimit -d 1048576; "
    #else
      let limit = ""
    #endif
    process.arguments = ["-c", limit + line]
    process.environment = ProcessInfo.processInfo.environment.merging(["headway": Self.program.path(percentEncoded: false)]) { $1 }
    process.currentDirectoryURL = folder
    let place = try self.folder()
    for name in ["out", "err"] { try Data().write(to: place.appending(path: name)) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: place.appending(path: "out"))
    process.standardError = try FileHandle(forWritingTo: place.appending(path: "err"))
    try process.run()
    process.waitUntilExit()
    func text(_ name: String) throws -> String { String(decoding: try Data(contentsOf: place.appending(path: name)), as: UTF8.self) }
    return Outcome(
      status: process.terminationReason == .exit ? process.terminationStatus : -1, output: try text("out"), errors: try text("err"))
  }

  private func write(_ text: String, to name: String, in folder: URL) throws {
    try Data(text.utf8).write(to: folder.appending(path: name))
  }

  /// What a terminal would obey.
  private func holdsControls(_ text: String) -> Bool {
    text.unicodeScalars.contains { ($0.value < 0x20 && $0 != "\n") || (0x7F..<0xA0).contains($0.value) || $0.properties.isBidiControl }
  }

  @Test func foreignTextIsShownEscaped() throws {
    let folder = try folder()
    let evil = #"\u001b]0;owned\u0007\u001b[2J\u202etxt.exe\u009b31m\r"#
    let fields = ["prompt", "response", "task", "id", "language"].map { "\"\($0)\": \"\($0)\(evil)\"" }.joined(separator: ", ")
    try write("{\(fields), \"tags\": [\"a\(evil)\\nb\"], \"answer\": \"\(evil)\"}\n", to: "x.jsonl", in: folder)
    let shown = try headway("data", "x.jsonl", in: folder)
    #expect(shown.status == 0, "\(shown.errors)")
    #expect(shown.output.contains(#"\u{1B}]0;owned\u{7}"#) && shown.output.contains(#"\u{202E}txt.exe"#))
    #expect(!holdsControls(shown.output) && !holdsControls(shown.errors))
    // JSON is JSON: whoever reads it gets the text as it is.
    let report = try json(try headway("data", "x.jsonl", "--json", in: folder).output)
    let samples = try #require(report["samples"] as? [[String: Any]])
    #expect(samples.first?["prompt"] as? String == "prompt\u{1B}]0;owned\u{7}\u{1B}[2J\u{202E}txt.exe\u{9B}31m\r")

    try write("{\"a\(evil)\": 1}\n", to: "y.jsonl", in: folder)
    for outcome in [
      try headway("data", "y.jsonl", in: folder), try headway("data", "\u{1B}[2J\u{202E}.jsonl", in: folder),
      try headway("data", "o/\u{1B}[2J", in: folder), try headway("stats", "\u{1B}[2J.safetensors", in: folder),
      try headway("tokenize", "\u{1B}[2J", "--text", "x", in: folder),
    ] {
      #expect(outcome.status == 1 && !outcome.errors.isEmpty)
      #expect(!holdsControls(outcome.errors), "\(outcome.errors.debugDescription)")
    }
  }

  @Test func suggestedCommandsAreQuoted() throws {
    let folder = try folder()
    let adapter = folder.appending(path: "adapter")
    try FileManager.default.createDirectory(at: adapter, withIntermediateDirectories: true)
    let base = #"owner/name; touch $(whoami)'x"#
    try write(
      "{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 8, \"target_modules\": [\"q_proj\"], \"base_model_name_or_path\": \"\(base)\"}",
      to: "adapter/adapter_config.json", in: folder)
    let outcome = try headway("tokenize", "adapter", "--text", "x", in: folder)
    #expect(outcome.status == 1)
    if outcome.errors.contains("hf download") { #expect(outcome.errors.contains(#"hf download 'owner/name; touch $(whoami)'\''x'"#)) }
    let data = try headway("data", base, in: folder)
    #expect(data.errors.contains(#"hf download --repo-type dataset 'owner/name; touch $(whoami)'\''x'"#), "\(data.errors)")
  }

  @Test func closedStreamsAreNobodysFiles() throws {
    let folder = try folder()
    for (number, closed) in ["", "0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"].enumerated() {
      // Ten thousand samples, so that files are open while there is something to say.
      let outcome = try shell("\"$headway\" data '\(Self.problems)' --write out\(number).jsonl \(closed)", in: folder)
      #expect(outcome.status == 0, "\(closed): \(outcome.errors)")
      let written = try Data(contentsOf: folder.appending(path: "out\(number).jsonl"))
      #expect(written == (try Data(contentsOf: folder.appending(path: "out0.jsonl"))), "\(closed)")
    }
    #if os(Linux)
      // Whatever was closed is open now, and is no file of ours: the lowest number free is 3 and above.
      let outcome = try shell(
        "\"$headway\" pattern '\(Self.model)' --data '\(Self.problems)' --limit 2 --out p.safetensors 0<&- 1>&- 2>&-", in: folder)
      #expect(outcome.status == 0)
      #expect(try headway("stats", "p.safetensors", in: folder).status == 0)
    #endif
  }

  @Test func smallFilesTakeLittleMemory() throws {
    let folder = try folder()
    let parquet = Self.package.appending(path: "Tests/InstructionsTests/Fixtures/parquet").path(percentEncoded: false)
    for name in ["expanding-texts", "expanding-list", "expanding-rows"] {
      let outcome = try shell("\"$headway\" data '\(parquet)/\(name).parquet'", in: folder)
      #expect(outcome.status == 1, "\(name): \(outcome.errors)")
      #expect(outcome.errors.hasPrefix("error: ") && outcome.errors.contains("\(name).parquet"), "\(outcome.errors)")
    }
    let lists = String(repeating: "[{}],", count: 3_000_000)
    try write("{\"prompt\": [\(lists)1]}\n", to: "lists.jsonl", in: folder)
    try write(String(repeating: "\"x\",", count: 4_000_000), to: "cells.csv", in: folder)
    try write("{\"prompt\": \"\(String(repeating: "x", count: 15 << 20))\", \"response\": \"y\"}\n", to: "long.jsonl", in: folder)
    for (name, status) in [("lists.jsonl", 1), ("cells.csv", 1), ("long.jsonl", 0)] {
      let outcome = try shell("\"$headway\" data \(name) --tokenizer '\(Self.model)'", in: folder)
      #expect(outcome.status == status, "\(name): \(outcome.errors)")
    }
  }

  /// Data may come through a pipe, and is waited for; a model and a result may not.
  @Test func pipesKeepNobodyWaiting() throws {
    let folder = try folder()
    let outcome = try shell(
      """
      mkdir model && cp '\(Self.model)'/*.json model && mkfifo model/model.safetensors result.safetensors
      "$headway" pattern model --data '\(Self.problems)' --out p.safetensors; echo $?
      rm model/tokenizer.json model/model.safetensors && cp '\(Self.model)'/model.safetensors model && mkfifo model/tokenizer.json
      "$headway" tokenize model --text x; echo $?
      "$headway" stats result.safetensors; echo $?
      mkdir -p results/run/headway && mkfifo results/fit.json results/p.run.yaml
      cd results/run/headway && mkfifo metrics.jsonl summary.json files.json run.yaml && cd ../../..
      "$headway" report results; echo $?; "$headway" report results/run; echo $?
      rm model/tokenizer.json && cp '\(Self.model)'/tokenizer.json model && rm model/config.json && mkfifo model/config.json
      "$headway" pattern model --data '\(Self.problems)' --out p.safetensors; echo $?
      """, in: folder)
    #expect(outcome.output == "1\n1\n1\n1\n1\n1\n", "\(outcome.errors)")
    #expect(outcome.errors.contains("it is a pipe or a device, not a file"))
  }
}
