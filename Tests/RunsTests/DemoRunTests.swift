import ActivationPatterns
import Foundation
import Ground
import Testing

@testable import Runs

/// Everything from a world to its page on a world so small that it takes seconds: from pretraining to ablation, every file there and read back.
@Suite struct DemoRunTests {
  private func demo(_ folder: URL) -> DemoRun {
    var demo = DemoRun(out: folder.path(percentEncoded: false))
    demo.size = .tiny
    demo.threads = 1
    return demo
  }

  @Test func aTinyWorldFromEndToEnd() throws {
    let folder = try TemporaryFolder()
    let place = folder.url.appending(path: "demo", directoryHint: .isDirectory)
    let listener = Listener()
    let result = try demo(place).runRecording(listener.monitor)

    #expect(result.skills.map(\.name).contains("capital-reversal") && result.skills.count == 8)
    for skill in result.skills {
      #expect(try #require(skill.lossBefore).isFinite && #require(skill.lossAfter).isFinite && skill.rightAfter != nil, "\(skill.name)")
      let change = try ActivationPattern.read(from: place.appending(path: "\(skill.name)-tuned.safetensors"))
      #expect(change.samples?.loss.count == 12)
    }
    #expect(result.fits.map(\.pairs) == [15, 15] && result.fits.allSatisfy { (1...15).contains($0.place ?? 0) })
    #expect(result.tracking?.skill == "capital-reversal" && result.ablation?.heads == 8)
    for comparison in result.comparisons {
      #expect(comparison.shares.reduce(0) { $0 + $1.count } == 12 && comparison.difference != nil)
      #expect(comparison.arms.allSatisfy { $0.loss?.isFinite == true })
    }
    let page = try String(contentsOf: place.appending(path: "report.html"), encoding: .utf8)
    for text in [
      "What an activation pattern is", "The small world", "What the patterns were good for here", "Training: ", "Fit: ",
      "Where in the text",
    ] {
      #expect(page.contains(text), "\(text)")
    }
    #expect(listener.notes.contains { $0.contains("pretraining") } && result.contents.contains { $0.name == "report.html" })

    // An earlier demo is not replaced unasked, and one that is gone on with does nothing twice.
    #expect(throws: OutputError.self) { try demo(place).run() }
    var again = demo(place)
    again.resume = true
    let pattern = place.appending(path: "addition-base.safetensors")
    let written = try #require(FileIdentity(at: pattern))
    var same = try again.run()
    same.seconds = result.seconds
    #expect(same == result && FileIdentity(at: pattern) == written)
    try isKilledAndGoneOnWith(again, in: place)
    again.seed = 1
    #expect(throws: RunError.self) { try again.run() }
  }

  /// Puts into a finished demo's folder what kills leave at all kinds of moments: nothing of it keeps the demo from going on, or stays.
  private func isKilledAndGoneOnWith(_ demo: DemoRun, in place: URL) throws {
    func names() -> Set<String> {
      Set(FileManager.default.enumerator(atPath: place.path(percentEncoded: false))?.compactMap { $0 as? String } ?? [])
    }
    func write(_ text: String, _ name: String) throws {
      let url = place.appending(path: name)
      try Folders.make(url.deletingLastPathComponent())
      try Data(text.utf8).write(to: url)
    }
    let whole = names()
    // Inside a step.
    let asked = place.appending(path: "doubling-tuned.json")
    let journal = RunJournal.url(beside: asked)
    for file in [asked, place.appending(path: "world/pretraining.jsonl")] { try FileManager.default.removeItem(at: file) }
    #expect(throws: RunStopped.self) { try demo.run(RunMonitor(shouldStop: { FileKind(of: journal) != nil })) }
    #expect(OutputKind.journal.isOwn(journal))
    try FileManager.default.removeItem(at: place.appending(path: "world/pretraining.jsonl"))
    let lock = "Headway, process \(Int32.max) on \(ThisProcess.host)\n"
    try write("", ".doubling-tuned.json.lock")
    // Just after others.
    for name in [".addition-tuned.json.lock", "tuned-addition/.headway.lock", "arms/.own.json.lock", "arms/.mixture.jsonl.lock"] {
      try write(lock, name)
    }
    for name in ["addition-tuned.json.journal", "ablation.json.levels.journal", "arms/own.json.journal"] {
      try write("headway journal\t{}\n", name)
    }
    let part = "\(ThisProcess.host).\(Int32.max)-12345678.part"
    for name in [
      "world/.addition-train.jsonl.\(part)", "headway/.run.yaml.\(part)", "report/.statistics.csv.\(part)",
      "base/headway/checkpoints/.step-9.\(part)/config.json", "arms/own/headway/checkpoints/step-2/training_state.json",
    ] {
      try write("{}", name)
    }
    _ = try demo.run()
    #expect(names().symmetricDifference(whole) == [])
    // What only has a journal's name is somebody's.
    try write("Dear diary", "doubling-tuned.json.journal")
    #expect(throws: OutputError.self) { try demo.run() }
    #expect(try String(contentsOf: journal, encoding: .utf8) == "Dear diary")
    try FileManager.default.removeItem(at: journal)
  }

  @Test func aFolderOfOthersIsLeftAlone() throws {
    let folder = try TemporaryFolder()
    try Data("mine".utf8).write(to: folder.url.appending(path: "mine.txt"))
    var demo = demo(folder.url)
    demo.overwrite = true
    #expect(throws: OutputError.self) { try demo.run() }
  }

  @Test func aDemoStopsWhenAsked() throws {
    let folder = try TemporaryFolder()
    #expect(throws: RunStopped.self) { try demo(folder.url).run(RunMonitor(shouldStop: { true })) }
  }
}
