import Foundation
import Ground
import Testing

/// What the program may write to, and what it must leave alone.
@Suite struct OutputTests: ProgramTests {
  /// A folder for one test, and the program run in it.
  private struct Place: ProgramTests {
    let url: URL
    init() throws {
      url = FileManager.default.temporaryDirectory.appending(path: "command-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    func file(_ name: String) -> URL { url.appending(path: name) }
    func write(_ text: String, _ name: String) throws {
      try FileManager.default.createDirectory(at: file(name).deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file(name))
    }
    func text(_ name: String) throws -> String { try String(contentsOf: file(name), encoding: .utf8) }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name).path(percentEncoded: false)) }
    func link(_ name: String, to other: String) throws {
      try FileManager.default.createSymbolicLink(atPath: file(name).path(percentEncoded: false), withDestinationPath: other)
    }
    func copyModel(_ name: String) throws {
      try FileManager.default.copyItem(atPath: Self.model, toPath: file(name).path(percentEncoded: false))
    }

    /// Every file below the folder and what it holds.
    func contents() throws -> [String: Data] {
      var found: [String: Data] = [:]
      for name in try FileManager.default.subpathsOfDirectory(atPath: url.path(percentEncoded: false)) {
        found[name] = (try? Data(contentsOf: file(name))) ?? Data()
      }
      return found
    }

    func run(_ arguments: [String]) throws -> Outcome { try headway(arguments: arguments, in: url) }
    func headway(_ arguments: String...) throws -> Outcome { try run(arguments) }
    func pattern(_ out: String, _ more: String...) throws -> Outcome {
      try run(["pattern", Self.model, "--out", out] + Self.shared + more)
    }
    func sft(_ model: String, _ out: String, _ more: String...) throws -> Outcome {
      try run(["sft", model, "--out", out, "--steps", "1"] + Self.shared + more)
    }
    private static let shared = ["--data", problems, "--limit", "4", "--dtype", "float32", "--threads", "1", "--quiet"]
  }

  /// The run is refused with one sentence, and nothing has changed.
  private func refused(
    _ place: Place, saying parts: String..., sourceLocation: SourceLocation = #_sourceLocation, _ run: () throws -> Outcome
  ) throws {
    let before = try place.contents()
    let outcome = try run()
    #expect(outcome.status == 1 && outcome.output.isEmpty, "\(outcome.errors)", sourceLocation: sourceLocation)
    for part in parts { #expect(outcome.errors.contains(part), "\(outcome.errors)", sourceLocation: sourceLocation) }
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
    let after = try place.contents()
    #expect(after == before, "\(Set(after.keys).symmetricDifference(before.keys))", sourceLocation: sourceLocation)
  }

  private func succeeds(_ outcome: Outcome, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(outcome.status == 0, "\(outcome.errors)", sourceLocation: sourceLocation)
  }

  // MARK: Inputs

  @Test func aModelIsNeverAnOutput() throws {
    let place = try Place()
    try place.copyModel("M")
    try place.link("link", to: "M")
    for out in ["M", "./M/", "link", "M/../link"] {
      for more in [[], ["--overwrite"]] {
        try refused(place) { try place.run(["sft", "M", "--data", Self.problems, "--steps", "1", "--out", out, "--quiet"] + more) }
      }
    }
    try FileManager.default.linkItem(at: place.file("M/model.safetensors"), to: place.file("hard.safetensors"))
    for out in ["M/model.safetensors", "link/model.safetensors", "hard.safetensors"] {
      try refused(place, saying: "cannot be its output too") {
        try place.headway("pattern", "M", "--data", Self.problems, "--out", out, "--overwrite", "--quiet")
      }
    }
    // A pattern beside the weights harms nobody, and is replaced.
    for _ in 0..<2 {
      succeeds(try place.headway("pattern", "M", "--data", Self.problems, "--limit", "2", "--out", "M/p.safetensors", "--quiet"))
    }
    try place.copyModel("base")
    succeeds(try place.sft("base", "adapter", "--lora-rank", "2"))
    for out in ["base", "adapter", "adapter/headway/checkpoints/step-1"] {
      for more in [[], ["--overwrite"]] { try refused(place) { try place.run(["merge", "adapter", "--out", out] + more) } }
    }
    // A run's own checkpoint is not a model to start over from in its folder.
    try refused(place, saying: "lies in adapter") { try place.sft("adapter/headway/checkpoints/step-1", "adapter", "--overwrite") }
  }

  @Test func dataAndPatternsAreNeverOutputs() throws {
    let place = try Place()
    try FileManager.default.copyItem(atPath: Self.problems, toPath: place.file("x.jsonl").path(percentEncoded: false))
    try place.link("link.jsonl", to: "x.jsonl")
    for (name, out) in [("x.jsonl", "x.jsonl"), ("x.jsonl", "link.jsonl"), ("link.jsonl", "x.jsonl")] {
      try refused(place, saying: "--overwrite") { try place.headway("data", name, "--write", out, "--quiet") }
      try refused(place, saying: "cannot be its output too") { try place.headway("data", name, "--write", out, "--quiet", "--overwrite") }
    }
    succeeds(try place.pattern("a.safetensors", "--per-sample"))
    succeeds(try place.pattern("b.safetensors", "--per-sample", "--max-length", "40"))
    try place.link("l.safetensors", to: "a.safetensors")
    for out in ["a.safetensors", "b.safetensors", "l.safetensors", "a.npz"] {
      try refused(place) { try place.headway("change", "a.safetensors", "b.safetensors", "--mixed", "--out", out, "--quiet") }
    }
    for out in ["a.safetensors", "b.ids.jsonl"] {
      try refused(place) {
        try place.headway("fit", "--target", "a.safetensors", "--basic", "b.safetensors", "--mixed", "--out", out, "--overwrite", "--quiet")
      }
    }
    try FileManager.default.linkItem(at: place.file("a.safetensors"), to: place.file("a.svg"))
    try refused(place, saying: "cannot be its output too") {
      try place.headway("heatmap", "a.safetensors", "--out", "a.svg", "--overwrite")
    }
    try FileManager.default.linkItem(at: place.file("x.jsonl"), to: place.file("x.json"))
    try refused(place, saying: "cannot be its output too") {
      try place.headway("ablate", Self.model, "--data", "x.jsonl", "--heads", "0:0", "--out", "x.json", "--overwrite", "--quiet")
    }
  }

  // MARK: What is there

  @Test func finishedResultsAreReplacedAndOthersFilesAreNot() throws {
    let place = try Place()
    succeeds(try place.pattern("a.safetensors", "--per-sample"))
    succeeds(try place.pattern("b.safetensors", "--per-sample", "--max-length", "40"))
    let commands: [(String, [String])] = [
      ("p.safetensors", ["pattern", Self.model, "--data", Self.problems, "--limit", "2"]),
      ("p.npz", ["pattern", Self.model, "--data", Self.problems, "--limit", "2"]),
      ("c.safetensors", ["change", "a.safetensors", "b.safetensors", "--mixed"]),
      ("f.json", ["fit", "--target", "a.safetensors", "--basic", "b.safetensors", "--mixed"]),
      ("h.svg", ["heatmap", "a.safetensors"]),
      ("r.json", ["ablate", Self.model, "--data", Self.problems, "--limit", "2", "--heads", "0:0"]),
    ]
    for (out, command) in commands {
      func run(_ more: String...) throws -> Outcome { try place.run(command + ["--out", out, "--quiet"] + more) }
      try place.write("my notes", out)
      try refused(place, saying: "\(out) is there already", "--overwrite") { try run() }
      succeeds(try run("--overwrite"))
      #expect(try place.contents()[out] != Data("my notes".utf8))
      succeeds(try run())
    }
    // What has no place for a mark is not known to be Headway's.
    succeeds(try place.pattern("p.npy"))
    try refused(place, saying: "p.npy is there already", "--overwrite") { try place.pattern("p.npy") }
    succeeds(try place.pattern("p.npy", "--overwrite"))
    succeeds(try place.headway("data", Self.problems, "--write", "d.jsonl", "--quiet"))
    try refused(place, saying: "d.jsonl is there already", "--overwrite") { try place.headway("data", Self.problems, "--write", "d.jsonl") }
    // Nothing but results is left.
    #expect(try place.contents().keys.allSatisfy { !$0.contains(".lock") && !$0.hasSuffix(".part") && !$0.hasSuffix(".journal") })
  }

  @Test func ablationsJournalsAreKept() throws {
    let place = try Place()
    func ablate(_ more: String...) throws -> Outcome {
      try place.run(["ablate", Self.model, "--data", Self.problems, "--limit", "2", "--heads", "0:0", "--out", "a.json", "--quiet"] + more)
    }
    for journal in ["a.json.journal", "a.json.levels.journal"] {
      try place.write("headway journal\tof another run\n", journal)
      try refused(place, saying: journal, "--resume", "--overwrite") { try ablate() }
      // The levels come first, so that only theirs is looked at before anything is measured.
      if journal.contains("levels") { try refused(place, saying: "another version") { try ablate("--resume") } }
      try place.write("Dear diary", journal)
      try refused(place, saying: "move it away") { try ablate("--overwrite") }
      try place.write("headway journal\tof another run\n", journal)
      succeeds(try ablate("--overwrite"))
      #expect(!place.exists(journal))
    }
  }

  @Test func aForeignFileOfTheIdsNameStays() throws {
    let place = try Place()
    try place.write("my ids\n", "notes.ids.jsonl")
    succeeds(try place.pattern("notes.safetensors"))
    #expect(try place.text("notes.ids.jsonl") == "my ids\n")
    for more in ["--quiet", "--overwrite"] {
      try refused(place, saying: "notes.ids.jsonl") { try place.pattern("notes.safetensors", "--per-sample", more) }
    }
  }

  @Test func severalScoresInAnArrayAreRefusedBeforeAnythingIsRead() throws {
    let outcome = try headway(arguments: ["pattern", "no-model", "--data", "no-data", "--score", "magnitude,signed", "--out", "p.npy"])
    #expect(outcome.status == 64 && outcome.errors.contains(".npy") && outcome.errors.contains("--score"), "\(outcome.errors)")
  }

  // MARK: Folders

  @Test func foldersWithAnythingElseAreRefused() throws {
    let place = try Place()
    try place.copyModel("base")
    try place.write("mine", "notes/notes.txt")
    try place.write("mine", "project/headway/main.py")
    succeeds(try place.sft("base", "adapter", "--lora-rank", "2"))
    for out in ["notes", "project"] {
      for more in ["--quiet", "--overwrite", "--resume"] {
        try refused(place, saying: "holds what Headway did not write") { try place.sft("base", out, more) }
      }
      for more in ["--quiet", "--overwrite"] {
        try refused(place, saying: "holds what Headway did not write") { try place.headway("merge", "adapter", "--out", out, more) }
      }
    }
    succeeds(try place.headway("merge", "adapter", "--out", "merged"))
    try refused(place, saying: "--overwrite") { try place.headway("merge", "adapter", "--out", "merged") }
    succeeds(try place.headway("merge", "adapter", "--out", "merged", "--overwrite"))
    // A shard of another model beside the merged one, whose name WeightWriter might give too.
    try place.write("mine", "merged/model-00001-of-00009.safetensors")
    try refused(place, saying: "model-00001-of-00009.safetensors") {
      try place.headway("merge", "adapter", "--out", "merged", "--overwrite")
    }
    succeeds(try place.headway("merge", "adapter", "--out", "new/merged"))
  }

  @Test func overwritingARunDeletesOnlyItsOwnAndOnlyWhenAllElseIsSound() throws {
    let place = try Place()
    try place.copyModel("base")
    succeeds(try place.sft("base", "run", "--lora-rank", "2"))
    try place.write("mine", "run/headway/notes.txt")
    try place.write("mine", "run/headway/checkpoints/best-of-all/notes.txt")
    try refused(place, saying: "--resume", "--overwrite") { try place.sft("base", "run") }
    try place.write("{\"prompt\": \"x\"}\n", "broken.jsonl")
    for arguments in [
      ["base", "--data", "none.jsonl"], ["base", "--data", "broken.jsonl"], ["nowhere", "--data", Self.problems],
      ["base", "--data", Self.problems, "--lora-rank", "2", "--lora-targets", "nothing"],
      ["base", "--data", Self.problems, "--track", "none.jsonl"],
    ] {
      try refused(place) { try place.run(["sft", "--out", "run", "--overwrite", "--steps", "1", "--quiet"] + arguments) }
    }
    #expect(place.exists("run/adapter_model.safetensors"))
    succeeds(try place.sft("base", "run", "--overwrite"))
    #expect(
      place.exists("run/model.safetensors") && !place.exists("run/adapter_model.safetensors") && !place.exists("run/adapter_config.json"))
    #expect(try place.text("run/headway/notes.txt") == "mine")
    #expect(try place.text("run/headway/checkpoints/best-of-all/notes.txt") == "mine")
    succeeds(try place.sft("base", "run", "--resume"))
  }

  // MARK: Reports

  @Test func aReportStaysInItsFolder() throws {
    let place = try Place()
    succeeds(try place.pattern("a.safetensors"))
    try FileManager.default.createDirectory(at: place.file("in"), withIntermediateDirectories: true)
    try FileManager.default.moveItem(at: place.file("a.safetensors"), to: place.file("in/a.safetensors"))
    try place.write("precious", "elsewhere/heads-1.csv")
    try place.write("<svg>", "elsewhere/page.html")
    for (name, other) in [("in/report.html", "../elsewhere/page.html"), ("in/report", "../elsewhere"), ("in/report.html", "nowhere")] {
      try place.link(name, to: other)
      for more in ["--quiet", "--overwrite"] { try refused(place, saying: "is a link") { try place.headway("report", "in", more) } }
      try FileManager.default.removeItem(at: place.file(name))
    }
    try FileManager.default.createDirectory(at: place.file("in/report"), withIntermediateDirectories: true)
    try place.link("in/report/heads-1.csv", to: "../../elsewhere/heads-1.csv")
    try refused(place, saying: "heads-1.csv") { try place.headway("report", "in", "--overwrite") }
    try FileManager.default.removeItem(at: place.file("in/report/heads-1.csv"))
    // Another's page, another's numbers.
    try place.write("<html>my page</html>", "in/report.html")
    try refused(place, saying: "report.html is there already", "--overwrite") { try place.headway("report", "in") }
    try place.write("name,mine\n", "in/report/heads-1.csv")
    try refused(place, saying: "heads-1.csv", "move it away") { try place.headway("report", "in", "--overwrite") }
    try FileManager.default.removeItem(at: place.file("in/report/heads-1.csv"))
    succeeds(try place.headway("report", "in", "--overwrite"))
    #expect(try place.text("in/report/heads-1.csv").hasPrefix("name,layer,head,value"))
    // Its own page and numbers are replaced, also where the patterns are others by now.
    succeeds(try place.pattern("b.safetensors", "--max-length", "40"))
    try FileManager.default.moveItem(at: place.file("b.safetensors"), to: place.file("in/a2.safetensors"))
    succeeds(try place.headway("report", "in"))
    // A run that was killed between numbers and page left numbers without a page.
    try FileManager.default.removeItem(at: place.file("in/report.html"))
    succeeds(try place.headway("report", "in"))
    #expect(try place.text("elsewhere/heads-1.csv") == "precious")
  }

  // MARK: Locks and leftovers

  @Test func twoRunsDoNotWriteToOnePlace() throws {
    let place = try Place()
    try place.copyModel("base")
    func held(_ name: String, _ run: () throws -> Outcome) throws {
      try place.write("Headway, process 4711 on node7\n", name)
      let descriptor = open(place.file(name).path(percentEncoded: false), O_RDWR)
      #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
      try refused(place, saying: "is being written by process 4711 on node7") { try run() }
      close(descriptor)
      // The same file, its process gone.
      succeeds(try run())
      #expect(!place.exists(name))
    }
    try held(".p.safetensors.lock") { try place.pattern("p.safetensors") }
    try held(".h.svg.lock") { try place.headway("heatmap", "p.safetensors", "--out", "h.svg", "--quiet") }
    try held(".d.jsonl.lock") { try place.headway("data", Self.problems, "--write", "d.jsonl", "--quiet") }
    try held("run/.headway.lock") { try place.sft("base", "run", "--lora-rank", "2") }
    try held("merged/.headway.lock") { try place.headway("merge", "run", "--out", "merged") }
  }

  @Test func whatAKilledRunLeftHalfWrittenIsRemoved() throws {
    let place = try Place()
    try place.copyModel("base")
    let ended = Process()
    ended.executableURL = URL(filePath: "/bin/sh")
    ended.arguments = ["-c", "exit"]
    try ended.run()
    ended.waitUntilExit()
    let mark = "\(ThisProcess.host).\(ended.processIdentifier)-12345678.part"
    try place.write("half", ".p.safetensors.\(mark)")
    try place.write("half", ".p.safetensors.another.1-12345678.part")
    succeeds(try place.pattern("p.safetensors"))
    #expect(!place.exists(".p.safetensors.\(mark)") && place.exists(".p.safetensors.another.1-12345678.part"))
    succeeds(try place.sft("base", "run"))
    let halves = [
      "run/.model.safetensors.\(mark)", "run/headway/.metrics.jsonl.\(mark)", "run/headway/checkpoints/.step-9.\(mark)/config.json",
    ]
    for name in halves { try place.write("half", name) }
    succeeds(try place.sft("base", "run", "--resume"))
    #expect(try place.contents().keys.filter { $0.contains(".part") } == [".p.safetensors.another.1-12345678.part"])
  }
}
