import Foundation
import Testing

@testable import Ground

/// A folder that is deleted when the test ends.
final class ScratchFolder: Sendable {
  let url = FileManager.default.temporaryDirectory.appending(path: "ground-\(UUID().uuidString)", directoryHint: .isDirectory)
  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }

  /// A file in it.
  func file(_ name: String) -> URL { url.appending(path: name) }
  /// Writes a file in it, with the folders around it.
  @discardableResult
  func write(_ text: String, to name: String) throws -> URL {
    try FileManager.default.createDirectory(at: file(name).deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file(name))
    return file(name)
  }
  func text(_ name: String) throws -> String { try String(contentsOf: file(name), encoding: .utf8) }
  /// Everything directly in it, hidden names too.
  func names(_ folder: String = ".") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: file(folder).path(percentEncoded: false)).sorted()
  }
  func link(_ name: String, to destination: String) throws {
    try FileManager.default.createSymbolicLink(atPath: file(name).path(percentEncoded: false), withDestinationPath: destination)
  }
}

/// A process of this machine that has ended.
func endedProcess() throws -> Int32 {
  let process = Process()
  process.executableURL = URL(filePath: "/bin/sh")
  process.arguments = ["-c", "exit"]
  try process.run()
  process.waitUntilExit()
  return process.processIdentifier
}

@Suite struct OutputGuardTests {
  private let kind = OutputKind.text("a picture", beginningWith: "<svg")
  private let journal = OutputKind.text("a journal", beginningWith: "journal")

  /// What a claim says; nil where it is allowed.
  private func refusal(_ outputs: OutputGuard, _ body: (OutputGuard) throws -> Void) -> String? {
    defer { outputs.release() }
    do {
      try body(outputs)
      return nil
    } catch { return "\(error)" }
  }

  @Test func finishedResultsAreReplacedAndOthersFilesAreNot() throws {
    let folder = try ScratchFolder()
    let own = try folder.write("<svg>", to: "own.svg")
    let foreign = try folder.write("my notes", to: "foreign.svg")
    #expect(refusal(OutputGuard()) { try $0.claim(file: folder.file("new.svg"), as: kind) } == nil)
    #expect(refusal(OutputGuard()) { try $0.claim(file: own, as: kind) } == nil)
    let text = try #require(refusal(OutputGuard()) { try $0.claim(file: foreign, as: kind) })
    #expect(text.contains("foreign.svg is there already and was not written by Headway as a picture") && text.contains("overwrite"))
    #expect(refusal(OutputGuard(overwrites: true)) { try $0.claim(file: foreign, as: kind) } == nil)
    // Resuming is no leave to replace others' files.
    #expect(refusal(OutputGuard(resumes: true)) { try $0.claim(file: foreign, as: kind) } != nil)
    let unmarked = try #require(refusal(OutputGuard()) { try $0.claim(file: own, as: .unmarked("an .npy file")) })
    #expect(unmarked.contains("nothing in an .npy file tells that Headway wrote it"))
    #expect(try folder.text("foreign.svg") == "my notes" && folder.text("own.svg") == "<svg>")
    // Nothing is left of the claims.
    #expect(try folder.names() == ["foreign.svg", "own.svg"])
  }

  @Test func journalsAreKeptUnlessAskedFor() throws {
    let folder = try ScratchFolder()
    try folder.write("journal …", to: "a.svg.journal")
    func claim(_ outputs: OutputGuard) -> String? {
      refusal(outputs) { try $0.claim(file: folder.file("a.svg"), as: kind, beside: [.journal(folder.file("a.svg.journal"), as: journal)]) }
    }
    let text = try #require(claim(OutputGuard()))
    #expect(text.contains("a.svg.journal holds what an interrupted run found") && text.contains("resume") && text.contains("overwrite"))
    #expect(claim(OutputGuard(resumes: true)) == nil)
    #expect(claim(OutputGuard(overwrites: true)) == nil)
    // What only has a journal's name is nobody's to take, whatever is asked for.
    try folder.write("Dear diary", to: "a.svg.journal")
    for outputs in [OutputGuard(), OutputGuard(resumes: true), OutputGuard(overwrites: true)] {
      #expect(try #require(claim(outputs)).contains("move it away"))
    }
    #expect(try folder.text("a.svg.journal") == "Dear diary")
  }

  @Test func filesBesideAnOutputAreReplacedOnlyWhereTheyAreHeadways() throws {
    let folder = try ScratchFolder()
    let beside = try folder.write("my ids", to: "a.ids")
    for outputs in [OutputGuard(), OutputGuard(overwrites: true)] {
      let text = refusal(outputs) { try $0.claim(file: folder.file("a.svg"), as: kind, beside: [.part(beside, as: journal)]) }
      #expect(try #require(text).contains("a.ids is not this run's to replace"))
    }
    try folder.write("journal", to: "a.ids")
    #expect(refusal(OutputGuard()) { try $0.claim(file: folder.file("a.svg"), as: kind, beside: [.part(beside, as: journal)]) } == nil)
    // A link is not Headway's, wherever it leads.
    try folder.write("journal", to: "elsewhere")
    try FileManager.default.removeItem(at: beside)
    try folder.link("a.ids", to: "elsewhere")
    #expect(refusal(OutputGuard()) { try $0.claim(file: folder.file("a.svg"), as: kind, beside: [.part(beside, as: journal)]) } != nil)
  }

  /// By device and inode: other spellings, links and hard links of an input are the input.
  @Test func anInputIsNeverAnOutput() throws {
    let folder = try ScratchFolder()
    let input = try folder.write("<svg>", to: "data/in.svg")
    try folder.link("link.svg", to: "data/in.svg")
    try FileManager.default.linkItem(at: input, to: folder.file("hard.svg"))
    for name in ["data/in.svg", "data/../data/in.svg", "link.svg", "hard.svg"] {
      for overwrites in [false, true] {
        let text = refusal(OutputGuard(overwrites: overwrites)) {
          try $0.claim(file: folder.file(name), as: kind)
          try $0.protect([input])
        }
        #expect(try #require(text).contains("cannot be its output too"), "\(name)")
      }
    }
    // The other way round, and of what lies beside an output.
    #expect(
      refusal(OutputGuard(resumes: true)) {
        try $0.claim(file: folder.file("x.svg"), as: kind, beside: [.journal(input, as: kind)])
        try $0.protect([folder.file("link.svg")])
      } != nil)
    #expect(
      refusal(OutputGuard()) {
        try $0.claim(file: folder.file("data/out.svg"), as: kind)
        try $0.protect([input, folder.file("data"), folder.file("none")])
      } == nil)
  }

  @Test func oneFileIsNotTwoOutputs() throws {
    let folder = try ScratchFolder()
    try folder.write("<svg>", to: "a.svg")
    try folder.link("b.svg", to: "a.svg")
    for (first, second) in [("a.svg", "b.svg"), ("new.svg", "./new.svg")] {
      let text = refusal(OutputGuard()) {
        try $0.claim(file: folder.file(first), as: kind)
        try $0.claim(file: folder.file(second), as: kind)
      }
      #expect(try #require(text).contains("two results"), "\(second)")
    }
  }

  @Test func placesThatCannotBeWrittenAreNamed() throws {
    let folder = try ScratchFolder()
    try folder.write("", to: "file")
    #expect(try #require(refusal(OutputGuard()) { try $0.claim(file: folder.file("no/where.svg"), as: kind) }).contains("does not exist"))
    #expect(try #require(refusal(OutputGuard()) { try $0.claim(file: folder.url, as: kind) }).contains("is a folder"))
    #expect(try #require(refusal(OutputGuard()) { try $0.claim(folder: OutputFolder(folder.file("file"))) }).contains("is not a folder"))
    // A device is no file that anybody wrote.
    #expect(refusal(OutputGuard()) { try $0.claim(file: URL(filePath: "/dev/null"), as: kind) } == nil)
  }

  // MARK: Locks

  @Test func twoRunsDoNotWriteToOneFile() throws {
    let folder = try ScratchFolder()
    try folder.write("<svg>", to: "a.svg")
    try folder.link("b.svg", to: "a.svg")
    let first = OutputGuard()
    try first.claim(file: folder.file("a.svg"), as: kind)
    for name in ["a.svg", "b.svg"] {
      let text = try #require(refusal(OutputGuard(overwrites: true)) { try $0.claim(file: folder.file(name), as: kind) })
      #expect(text.contains("process \(getpid()) on \(ThisProcess.host)") && text.contains("wait for its end"), "\(text)")
    }
    first.release()
    #expect(refusal(OutputGuard()) { try $0.claim(file: folder.file("b.svg"), as: kind) } == nil)
  }

  @Test func aKilledRunsLockKeepsNobodyOut() throws {
    let folder = try ScratchFolder()
    try folder.write(OutputLock.Holder(process: try endedProcess(), host: ThisProcess.host).text, to: ".a.svg.lock")
    #expect(refusal(OutputGuard()) { try $0.claim(file: folder.file("a.svg"), as: kind) } == nil)
    #expect(try folder.names() == [])
    // Where a file system has no locks, the name in the file decides.
    #expect(OutputLock.Holder.own.mayRun)
    #expect(!OutputLock.Holder(process: try endedProcess(), host: ThisProcess.host).mayRun)
    #expect(OutputLock.Holder(process: 1, host: "another").mayRun)
    // A file of that name that is no lock stays as it is.
    try folder.write("mine", to: ".a.svg.lock")
    #expect(refusal(OutputGuard(overwrites: true)) { try $0.claim(file: folder.file("a.svg"), as: kind) } != nil)
    #expect(try folder.text(".a.svg.lock") == "mine")
  }

  /// Many threads take one lock, one at a time.
  @Test func aLockIsHeldByOne() async throws {
    let folder = try ScratchFolder()
    let target = folder.file("a.svg")
    actor Count {
      var taken = 0
      func add() { taken += 1 }
    }
    let count = Count()
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<8 {
        group.addTask {
          for _ in 0..<50 {
            let outputs = OutputGuard()
            guard (try? outputs.claim(file: target, as: .text("a picture", beginningWith: "<svg"))) != nil else { continue }
            // Whoever holds the lock is alone: a file that only one can make is there for nobody else.
            let mark = folder.file("mark")
            #expect(!FileManager.default.fileExists(atPath: mark.path(percentEncoded: false)))
            try? Data("\(number)".utf8).write(to: mark)
            try? FileManager.default.removeItem(at: mark)
            await count.add()
            outputs.release()
          }
        }
      }
    }
    #expect(await count.taken > 0)
    #expect(try folder.names() == [])
  }

  // MARK: Folders

  @Test func foldersHoldNothingThatIsNotHeadways() throws {
    let scratch = try ScratchFolder()
    let folder = OutputFolder(scratch.file("new/model"))
    // Made for the claim, and gone after it.
    #expect(refusal(OutputGuard()) { try $0.claim(folder: folder) } == nil)
    #expect(try scratch.names() == [])
    try folder.make()
    try folder.claim(["config.json", "model.safetensors"])
    for name in ["config.json", "model.safetensors"] { try scratch.write("x", to: "new/model/\(name)") }
    let text = try #require(refusal(OutputGuard()) { try $0.claim(folder: folder) })
    #expect(text.contains("holds what Headway wrote earlier") && text.contains("overwrite") && !text.contains("resume"))
    #expect(try #require(refusal(OutputGuard()) { try $0.claim(folder: folder, canResume: true) }).contains("resume"))
    #expect(refusal(OutputGuard(resumes: true)) { try $0.claim(folder: folder) } != nil)
    #expect(refusal(OutputGuard(resumes: true)) { try $0.claim(folder: folder, canResume: true) } == nil)
    #expect(refusal(OutputGuard(overwrites: true)) { try $0.claim(folder: folder) } == nil)
    // One foreign file, and nobody writes there.
    for name in ["notes.txt", ".hidden", "model-00001-of-00002.safetensors"] {
      try scratch.write("mine", to: "new/model/\(name)")
      for outputs in [OutputGuard(), OutputGuard(overwrites: true), OutputGuard(resumes: true)] {
        #expect(try #require(refusal(outputs) { try $0.claim(folder: folder) }).contains("holds what Headway did not write (\(name))"))
      }
      try FileManager.default.removeItem(at: scratch.file("new/model/\(name)"))
    }
    #expect(refusal(OutputGuard(overwrites: true)) { try $0.claim(folder: folder) } == nil)
  }

  /// A run that fills a folder step by step leaves a step's lock and journals beside what the step was to write.
  @Test func whatAKilledStepLeftIsKnownByNameAndKind() throws {
    let scratch = try ScratchFolder()
    let folder = OutputFolder(scratch.file("demo"))
    try folder.make()
    try folder.claim(["a.json", "model"])
    func claim() -> String? { refusal(OutputGuard(resumes: true)) { try $0.claim(folder: folder, canResume: true) } }
    let lock = OutputLock.Holder(process: try endedProcess(), host: ThisProcess.host).text
    let part = ".files.json.\(ThisProcess.host).\(try endedProcess())-12345678.part"
    for (name, text) in [(".a.json.lock", ""), ("model/.headway.lock", lock), ("headway/\(part)", "half")] {
      try scratch.write(text, to: "demo/\(name)")
    }
    for name in ["a.json.journal", "a.json.levels.journal"] { try scratch.write("headway journal\t{}\n", to: "demo/\(name)") }
    #expect(claim() == nil)
    #expect(try scratch.names("demo") == ["a.json.journal", "a.json.levels.journal", "headway", "model"])
    #expect(try scratch.names("demo/model") == [] && scratch.names("demo/headway") == ["files.json"])

    // Another's are not, whatever they are called.
    for (name, text) in [("a.json.notes.journal", "Dear diary"), ("b.json.journal", "headway journal\t{}\n"), (".b.json.lock", lock)] {
      try scratch.write(text, to: "demo/\(name)")
      #expect(try #require(claim()).contains("holds what Headway did not write (\(name))"))
      #expect(try scratch.text("demo/\(name)") == text)
      try FileManager.default.removeItem(at: scratch.file("demo/\(name)"))
    }
    try scratch.link("demo/a.json.x.journal", to: "a.json.journal")
    #expect(folder.foreign == ["a.json.x.journal"])
    try FileManager.default.removeItem(at: scratch.file("demo/a.json.x.journal"))
    try scratch.write("mine", to: "demo/.a.json.lock")
    #expect(try #require(claim()).contains("is not this run's to replace"))
    try FileManager.default.removeItem(at: scratch.file("demo/.a.json.lock"))
    let other = OutputGuard()
    try other.claim(file: scratch.file("demo/a.json"), as: kind)
    #expect(try #require(claim()).contains("a.json is being written by process"))
    other.release()
    #expect(claim() == nil)
  }

  /// A folder of the name `headway` may be anybody's: a clone of a repository, or a link to another run.
  @Test func anothersHeadwayFolderIsForeign() throws {
    let scratch = try ScratchFolder()
    try scratch.write("code", to: "project/headway/main.py")
    #expect(OutputFolder(scratch.file("project")).foreign == ["headway"])
    let run = OutputFolder(scratch.file("run"))
    try run.make()
    try FileManager.default.createDirectory(at: scratch.file("linked"), withIntermediateDirectories: true)
    try scratch.link("linked/headway", to: "../run/headway")
    #expect(OutputFolder(scratch.file("linked")).foreign == ["headway"])
    #expect(run.foreign == [])
  }

  @Test func onlyListedFilesAreDeleted() throws {
    let scratch = try ScratchFolder()
    let folder = OutputFolder(scratch.url)
    try folder.make()
    try folder.claim(["a.json", "b", "c"])
    for name in ["a.json", "b", "c"] { try scratch.write("x", to: name) }
    try scratch.write("mine", to: "d")
    #expect(throws: OutputError.self) { try folder.claim(["d"]) }
    try folder.removeOwn(except: ["b"])
    #expect(try scratch.names() == ["b", "d", "headway"])
    #expect(folder.own == ["b"] && folder.foreign == ["d"])
    // A list that somebody tampered with reaches nothing outside the folder.
    try scratch.write("{\"files\": [\"../x\", \"headway\", \"..\", \"\", \"b\"]}", to: "headway/files.json")
    #expect(folder.own == ["b"])
  }

  @Test func aFolderIsNotFilledFromWithin() throws {
    let scratch = try ScratchFolder()
    let folder = OutputFolder(scratch.file("run"))
    try folder.make()
    try scratch.write("x", to: "run/headway/checkpoints/step-1/config.json")
    try scratch.link("elsewhere", to: "run/headway/checkpoints/step-1")
    for input in ["run", "run/headway/checkpoints/step-1", "elsewhere", "elsewhere/config.json"] {
      let text = refusal(OutputGuard(overwrites: true)) {
        try $0.claim(folder: folder)
        try $0.protect([scratch.file(input)])
      }
      #expect(try #require(text).contains("is read by this run"), "\(input)")
    }
    try FileManager.default.createDirectory(at: scratch.file("base"), withIntermediateDirectories: true)
    #expect(
      refusal(OutputGuard(overwrites: true)) {
        try $0.claim(folder: folder)
        try $0.protect([scratch.file("base")])
      } == nil)
  }
}

@Suite struct HalfWrittenTests {
  @Test func whatKilledRunsLeftIsRemovedAndNothingElse() throws {
    let folder = try ScratchFolder()
    let ended = try endedProcess()
    let host = ThisProcess.host
    let mark = "12345678.part"
    let kept = [
      ".a.svg.\(host).\(getpid())-\(mark)",  // runs
      ".a.svg.another.\(ended)-\(mark)",  // of another machine
      "a.svg.\(host).\(ended)-\(mark)", ".a.svg.\(ended)-\(mark)", ".a.svg.\(host).\(ended)-\(mark).txt", ".part", ".a.svg.part",
    ]
    for name in kept + [".a.svg.\(host).\(ended)-\(mark)"] { try folder.write("x", to: name) }
    try folder.write("x", to: ".step-1.\(host).\(ended)-\(mark)/inside")
    try folder.write("precious", to: "elsewhere/file")
    try folder.link(".link.\(host).\(ended)-\(mark)", to: "elsewhere")
    Leftovers.remove(from: folder.url)
    #expect(try folder.names() == (kept + [".link.\(host).\(ended)-\(mark)", "elsewhere"]).sorted())
    #expect(try folder.text("elsewhere/file") == "precious")
  }

  @Test func whatARunLeftBesideWhatItHadWrittenIsRemoved() throws {
    let folder = try ScratchFolder()
    let kept = ["a.json", "a.json.notes.journal", "b.json.journal", "run"]
    func journal(_ name: String) throws { try folder.write("headway journal\t{}\n", to: name) }
    for name in ["a.json", "a.json.notes.journal"] { try folder.write("mine", to: name) }
    for name in ["a.json.journal", "a.json.levels.journal", "b.json.journal"] { try journal(name) }
    for name in [".a.json.lock", "run/.headway.lock"] { try folder.write("", to: name) }
    for name in ["a.json", "run", "none"] { Leftovers.remove(of: folder.file(name)) }
    #expect(try folder.names() == kept && folder.names("run") == [])
    // Where a run is at work all stays.
    let outputs = OutputGuard(overwrites: true)
    try outputs.claim(file: folder.file("a.json"), as: .unmarked("a file"))
    try journal("a.json.journal")
    Leftovers.remove(of: folder.file("a.json"))
    #expect(try folder.names() == ([".a.json.lock", "a.json.journal"] + kept).sorted())
  }

  /// A writer in another container may have our host's name and a process that we cannot see; its lock shows that it lives.
  @Test func whatIsHeldOpenByItsWriterStays() throws {
    let folder = try ScratchFolder()
    let name = ".a.\(ThisProcess.host).\(try endedProcess())-12345678.part"
    try folder.write("x", to: name)
    let descriptor = open(folder.file(name).path(percentEncoded: false), O_RDWR)
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    Leftovers.remove(from: folder.url)
    #expect(try folder.names() == [name])
    close(descriptor)
    Leftovers.remove(from: folder.url)
    #expect(try folder.names() == [])
  }

  @Test func namesOfHalfWrittenFilesAreReadBack() throws {
    for name in ["a", "层 #%20.txt", ".hidden", String(repeating: "层", count: 80), "x.1-22222222.part"] {
      let made = PartialName.make(for: name)
      #expect(made.utf8.count <= 255)
      let read = try #require(PartialName(made))
      #expect(read.host == ThisProcess.host && read.process == getpid() && !read.isLeftover)
    }
  }

  @Test func aFolderIsWrittenWholeOrNotAtAll() throws {
    let folder = try ScratchFolder()
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try AtomicFolder.create(folder.file("a")) { inside in
        try Data().write(to: inside.appending(path: "x"))
        #expect(try folder.names().count == 1)
        throw Stop()
      }
    }
    #expect(try folder.names() == [])
    try AtomicFolder.create(folder.file("a")) { try Data("1".utf8).write(to: $0.appending(path: "x")) }
    try AtomicFolder.create(folder.file("a")) { _ in Issue.record("it is there already") }
    #expect(try folder.names() == ["a"] && folder.text("a/x") == "1")
    #expect(throws: FileError.self) { try AtomicFolder.create(folder.file("no/b")) { _ in } }
    // A link to a folder is not the folder.
    try folder.link("link", to: "a")
    AtomicFolder.remove(URL(filePath: folder.file("link").path(percentEncoded: false), directoryHint: .isDirectory))
    #expect(try folder.text("a/x") == "1")
    AtomicFolder.remove(folder.file("a"))
    #expect(try folder.names() == ["link"])
  }
}

@Suite struct GrowingFileTests {
  @Test func whatIsAddedIsThere() throws {
    let folder = try ScratchFolder()
    let file = try GrowingFile(creating: folder.file("a"))
    #expect(throws: FileError.self) { _ = try GrowingFile(creating: folder.file("a")) }
    try file.append(Array("one two".utf8))
    #expect(try folder.text("a") == "one two")
    #expect(try file.read(3) == Array("one".utf8) && file.unreadCount == 4)
    try file.keep(first: 4)
    try file.append(Array("2".utf8))
    #expect(try file.read(100) == Array(" 2".utf8) && file.read(1) == [])
    try file.synchronize()
    try file.close()
    #expect(throws: FileError.self) { try file.append([1]) }
    let again = try GrowingFile(at: folder.file("a"))
    try again.append(Array("!".utf8))
    #expect(try folder.text("a") == "one 2!")
    #expect(throws: FileError.self) { _ = try GrowingFile(at: folder.file("none")) }
  }

  @Test func aFileThatVanishedIsNoticed() throws {
    let folder = try ScratchFolder()
    for disturb in [
      { try FileManager.default.removeItem(at: folder.file("run")) },
      { try FileManager.default.moveItem(at: folder.file("run"), to: folder.file("moved")) },
      {
        try FileManager.default.removeItem(at: folder.file("run/a"))
        try folder.write("another", to: "run/a")
      },
    ] {
      try FileManager.default.createDirectory(at: folder.file("run"), withIntermediateDirectories: true)
      try? FileManager.default.removeItem(at: folder.file("run/a"))
      let file = try GrowingFile(creating: folder.file("run/a"))
      try file.append([1])
      try disturb()
      let error = #expect(throws: FileError.self) { try file.append([2]) }
      #expect(try #require(error?.description).contains("moved or deleted"))
    }
    #expect(try folder.text("run/a") == "another")
  }
}
