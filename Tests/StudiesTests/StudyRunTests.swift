import Foundation
import Ground
import Runs
import Testing

@testable import Studies

/// A whole study in seconds: made, stopped, gone on with, changed.
struct StudyRunTests {
  private func run(_ folder: StudyFolder, _ make: String, out: String = "out", _ changes: [String] = []) throws -> StudyRun {
    try TinyStudy.write(to: folder)
    try TinyStudy.text(make: make).write(toFile: folder.path("study.yaml"), atomically: true, encoding: .utf8)
    var run = StudyRun(file: folder.path("study.yaml"))
    run.out = folder.path(out)
    run.changes = changes
    return run
  }

  /// Every file that a study ends with, by its name.
  private func files(_ folder: StudyFolder, _ out: String) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for part in ["tables", "figures", "report"] {
      for name in try FileManager.default.contentsOfDirectory(atPath: folder.path("\(out)/\(part)")) {
        found["\(part)/\(name)"] = try Data(contentsOf: folder.url.appending(path: "\(out)/\(part)/\(name)"))
      }
    }
    found["study.json"] = try Data(contentsOf: folder.url.appending(path: "\(out)/study.json"))
    return found
  }

  @Test func everyTableAndFigureIsMadeAndNothingIsDoneTwice() throws {
    let folder = try StudyFolder()
    let all = "[\(StudyItems.names.joined(separator: ", "))]"
    var run = try run(folder, all)
    let listener = Listener()
    let result = try run.run(listener.monitor)
    for item in StudyItems.names {
      let table = try #require(result.table(item), "\(item)")
      #expect(!table.rows.isEmpty && table.rows.allSatisfy { $0.count == table.columns.count })
    }
    for table in result.tables {
      #expect(!table.rows.isEmpty && table.rows.allSatisfy { $0.count == table.columns.count }, "\(table.name)")
    }
    #expect(
      try JSONDecoder().decode(StudyResult.self, from: Data(contentsOf: folder.url.appending(path: "out/study.json"))).tables
        == result.tables)
    // Of three bins and three halves a correlation may not be defined.
    let arms = result.verdicts.filter { $0.table.hasPrefix("table") || $0.table == "retrieval" }.flatMap(\.arms)
    #expect(!arms.isEmpty && arms.allSatisfy { $0.seeds == 2 })
    // The page goes from a task to tokens, and through its training's steps.
    let page = try String(contentsOfFile: folder.path("out/report/report.html"), encoding: .utf8)
    for part in [
      "id=\"explorer-data\"", "\"side\":\"before\"", "\"side\":\"after\"", "\"texts\":[", "\"steps\":[0,",
      "<p class=\"summary\">Measured: ",
    ] {
      #expect(page.contains(part), "\(part)")
    }
    // Weights are given back, curves stay.
    let weights = FileManager.default.enumerator(atPath: folder.path("out/steps"))?.compactMap { $0 as? String } ?? []
    #expect(!weights.contains { $0.hasSuffix("model.safetensors") } && weights.contains { $0.hasSuffix("metrics.jsonl") })

    let before = try files(folder, "out")
    let again = Listener()
    _ = try run.run(again.monitor)
    #expect(again.steps.isEmpty)
    #expect(try files(folder, "out") == before)

    // A setting of the mixture: only what depends on it, the models that it needs trained again.
    run.changes = ["table_2.keep=1"]
    let changed = Listener()
    _ = try run.run(changed.monitor)
    #expect(!changed.steps.isEmpty && changed.steps.allSatisfy { $0.contains("/goal/mixture/") })
  }

  @Test func everyArmIsMadeOfAdaptersAndInAChatForm() throws {
    let folder = try StudyFolder()
    let arms = Study.Table2.Arm.allCases.map(\.rawValue).joined(separator: ", ")
    let run = try run(
      folder, "[table-2]",
      [
        "table_2.arms=[\(arms)]", "table_2.wrong=[letters]", "table_2.random_draws=1", "table_2.total=6", "training.lora_rank=2",
        "seeds=[0]",
        "models.tiny.chat=chatml", "device=cpu",
      ])
    let result = try run.run(.silent)
    let table = try #require(result.table("table-2"))
    #expect(table.rows.count == 1 + Study.Table2.Arm.allCases.count)
    #expect(result.verdicts.allSatisfy { $0.arms.allSatisfy { $0.seeds == 1 } })
    let crossed = try #require(result.table("table-2-crossed"))
    let places = try ["fitted", "equal", "gain"].map { name in try #require(crossed.columns.firstIndex { $0.name == name }) }
    #expect(crossed.rows.count == 3 && crossed.rows.allSatisfy { row in places.allSatisfy { row[$0] != .nothing } })
    let mixed = try #require(result.table("table-2-mixtures"))
    #expect(mixed.rows.contains { $0.contains(.text("wrong pair")) && $0.suffix(3) == [.number(6), .number(1), .number(1)] })
    let page = try String(contentsOfFile: folder.path("out/report/report.html"), encoding: .utf8)
    #expect(page.contains("Arms; in brackets 95% intervals over seeds; tiny; goal; loss"))
    let shares = try #require(result.table("table-2-shares"))
    #expect(shares.rows.contains { $0.contains(.text("wrong pair")) && $0.contains(.text("letters")) && $0.contains(.number(6)) })
    // Neither adapters nor merged weights stay.
    let left = FileManager.default.enumerator(atPath: folder.path("out/steps"))?.compactMap { $0 as? String } ?? []
    #expect(!left.contains { $0.hasSuffix("model.safetensors") } && left.contains { $0.hasSuffix("first/merged/step.json") })
  }

  @Test func aStudyThatIsStoppedAgainAndAgainEndsWithTheSameFiles() throws {
    let folder = try StudyFolder()
    let make = "[table-1, figure-5, table-2]"
    _ = try run(folder, make, out: "whole").run(.silent)
    let stopped = try run(folder, make, out: "stopped")
    for limit in [1, 4, 9, 23] {
      #expect(throws: RunStopped.self) { try stopped.run(Listener(stopAfter: limit).monitor) }
      #expect(!FileManager.default.fileExists(atPath: folder.path("stopped/study.json")))
    }
    _ = try stopped.run(.silent)
    #expect(try files(folder, "stopped") == files(folder, "whole"))
  }

  /// What kills leave at all kinds of moments, put into a study's folder: nothing of it stays.
  @Test func aStudyThatIsKilledEndsWithTheSameFiles() throws {
    let folder = try StudyFolder()
    let run = try run(folder, "[table-1, table-2]", ["seeds=[0]", "table_2.random_draws=1", "table_2.arms=[target-alone]"])
    _ = try run.run(.silent)
    func names() -> Set<String> { Set(FileManager.default.enumerator(atPath: folder.path("out"))?.compactMap { $0 as? String } ?? []) }
    func write(_ name: String) throws {
      let url = folder.url.appending(path: "out/\(name)")
      try Folders.make(url.deletingLastPathComponent())
      try Data("{}".utf8).write(to: url)
    }
    let whole = names()
    let steps = whole.sorted().filter { $0.hasSuffix("/step.json") }.map { String($0.dropLast("/step.json".count)) }
    let part = "\(ThisProcess.host).\(Int32.max)-12345678.part"
    // Just after steps had ended, and while weights were given back.
    for step in steps {
      for name in ["begun.json", ".step.json.\(part)"] { try write("\(step)/\(name)") }
    }
    let trained = try #require(steps.first { $0.hasSuffix("/train") })
    let model = OutputFolder(folder.url.appending(path: "out/\(trained)/model"))
    try model.claim(["config.json", "model.safetensors"])
    for name in [
      "model.safetensors", "headway/.files.json.\(part)", "headway/checkpoints/step-2/training_state.json",
      "headway/checkpoints/.step-3.\(part)/config.json",
    ] {
      try write("\(trained)/model/\(name)")
    }
    for name in ["report/.report.html.\(part)", "tables/.table-1.csv.\(part)", "headway/.files.json.\(part)"] { try write(name) }
    _ = try run.run(.silent)
    #expect(names().symmetricDifference(whole) == [] && model.own == [])

    // Inside steps: data were written, and what tells of them was not. Other steps need weights that were given back, and train again.
    let part1 = try #require(steps.first { FileKind(of: folder.url.appending(path: "out/\($0)/data.jsonl")) == .file })
    let mixture = try #require(steps.first { FileKind(of: folder.url.appending(path: "out/\($0)/mixture.jsonl")) == .file })
    for step in [part1, mixture] {
      let place = folder.url.appending(path: "out/\(step)")
      try FileManager.default.moveItem(at: place.appending(path: "step.json"), to: place.appending(path: "begun.json"))
      for name in [".data.jsonl.\(part)", ".result.json.\(part)"] { try write("\(step)/\(name)") }
    }
    try FileManager.default.removeItem(at: folder.url.appending(path: "out/\(mixture)/mixture.manifest.json"))
    _ = try run.run(.silent)
    #expect(names().symmetricDifference(whole) == [])
  }

  /// What a step's error says of going on fits the study, which has no option for it.
  @Test func anErrorOfAStepTellsHowTheStudyGoesOn() throws {
    let folder = try StudyFolder()
    let run = try run(folder, "[table-1]", ["seeds=[0]"])
    // Somebody puts a file where the trained weights belong.
    let monitor = RunMonitor(progress: { now in
      let place = run.folder.appending(path: "steps/\(now.stage ?? "")/model/model.safetensors")
      if (now.stage ?? "").hasSuffix("/train"), FileKind(of: place) == nil { try? Data("mine".utf8).write(to: place) }
    })
    let error = #expect(throws: RunError.self) { try run.run(monitor) }
    let text = try #require(error).description
    #expect(text.hasSuffix("the last checkpoint holds the whole run, and running the study again goes on from it"), "\(text)")
  }

  @Test func aFolderOfSomebodyElseIsLeftAlone() throws {
    let folder = try StudyFolder()
    let run = try run(folder, "[table-1]")
    try FileManager.default.createDirectory(atPath: folder.path("out"), withIntermediateDirectories: true)
    try "mine".write(toFile: folder.path("out/notes.txt"), atomically: true, encoding: .utf8)
    #expect(throws: OutputError.self) { try run.run(.silent) }
    #expect(try String(contentsOfFile: folder.path("out/notes.txt"), encoding: .utf8) == "mine")
  }

  @Test func aPlanOfWhatIsNotThereIsNotRun() throws {
    let folder = try StudyFolder()
    let run = try run(folder, "[table-1]", ["models.tiny.path=./nowhere", "models.tiny.shape=opt-6.7b"])
    let error = #expect(throws: RunError.self) { try run.run(.silent) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("the weights of tiny"))
  }
}
