import FineTuning
import Foundation
import Ground
import Runs
import Testing

@testable import Studies

/// A study's file: strict, with keys named and changes applied.
struct StudyFileTests {
  private func refusal(_ text: String, _ changes: [String] = []) throws -> String {
    let folder = try StudyFolder()
    do {
      _ = try folder.study(text, changes)
      return "accepted"
    } catch { return "\(error)" }
  }

  private let text = TinyStudy.text(make: "[table-1]")

  @Test func everyKeyIsRead() throws {
    let folder = try StudyFolder()
    let study = try folder.study(text)
    #expect(study.name == "Tiny" && study.make == ["table-1"] && study.seeds == [0, 1] && study.threads == 1)
    #expect(study.tasks.map(\.name) == ["sums", "letters", "both", "goal"])
    #expect(study.tasks[0].files == [folder.path("sums.jsonl")] && study.tasks[0].group == "mathematics")
    #expect(study.tasks[3].holdOut == 0.5 && study.tasks[3].roles == [.target])
    #expect(study.training.settings.learningRate == 1e-3 && study.training.settings.epochs == 1 && study.training.maximumLength == 128)
    #expect(study.table2.folds == 2 && study.table3.choose == [4] && study.figure5.every == 2)
  }

  @Test func unknownKeysAreNamedWithTheNearest() throws {
    #expect(try refusal(text + "\nsedes: [1]").contains("'sedes', which is none there; did you mean 'seeds'?"))
    #expect(
      try refusal(text.replacing("epochs: 1", with: "epoch: 1")).contains(
        "training has the key 'epoch', which is none there; did you mean 'epochs'?"))
    #expect(try refusal(text.replacing("group: text", with: "grup: text")).contains("tasks.letters has the key 'grup'"))
    #expect(try refusal(text.replacing("[table-1]", with: "[table-l]")).contains("did you mean 'table-1'?"))
    #expect(try refusal(text, ["figure_1.task=sumz"]).contains("did you mean 'sums'?"))
  }

  @Test func valuesOfTheWrongKindAreRefused() throws {
    for (change, part) in [
      ("seeds=many", "'seeds' takes"), ("seeds=[1, 1]", "different whole numbers"), ("tasks.sums.hold_out=2", "between 0 and 1"),
      ("tasks.sums.role=basics", "one of basic"), ("training.lr=-1", "lr"), ("training.lr=fast", "lr"),
      ("dtype=int8", "'dtype' takes one of"),
      ("leaks=ignore", "'leaks' takes one of"), ("tasks=7", "'tasks' takes a list"), ("models=[]", "no model is named"),
      ("tasks.sums.format=jsom", "format"), ("models.tiny.shape=llama-9b", "is no published shape"),
      ("tasks.sums.name=a/b", "becomes a folder's"),
      ("tasks.sums.name=letters", "two tasks are called 'letters'"), ("tasks.sums.train=x.jsonl", "either 'train' and 'test', or 'data'"),
      ("fit.bootstrap=3", "from 40 on"), ("table_2.folds=1", "from 2 on"),
    ] {
      let told = try refusal(text, [change])
      #expect(told.contains(part), "\(change): \(told)")
    }
    for text in ["", "[1, 2]", "a: [", "models: {a: b}", "study: \u{0}", "tasks: [1]", "models: [{name: x}]"] {
      #expect(try refusal(text) != "accepted")
    }
    let lists = (1..<30).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.joined()
    #expect(try refusal("a0: &a0 [x]\n\(lists)? *a29\n: 1\n? *a29\n: 2\n").contains("study.yaml has more than 12 aliases"))
  }

  @Test func adaptersChatFormsDevicesAndArmsAreRead() throws {
    let folder = try StudyFolder()
    let study = try folder.study(
      text,
      [
        "training.lora_rank=4", "training.lora_targets=[all-linear]", "models.tiny.chat=chatml", "device=cuda:1",
        "table_2.arms=[fitted-mixture, equal-shares, fitted-mixture-likest, equal-shares-likest, random-pair, all-candidates, wrong-pair]",
        "table_2.wrong=[letters]",
      ])
    #expect(study.training.settings.lowRank == LowRankSettings(rank: 4, alpha: 8, targets: ["all-linear"]))
    #expect(study.models[0].chat == "chatml" && study.device == .cuda(1))
    #expect(study.table2.arms.count == 7 && study.table2.wrong == ["letters"])
    #expect(try folder.study(text).table2.arms == [.targetAlone, .equalCompute, .equalShares, .fittedMixture])
    for (change, part) in [
      ("training.lora_alpha=8", "'lora_alpha' belongs to adapters; give their 'lora_rank'"), ("training.lora_rank=0", "lora_rank"),
      ("models.tiny.chat=chatty", "chat"), ("device=gpu", "'device' is 'gpu'; a device is auto, cpu"),
      ("table_2.arms=[fitted]", "'arms' takes one of target-alone"), ("table_2.arms=[wrong-pair]", "name them in 'table_2: wrong'"),
      ("table_2.arms=[random-pair, random-pair]", "twice"), ("table_2.wrong=[letters]", "has no effect without the arm 'wrong-pair'"),
    ] {
      let told = try refusal(text, [change])
      #expect(told.contains(part), "\(change): \(told)")
    }
    let stranger = ["table_2.arms=[wrong-pair]", "table_2.wrong=[goal]"]
    #expect(try refusal(text, stranger).contains("'goal', which is no candidate of table_2; the candidates are sums, letters"))
  }

  @Test func changesReachInsideSections() throws {
    let folder = try StudyFolder()
    let study = try folder.study(
      text, ["training.lr=2e-5", "tasks.goal.limit=3", "table-2.keep=1", "models.0.name=other", "budgets.pool=9", "make=table-1"])
    #expect(study.training.settings.learningRate == 2e-5 && study.tasks[3].reading.limit == 3 && study.table2.keep == 1)
    #expect(study.models[0].name == "other" && study.budgets.pool == 9)
    let dotted = try folder.study(text.replacing("name: tiny", with: "name: opt-6.7b"), ["models.opt-6.7b.shape=opt-6.7b"])
    #expect(dotted.models[0].shape == "opt-6.7b")
    #expect(throws: SettingsError.self) { try folder.study(text, ["seeds"]) }
    #expect(throws: SettingsError.self) { try folder.study(text, ["tasks.none.limit=3"]) }
    #expect(throws: SettingsError.self) { try folder.study(text, ["seeds=["]) }
  }

  @Test func everyKeyIsDocumented() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "docs/Studies.md")
    let documentation = try String(contentsOf: page, encoding: .utf8)
    let tables = documentation.components(separatedBy: "| key | meaning; its default |\n|---|---|\n").dropFirst().map { text in
      text.split(separator: "\n", omittingEmptySubsequences: false).prefix { $0.hasPrefix("|") }.map(String.init)
    }
    #expect(tables.count == StudyKeys.sections.count)
    for (table, (section, keys)) in zip(tables, StudyKeys.sections) {
      #expect(table == keys.map { "| `\($0.name)` | \($0.meaning) |" }, "\(section)")
    }
  }

  @Test func templatesAreStudies() throws {
    let folder = try StudyFolder()
    let data = try ["a", "b", "c", "d"].map { TaskFile(try folder.task($0), name: $0) }
    let small = try folder.study(StudyTemplate.small.text(model: Examples.model, data: data))
    #expect(Set(small.make) == Set(StudyItems.paperNames))
    #expect(small.tasks.map(\.roles) == [[.basic, .pool], [.basic, .pool], [.complex], [.target]])
    let task = try folder.study(StudyTemplate.task.text(model: "owner/model", data: [TaskFile("x.jsonl", name: "it's \"x\"")]))
    #expect(task.tasks[0].name == "it-s--x-" && task.models[0].path == "owner/model")
    let paper = try folder.study(StudyTemplate.paper.text(model: nil, data: []))
    #expect(paper.models.count == 5 && paper.training.settings.learningRate == 1e-6 && paper.training.settings.windowSize == 16)
    #expect(throws: SettingsError.self) { try StudyTemplate.task.text(model: nil, data: []) }
    #expect(throws: SettingsError.self) { try StudyTemplate.task.text(model: "m", data: data) }
    #expect(throws: SettingsError.self) { try StudyTemplate.paper.text(model: "m", data: []) }
    #expect(throws: SettingsError.self) { try StudyTemplate.small.text(model: "m", data: [data[0], data[0]]) }
  }
}
