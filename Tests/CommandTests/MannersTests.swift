import Foundation
import Runs
import Testing

@testable import headway

/// How the program behaves on terminals, in shells and beside other programs.
@Suite struct MannersTests: ProgramTests {
  // MARK: Progress

  @Test func theBarGivesWayToTheFigures() {
    let progress = RunProgress(stage: "levels", completed: 12, total: 30, unit: "samples", figures: ["loss 2.3410"], secondsLeft: 41)
    #expect(progress.text == "levels: 12/30 samples, loss 2.3410, 41 s left")
    #expect(progress.line(columns: 200, bar: .ascii) == "levels: ############------------------ 12/30 samples, loss 2.3410, 41 s left")
    #expect(progress.line(columns: 54, bar: .ascii) == "levels: ###----- 12/30 samples, loss 2.3410, 41 s left")
    #expect(progress.line(columns: 53, bar: .ascii) == progress.text)
    #expect(progress.line(columns: 20, bar: .blocks) == "levels: 12/30 sampl…")
    #expect(progress.line(columns: 1, bar: .blocks) == "…")
    #expect(progress.line(columns: 0, bar: .blocks).isEmpty)
    let chinese = RunProgress(stage: "任务", completed: 1, total: nil, unit: "samples")
    #expect(chinese.line(columns: 4, bar: .blocks) == "任…")
    #expect(chinese.line(columns: 100, bar: .blocks) == "任务: 1 samples")
  }

  @Test func barsAreAsWideAsTheyShouldBe() {
    for bar in [ProgressBar.blocks, .ascii] {
      for share in [-1, 0, 0.01, 0.124, 0.125, 0.5, 0.999, 1, 7, .nan, .infinity] { #expect(bar.text(share, columns: 17).count == 17) }
    }
    #expect(ProgressBar.blocks.text(0.5, columns: 3) == "█▌░")
    #expect(ProgressBar.blocks.text(1, columns: 3) == "███")
  }

  // MARK: Version, completions, manual page

  @Test func theVersionHasAShortName() throws {
    let long = try headway("--version")
    let short = try headway("-v")
    #expect(short.status == 0 && short.output == long.output && !short.output.isEmpty)
    #expect(try headway("--help").output.contains("-v"))
    let nothing = try headway()
    #expect(nothing.status == 0 && nothing.output.contains("USAGE: headway"))
  }

  @Test func shellsGetTheirCompletions() throws {
    for (shell, mark) in [("bash", "complete "), ("zsh", "#compdef headway"), ("fish", "complete -c 'headway'")] {
      let script = try headway("completions", shell)
      #expect(script.status == 0 && script.output.contains(mark), "\(shell): \(script.output.prefix(200))")
      for name in ["pattern", "head-scores", "gsm8k"] { #expect(script.output.contains(name), "\(shell) \(name)") }
    }
    let wrong = try headway("completions", "bsh")
    #expect(wrong.status == 64 && wrong.errors.contains("did you mean 'bash'?"), "\(wrong.errors)")
    let bash = try headway("completions", "bash").output
    let folder = try folder()
    try Data(bash.utf8).write(to: folder.appending(path: "headway.bash"))
    let check = Process()
    check.executableURL = URL(filePath: "/bin/bash")
    check.arguments = ["-n", folder.appending(path: "headway.bash").path(percentEncoded: false)]
    try check.run()
    check.waitUntilExit()
    #expect(check.terminationStatus == 0)
  }

  @Test func theManualPageHasEveryCommand() throws {
    let page = try headway("manual")
    #expect(page.status == 0 && page.output.hasPrefix(".\\\" Made by headway manual.\n.TH HEADWAY 1"))
    for name in ArgumentText.commands.map(\.name) where name != "manual" {
      #expect(page.output.contains(".SS \"headway \(name)\"\n"), "\(name)")
    }
    #expect(page.output.contains("\\fB\\-\\-head\\-scores\\fR \\fIfile\\fR"))
    // A line that begins with a point is a macro, and these are all that are used.
    let macros = Set(page.output.split(separator: "\n").filter { $0.hasPrefix(".") }.map { String($0.prefix { $0 != " " }) })
    #expect(macros == [".\\\"", ".TH", ".SH", ".SS", ".B", ".I", ".br", ".PP", ".TP", ".nf", ".fi"], "\(macros)")
  }

  // MARK: Tables

  @Test func tablesAreValuesForOtherPrograms() throws {
    let folder = try folder()
    let measured = try headway(
      "pattern", Self.model, "--data", Self.problems, "--limit", "4", "--per-sample", "--dtype", "float32", "--out", "p.safetensors",
      in: folder)
    #expect(measured.status == 0, "\(measured.errors)")
    let statistics = try headway("stats", "p.safetensors", "name, with comma=p.safetensors", "--csv", in: folder)
    let lines = statistics.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 4 && lines.last == "", "\(statistics.errors)")
    #expect(
      lines.first?.hasPrefix("name,path,step,score,gini,") == true && lines[2].hasPrefix("\"name, with comma\",p.safetensors,,magnitude,0.")
    )
    let correlated = try headway("correlate", "a=p.safetensors", "b=p.safetensors", "--csv", in: folder)
    #expect(correlated.output.hasPrefix("name,a,b\na,1.0,"), "\(correlated.output)")
    let both = try headway("stats", "p.safetensors", "--csv", "--json", in: folder)
    #expect(both.status == 64 && both.errors.contains("--csv and --json both say how the result is printed"))
    let shown = try headway("evaluate", Self.model, "--benchmark", "gsm8k", "--data", Self.problems, "--show", "0", "--csv", in: folder)
    #expect(shown.status == 64 && shown.errors.contains("--csv has no effect with --show"))
    let ablated = try headway(
      "ablate", Self.model, "--data", Self.problems, "--limit", "2", "--heads", "0:1,1:0", "--dtype", "float32", "--csv", in: folder)
    #expect(
      ablated.output.hasPrefix("group,off,layer,head,count,true_change,") && ablated.output.contains("\nsingle,0:1,0,1,1,"),
      "\(ablated.errors)")
  }

  @Test func headScoresAreThoseOfTheSamples() throws {
    let folder = try folder()
    for (name, extra) in [("kept", ["--per-sample"]), ("mean", [])] {
      let measured = try headway(
        arguments: ["pattern", Self.model, "--data", Self.problems, "--limit", "3", "--out", "\(name).safetensors"] + extra, in: folder)
      #expect(measured.status == 0, "\(measured.errors)")
      let written = try headway("stats", "\(name).safetensors", "--head-scores", "\(name).json", in: folder)
      #expect(written.status == 0, "\(written.errors)")
    }
    func read(_ name: String) throws -> [String: [Double]] {
      try #require(JSONSerialization.jsonObject(with: Data(contentsOf: folder.appending(path: name))) as? [String: [Double]])
    }
    let (kept, mean) = (try read("kept.json"), try read("mean.json"))
    #expect(kept.count == mean.count && kept.count > 3 && kept["0-0"]?.count == 3)
    for (head, scores) in kept {
      let other = try #require(mean[head]?.first)
      #expect(mean[head]?.count == 1 && abs(scores.reduce(0, +) / 3 - other) < 1e-5 * abs(other), "\(head)")
    }
    let again = try headway("stats", "kept.safetensors", "--head-scores", "kept.json", in: folder)
    #expect(again.status == 1 && again.errors.contains("--overwrite"), "\(again.errors)")
    #expect(try headway("stats", "kept.safetensors", "--head-scores", "kept.json", "--overwrite", in: folder).status == 0)
    let several = try headway("stats", "kept.safetensors", "mean.safetensors", "--head-scores", "x.json", in: folder)
    #expect(several.status == 64 && several.errors.contains("--head-scores holds the scores of one file, not of 2"), "\(several.errors)")
  }

  // MARK: Data as people have it

  @Test func dataComesThroughPipes() throws {
    let folder = try folder()
    let piped = try headway("data", "-", "--json", in: folder, input: "prompt;response\nWhat, again?;yes\nno;7\n")
    #expect(piped.status == 0, "\(piped.errors)")
    let summary = try json(piped.output)
    #expect(summary["files"] as? [String] == ["standard input"] && summary["count"] as? Int == 2 && summary["format"] as? String == "pairs")
    let empty = try headway("data", "-", in: folder)
    #expect(empty.status == 1 && empty.errors == "error: standard input: is empty; it should hold at least one record\n", "\(empty.errors)")
    let measured = try headway(
      "pattern", Self.model, "--data", "mine=-", "sums=\(Self.problems)", "--limit", "3", "--out", "p.safetensors", in: folder,
      input: "{\"prompt\": \"a\", \"response\": \"b\"}\n")
    #expect(measured.status == 0 && measured.errors.contains("read as pairs (mine), gsm8k (sums)"), "\(measured.errors)")
    let record = try String(contentsOf: folder.appending(path: "p.run.yaml"), encoding: .utf8)
    #expect(record.contains("mine=-") && record.contains("sums="), "\(record)")
    let missing = try headway("data", "mine=nothing.jsonl", in: folder)
    #expect(missing.status == 1 && missing.errors.contains("nothing.jsonl: there is no such file or folder"), "\(missing.errors)")
  }
}
