import CheckpointFiles
import ActivationPatterns
import Probing
import FineTuning
import Foundation
import LanguageModels
import Testing
import Yams

@testable import Ground
@testable import Runs

@Suite struct RunRecordTests {
  private func folder() throws -> URL {
    let url = FileManager.default.temporaryDirectory.appending(path: "record-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
  }

  private func write(_ run: some Run, to folder: URL) throws -> URL {
    let url = folder.appending(path: "p.run.yaml")
    try AtomicFile.write(try RunRecord.text(of: run, at: url, identity: RunIdentity(), seconds: 1), to: url)
    return url
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func everySettingComesBack() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let place = folder.path(percentEncoded: false)
    var run = PatternRun(model: "owner/name", data: ["\(place)data/a b.jsonl", "\(place)'quoted': #x.jsonl"], out: "\(place)p.safetensors")
    run.model.elementType = .float32
    run.model.threads = 3
    run.data.map = ["prompt": "Frage: 问题", "response": "no"]
    run.data.requiredTags = ["yes", "1", "~"]
    run.data.template = "\(place)t.txt"
    run.data.holdOut = 0.25
    run.data.part = .test
    run.data.limit = 7
    run.task = "null"
    run.scores = [.signed, .token]
    run.loss = .batch(4)
    run.memory = .low
    let url = try write(run, to: folder)
    let back = try #require(try RunRecord.run(from: url) as? PatternRun)
    // Paths may be written another way; all else is the same text.
    let encoder = YAMLEncoder()
    // A dictionary has no order of its own.
    encoder.options.sortKeys = true
    func standard(_ run: PatternRun) throws -> String {
      try encoder.encode(run.mappingPaths { URL(filePath: $0).standardizedFileURL.path(percentEncoded: false) })
    }
    #expect(try standard(back) == standard(run))
  }

  @Test func pathsAreRelativeToTheRecord() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder.appending(path: "models/base"), withIntermediateDirectories: true)
    let place = folder.path(percentEncoded: false)
    let run = PatternRun(model: "\(place)models/base", data: ["\(place)d.jsonl"], out: "\(place)out/p.safetensors")
    try FileManager.default.createDirectory(at: folder.appending(path: "out"), withIntermediateDirectories: true)
    let url = try write(run, to: folder.appending(path: "out", directoryHint: .isDirectory))
    let settings = try #require(try Yams.compose(yaml: String(contentsOf: url, encoding: .utf8))?["settings"])
    #expect(settings["model"]?.string == "../models/base")
    #expect(settings["data"]?.sequence?.first?.string == "../d.jsonl")
    #expect(settings["out"]?.string == "p.safetensors")
    // The whole tree elsewhere: the record leads to the files that moved with it.
    let moved = folder.deletingLastPathComponent().appending(path: "moved-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.moveItem(at: folder, to: moved)
    defer { try? FileManager.default.removeItem(at: moved) }
    let back = try #require(try RunRecord.run(from: moved.appending(path: "out/p.run.yaml")) as? PatternRun)
    #expect(FileManager.default.fileExists(atPath: back.model.model))
    #expect(back.out.hasSuffix("/out/p.safetensors"))
    // Through a link, `..` is where the linked folder lies.
    let link = FileManager.default.temporaryDirectory.appending(path: "link-\(UUID().uuidString)")
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: moved.appending(path: "out"))
    defer { try? FileManager.default.removeItem(at: link) }
    let linked = try #require(try RunRecord.run(from: link.appending(path: "p.run.yaml")) as? PatternRun)
    #expect(FileManager.default.fileExists(atPath: linked.model.model))
  }

  @Test func stepsUpwardsAreTaken() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let place = String(folder.path(percentEncoded: false).dropLast())
    try FileManager.default.createDirectory(at: folder.appending(path: "a/headway"), withIntermediateDirectories: true)
    func resolved(_ path: String, _ base: String) -> String {
      RunRecord.resolved(path, from: URL(filePath: base, directoryHint: .isDirectory))
    }
    #expect(resolved("..", "\(place)/a/headway") == "\(place)/a")
    #expect(resolved("../../b", "\(place)/a/headway") == "\(place)/b")
    #expect(resolved("./x", ".") == "x" && resolved("../x", ".") == "../x" && resolved("/x", "y") == "/x")
  }

  @Test func pathsBackAreShort() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let inner = folder.appending(path: "tuned/headway", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
    let place = folder.path(percentEncoded: false)
    #expect(RunRecord.resolved("..", from: inner) == "\(place)tuned")
    #expect(RunRecord.resolved("../m", from: inner) == "\(place)tuned/m")
    #expect(RunRecord.resolved("./org/name", from: inner) == "\(place)tuned/headway/org/name")
    #expect(RunRecord.resolved("/m", from: inner) == "/m")
  }

  @Test func numbersAreShort() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    var run = TrainingRun(model: "m", data: ["d"], out: "1e3")
    run.training.learningRate = 1e-6
    run.training.optimizer.beta1 = 0.9
    run.training.clip = 1
    let url = try write(run, to: folder)
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(!text.contains("--"))
    for line in ["  lr: 1e-06", "  beta1: 0.9", "  clip: 1.0"] { #expect(text.contains("\(line)\n"), "\(text)") }
    let back = try #require(try RunRecord.run(from: url) as? TrainingRun)
    #expect(back.training.learningRate == 1e-6 && back.training.optimizer.beta1 == 0.9 && back.training.clip == 1)
    #expect(back.out.hasSuffix("1e3"))
  }

  @Test func settingsAreChanged() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = try write(PatternRun(model: "m", data: ["d"], out: "p.npy"), to: folder)
    let run = try #require(
      try RunRecord.run(from: url, changing: ["max-length=12", "score=[token]", "out=here.npz", "task=a=b"]) as? PatternRun)
    #expect(run.data.maximumLength == 12)
    #expect(run.scores == [.token])
    #expect(run.out == "here.npz")
    #expect(run.task == "a=b")
  }

  /// A map comes out in one order, and a file whose name has an equals sign in it stays one, seen from wherever.
  @Test func recordsAreTheSameWheneverTheyAreWritten() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let place = folder.path(percentEncoded: false)
    var run = PatternRun(model: "m", data: ["d"], out: "\(place)p.safetensors")
    run.data.map = Dictionary(uniqueKeysWithValues: (10..<30).map { ("field\($0)", "f") })
    let text = try String(contentsOf: write(run, to: folder), encoding: .utf8)
    let keys = text.split(separator: "\n").map(String.init).filter { $0.contains("field") }
    #expect(keys.count == 20 && keys == keys.sorted())

    try Data().write(to: folder.appending(path: "a=b.safetensors"))
    let sources = [
      PatternSource("\(place)a=b.safetensors"), PatternSource("\(place)c.safetensors", name: "x"), PatternSource("\(place)d.npy"),
    ]
    let url = try write(CorrelationRun(sources), to: folder)
    let back = try #require(try RunRecord.run(from: url) as? CorrelationRun)
    #expect(back.files.map(\.name) == ["a=b", "x", "d"])
    #expect(back.files.allSatisfy { $0.path.hasPrefix(place) && !$0.path.hasSuffix("=") })
  }

  /// Every run says each of its keys once, and begins to read from what it writes.
  @Test func everyKnownRunReadsWhatItWrites() throws {
    func check<Settings: RecordedSettings>(_ type: Settings.Type) throws {
      let once = try HeadwayJSON.document(Settings.form.blank)
      #expect(try HeadwayJSON.document(JSONDecoder().decode(type, from: once)) == once, "\(type)")
      let fields = try #require(try JSONSerialization.jsonObject(with: once) as? [String: Any])
      #expect(Set(fields.keys).isSubset(of: Settings.names), "\(type)")
    }
    for type in RunRecord.known.compactMap({ $0 as? any RecordedSettings.Type }) { try check(type) }
    #expect(RunRecord.known.allSatisfy { $0 is any RecordedSettings.Type })
  }

  /// What says the same in another way gives way to what is changed, but not where both are named.
  @Test func changedSettingsTakeThePlaceOfOthers() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let training = try write(TrainingRun(model: "m", data: ["d"], out: "o"), to: folder)
    func changed(_ changes: [String]) throws -> TrainingSettings {
      try #require(try RunRecord.run(from: training, changing: changes) as? TrainingRun).training
    }
    #expect(try changed(["steps=7"]).steps == 7 && changed(["steps=7"]).epochs == nil)
    #expect(try changed(["epochs=2"]).epochs == 2 && changed(["lr=1"]).epochs == 3)
    #expect(try changed(["epochs=null", "steps=7"]).epochs == nil)
    let both = try RunRecord.run(from: training, changing: ["epochs=2", "steps=7"])
    #expect(message { try both.validate() }.contains("both say how long"))
    let adapters = try changed(["lora_rank=4", "lora_dropout=0.5"])
    #expect(adapters.lowRank == LowRankSettings(rank: 4, alpha: 8, dropout: 0.5))

    let ablation = try write(AblationRun(model: "m", data: ["d"], choice: .heads(HeadList("1:2"))), to: folder)
    let run = try #require(try RunRecord.run(from: ablation, changing: ["strongest=5", "overwrite=true"]) as? AblationRun)
    #expect(run.choice == .strongest(5) && run.overwrite)
    #expect(message { _ = try RunRecord.run(from: ablation, changing: ["strongest=5", "random=5"]) }.contains("one of heads"))
  }

  @Test func everyResultHasARecordOfItsOwn() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    func place(_ name: String) throws -> URL { try #require(RunRecord.url(beside: folder.appending(path: name))) }
    func record(_ name: String) throws {
      let run = PatternRun(model: "m", data: ["d"], out: folder.appending(path: name).path(percentEncoded: false))
      let url = try #require(run.record)
      try AtomicFile.write(try RunRecord.text(of: run, at: url, identity: RunIdentity(), seconds: 1), to: url)
    }
    for name in ["p.npz", "p.safetensors", "p.npz", "p.npy", "p.safetensors"] { try record(name) }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false)).sorted()
    #expect(names == ["p.npy.run.yaml", "p.run.yaml", "p.safetensors.run.yaml"])
    #expect(try place("p.npz").lastPathComponent == "p.run.yaml")
    // The other record gone, the one that there is stays the one.
    try FileManager.default.removeItem(at: folder.appending(path: "p.run.yaml"))
    #expect(try place("p.npy").lastPathComponent == "p.npy.run.yaml")
    #expect(RunRecord.existing(beside: folder.appending(path: "p.npz")) == nil)
    #expect(RunRecord.url(beside: URL(filePath: "/dev/null")) == nil)
  }

  @Test func whatIsWrongIsNamed() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = try write(PatternRun(model: "m", data: ["d"], out: "p.npy"), to: folder)
    func changed(_ change: String) -> String { message { _ = try RunRecord.run(from: url, changing: [change]) } }
    #expect(changed("maxlength=3").contains("'maxlength' is not a setting of pattern; it has batch_tokens, chat, data"))
    #expect(changed("maxlength=3").contains("template, threads"))
    #expect(changed("max_length=abc").contains("'max_length' takes a whole number"))
    #expect(changed("score=[tokens]").contains("'score"))
    #expect(changed("max_length").contains("KEY=VALUE"))
    #expect(changed("out=[").contains("not YAML"))
    func text(_ text: String) throws -> String {
      let file = folder.appending(path: "other.yaml")
      try Data(text.utf8).write(to: file)
      return message { _ = try RunRecord.run(from: file) }
    }
    #expect(try text("{").contains("not YAML"))
    #expect(try text("a: 1").contains("has no 'command'"))
    #expect(try text("command: walk\nsettings: {}").contains("'walk'"))
    #expect(try text("command: pattern\nsettings: {model: m, data: [d]}").contains("'out' is missing"))
    #expect(message { _ = try RunRecord.run(from: folder.appending(path: "none.yaml")) }.contains("cannot be read"))
  }

  /// Thirty lines of aliases stand for 2³⁰ values, which Yams would go through one by one.
  @Test(.timeLimit(.minutes(1))) func aliasesDoNotMultiply() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "other.run.yaml")
    let maps = (1..<30).map { "m\($0): &m\($0) {<<: [*m\($0 - 1), *m\($0 - 1)], k\($0): 1}\n" }.joined()
    try Data("command: pattern\nm0: &m0 {k: 1}\n\(maps)settings: {<<: *m29, model: a}\n".utf8).write(to: file)
    #expect(message { _ = try RunRecord.run(from: file) }.contains("has more than 12 aliases"))
    // A few are read, and what looks like one in a text without anchors is none.
    try Data("model: &model m\ncommand: pattern\nsettings: {model: *model, data: [d], out: p.npy}\n".utf8).write(to: file)
    #expect(try RunRecord.run(from: file) is PatternRun)
    let stars = String(repeating: " *a", count: 20)
    try Data("command: pattern\nsettings: {model: 'm\(stars)', data: [d], out: p.npy}\n".utf8).write(to: file)
    #expect(try RunRecord.run(from: file) is PatternRun)
  }

  @Test(.timeLimit(.minutes(1))) func aPipeOfARecordsNameKeepsNobodyWaiting() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let pipe = folder.appending(path: "p.run.yaml")
    try #require(mkfifo(pipe.path(percentEncoded: false), 0o600) == 0)
    #expect(message { _ = try RunRecord.run(from: pipe) }.contains("cannot be read"))
    #expect(RunRecord.existing(beside: folder.appending(path: "p.npy")) == nil)
    #expect(RunRecord.identity(in: pipe, of: "pattern") == nil)
  }
}
