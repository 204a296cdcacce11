import CheckpointFiles
import FineTuning
import Foundation
import Ground
import Instructions
import LanguageModels
import Runs
import Selection
import Testing

@testable import Studies

/// Plans: parts, fingerprints, invalidation, costs, and questions that are kept apart.
struct PlanTests {
  private func plan(
    _ folder: StudyFolder, make: String = "[table-1, figure-4, figure-5, table-2]", _ changes: [String] = []
  ) throws -> StudyPlan {
    try StudyPlan.make(of: folder.study(TinyStudy.text(make: make), changes), in: folder.url.appending(path: "out"))
  }

  private func fingerprints(_ plan: StudyPlan) -> [String: String] {
    Dictionary(uniqueKeysWithValues: plan.steps.map { ($0.name, $0.fingerprint) })
  }

  @Test func everyStepStandsBehindWhatItReads() throws {
    let folder = try StudyFolder()
    try TinyStudy.write(to: folder)
    let plan = try plan(folder)
    var seen: Set<String> = []
    for step in plan.steps {
      #expect(step.inputs.allSatisfy(seen.contains))
      #expect(seen.insert(step.name).inserted)
    }
    #expect(plan.missing.isEmpty)
    #expect(try fingerprints(self.plan(folder)) == fingerprints(plan))
    // Another folder, threads or intervals of checkpoints are no other study.
    let moved = try StudyPlan.make(
      of: folder.study(TinyStudy.text(make: "[table-1, figure-4, figure-5, table-2]"), ["threads=2", "training.save_every=3"]),
      in: folder.url.appending(path: "elsewhere"))
    #expect(fingerprints(moved) == fingerprints(plan))
  }

  @Test func aChangeInvalidatesWhatDependsOnItAndNothingElse() throws {
    let folder = try StudyFolder()
    try TinyStudy.write(to: folder)
    let before = try fingerprints(plan(folder))
    func changed(_ changes: [String]) throws -> Set<String> {
      let after = try fingerprints(plan(folder, changes))
      return Set(after.filter { before[$0.key] != $0.value }.keys)
    }
    let rate = try changed(["training.lr=2e-3"])
    #expect(rate.contains("tiny/seed-0/sums/train") && rate.contains("tiny/seed-1/goal/mixture/fit"))
    #expect(!rate.contains("tiny/before/sums") && !rate.contains("parts/sums/probe") && !rate.contains("tiny/untouched/goal/loss"))
    let mixture = try changed(["table_2.keep=1"])
    #expect(mixture.isSuperset(of: ["mix", "value/loss"].map { "tiny/seed-0/goal/mixture/fitted-mixture-0/\($0)" }))
    #expect(!mixture.contains("tiny/seed-0/goal/mixture/fit") && mixture.allSatisfy { $0.contains("/mixture/") })
    #expect(try changed(["fit.permutations=30"]).allSatisfy { $0.contains("fit") || $0.contains("/mixture/") })
    // The text of one sample.
    try folder.write(
      "sums.jsonl",
      (0..<24).map { ("In sums number \($0) what is \($0) plus \($0 * 3 % 7)?\n", $0 == 5 ? "?" : "It is \($0 + $0 * 3 % 7) in sums.") })
    let data = try changed([])
    #expect(!data.isEmpty && !data.contains("tiny/seed-0/letters/train") && !data.contains("tiny/before/letters"))
    #expect(data.contains("tiny/seed-0/goal/mixture/fit"))
  }

  @Test func everyArmOfTable2HasItsMixture() throws {
    let folder = try StudyFolder()
    try TinyStudy.write(to: folder)
    let all = Study.Table2.Arm.allCases.map(\.rawValue).joined(separator: ", ")
    let plan = try plan(folder, make: "[table-2]", ["table_2.arms=[\(all)]", "table_2.wrong=[letters]", "table_2.keep=1"])
    func mix(_ arm: String) throws -> MixRun { try #require(plan.step("tiny/seed-1/goal/mixture/\(arm)/mix")?.work as? MixRun, "\(arm)") }
    for arm in ["random-shares-1", "equal-shares-0", "fitted-mixture-0", "fitted-mixture-likest-0", "equal-shares-likest-0"] {
      let run = try mix(arm)
      #expect(run.fit?.hasSuffix("tiny/seed-1/goal/mixture/fit/fit.json") == true && run.top == 1 && run.tasks.count == 2, "\(arm)")
      #expect(run.shares == (arm.hasPrefix("fit") ? .fit : arm.hasPrefix("equal") ? .equal : .random), "\(arm)")
      let isLikest = arm.contains("likest")
      #expect((run.within?.hasSuffix("tiny/seed-1/goal/own/tuned/pattern.safetensors") == true) == isLikest && run.pool.isEmpty != isLikest)
    }
    for (arm, tasks) in [("all-candidates-0", ["sums", "letters"]), ("wrong-pair-0", ["letters"])] {
      let run = try mix(arm)
      #expect(run.fit == nil && run.shares == .equal && run.tasks.map(\.name) == tasks, "\(arm)")
    }
    #expect(try mix("random-pair-0").tasks.count == 1 && mix("random-pair-1").tasks.count == 1)
    // The likest are looked for under the model that was trained on the target's own samples, with its questions kept out.
    let tuned = try #require(plan.step("tiny/seed-1/goal/own/tuned"))
    #expect(tuned.inputs.contains("tiny/seed-1/goal/mixture/target-alone/train") && !tuned.inputs.contains("parts/goal/questions"))
    // Those that no fit speaks of do not pay for one.
    let paid = plan.closure(of: ["tiny/seed-1/goal/mixture/all-candidates-0/value/loss"]).map(\.name)
    #expect(!paid.contains("tiny/seed-1/goal/mixture/fit") && paid.contains("parts/sums/all"))
  }

  @Test func adaptersAreMergedBeforeTheyAreTrainedOn() throws {
    let folder = try StudyFolder()
    try TinyStudy.write(to: folder)
    let whole = try plan(folder)
    let plan = try plan(folder, ["training.lora_rank=2", "models.tiny.chat=plain", "device=cpu"])
    let step = "tiny/seed-0/goal/mixture/fitted-mixture-0"
    let merge = try #require(plan.step("\(step)/first/merged"))
    let second = try #require(plan.step("\(step)/train")?.work as? TrainingRun)
    #expect((merge.work as? MergeRun)?.savedType == .float32 && merge.makesModel)
    #expect(second.model.model == (merge.work as? MergeRun)?.out && second.training.lowRank?.rank == 2 && second.data.chat == "plain")
    #expect(second.model.device == .cpu)
    // The adapters lie on the merged weights, which stay until the last step has read both.
    #expect(plan.step("\(step)/value/loss")?.inputs.prefix(2) == ["\(step)/train", "\(step)/first/merged"])
    #expect(whole.step("\(step)/first/merged") == nil)
    for (name, part) in [("\(step)/train", "adapters"), ("tiny/seed-0/sums/train", "a task's")] {
      let (one, other) = (try #require(plan.step(name)).cost, try #require(whole.step(name)).cost)
      #expect(one.operations < other.operations && one.bytesWritten < other.bytesWritten && one.memory < other.memory, "\(part)")
    }
    let pattern = try #require(plan.step("tiny/before/sums")?.work as? PatternRun)
    let loss = try #require(plan.step("tiny/untouched/goal/loss")?.work as? EvaluationRun)
    #expect(pattern.data.chat == "plain" && loss.data.chat == "plain")
  }

  @Test func everyTaskOfASetTrainsOnAsManySamples() throws {
    let folder = try StudyFolder()
    try TinyStudy.write(to: folder)
    try folder.task("letters", 10)
    let study = try folder.study(TinyStudy.text(make: "[table-1]"))
    let parts = try StudyParts(study, StudyMaterial(study))
    #expect(parts.trainingCount(ofSet: "main") == 8)
    for task in study.tasks(([.basic, .complex])) {
      let training = try parts.training(task, count: 8, seed: 0)
      #expect(training.samples.count == 8)
      let others = try parts.training(task, count: 8, seed: 1)
      #expect(training.samples.map(\.content) != others.samples.map(\.content) || task.name == "letters")
      let probe = try Set(parts.probe(task).samples.map(\.question))
      #expect(probe.isDisjoint(with: training.samples.map(\.question)))
    }
  }

  @Test func foldsCoverEverySampleOnceAndKeepEqualQuestionsTogether() throws {
    let folder = try StudyFolder()
    try TinyStudy.write(to: folder)
    try folder.write("goal.jsonl", (0..<40).map { ("What is \($0 / 2)?\n", "\($0)") })
    let study = try folder.study(TinyStudy.text(make: "[table-2]"))
    let parts = try StudyParts(study, StudyMaterial(study))
    let own = try parts.training(study.tasks[3], count: 15, seed: 1)
    let folds = parts.folds(of: own, 4, seed: 1)
    #expect(folds.flatMap { $0.own.samples.map(\.place) }.sorted() == own.samples.map(\.place))
    for fold in folds {
      #expect(Set(fold.own.samples.map(\.question)).isDisjoint(with: fold.others.samples.map(\.question)))
      #expect(fold.own.samples.count + fold.others.samples.count == 15)
    }
  }

  // MARK: Questions are kept apart

  /// A study whose target's first question also stands in another file, as another format would write it.
  private func studyWithLeak(in folder: StudyFolder, file: String) throws {
    try TinyStudy.write(to: folder)
    let study = try folder.study(TinyStudy.text(make: "[table-1, table-2]"))
    let place = try StudyParts(study, StudyMaterial(study)).questions(study.tasks[3]).samples[0].place
    // The target's held-out part in the order of its file, of which this is the question at `place`.
    let questions = try #require(StudyMaterial(study).heldOut["goal"]).reading.dataset().readAll()
    let text = try String(contentsOf: folder.url.appending(path: file), encoding: .utf8)
    let prompt = questions[place].prompt.replacing(" ", with: "  ").uppercased()
    let line = try HeadwayJSON.document(["prompt": prompt, "response": "Nobody knows."])
    // In front, so that limits do not hide it.
    try (Data(line) + Data(text.utf8)).write(to: folder.url.appending(path: file))
  }

  @Test(arguments: ["sums.jsonl", "letters.jsonl", "both.jsonl"])
  func aQuestionThatIsLearnedFromMakesTheStudyRefuse(file: String) throws {
    let folder = try StudyFolder()
    try studyWithLeak(in: folder, file: file)
    // In a training part or, with everything held out but a little, in a probe.
    for share in ["0.2", "0.9"] {
      for seed in 0..<3 {
        let changes =
          ["tasks.sums", "tasks.letters", "tasks.both"].map { "\($0).hold_out=\(share)" } + ["split_seed=\(seed)", "budgets.probe=100"]
        // Another split of the target may not ask the question: then there is nothing to refuse.
        let study = try folder.study(
          TinyStudy.text(make: "[table-1, table-2]"), changes + ["budgets.questions=100", "tasks.goal.hold_out=0.99"])
        let error = #expect(throws: RunError.self) { try StudyPlan.make(of: study, in: folder.url.appending(path: "out")) }
        let text = "\(error.map { "\($0)" } ?? "")"
        #expect(text.contains("among the questions on which 'goal' is reported") && text.contains("leaks drop"))
      }
    }
  }

  @Test func aLeakIsDroppedWhereThatIsAskedFor() throws {
    let folder = try StudyFolder()
    try studyWithLeak(in: folder, file: "sums.jsonl")
    let changes = ["leaks=drop", "budgets.questions=100", "tasks.goal.hold_out=0.9", "budgets.probe=100"]
    let plan = try plan(folder, make: "[table-1, table-2]", changes)
    #expect(plan.notes.contains { $0.contains("1 sample of the") && $0.contains("of sums left out") })
  }

  @Test func aQuestionInThePoolMakesTheStudyRefuse() throws {
    let folder = try StudyFolder()
    try studyWithLeak(in: folder, file: "sums.jsonl")
    let text = TinyStudy.text(make: "[table-2]").replacing("{name: sums, role: [basic, pool]", with: "{name: sums, role: pool")
    let study = try folder.study(text, ["budgets.questions=100", "tasks.goal.hold_out=0.9"])
    #expect(throws: RunError.self) { try StudyPlan.make(of: study, in: folder.url.appending(path: "out")) }
  }

  @Test func figure5sQuestionsAreNoProbes() throws {
    let folder = try StudyFolder()
    try TinyStudy.write(to: folder)
    try folder.write("sums.jsonl", (0..<40).map { ("What is \($0 / 4)?\n", "\($0)") })
    let study = try folder.study(TinyStudy.text(make: "[figure-5]"), ["tasks.sums.hold_out=0.5"])
    let parts = try StudyParts(study, StudyMaterial(study))
    let probe = try Set(parts.probe(study.tasks[0]).samples.map(\.question))
    #expect(try probe.isDisjoint(with: parts.questions(study.tasks[0]).samples.map(\.question)))
  }

  // MARK: Plans of what is not there

  @Test func thePapersStudyIsPlannedWithoutDataAndModels() throws {
    let folder = try StudyFolder()
    let study = try folder.study(StudyTemplate.paper.text(model: nil, data: []))
    let plan = try StudyPlan.make(of: study, in: folder.url.appending(path: "out"))
    let summary = try StudyPlanSummary(plan)
    #expect(summary.missing.count == 5 + study.tasks.count && summary.steps.allSatisfy { !$0.done })
    // Training an 8B model in full: masters, gradients, two moments and the copy in bfloat16 take 18 bytes a weight.
    let training = try #require(summary.steps.first { $0.name == "llama3-8b/seed-0/gsm8k/train" })
    #expect(training.cost.memory > 18 * 8_030_261_248 && training.cost.memory < 25 * 8_030_261_248)
    #expect(training.kind == "sft" && training.cost.operations > 6 * 6.9e9 * Double(training.cost.tokens))
    #expect(summary.text.contains("hours of an A100") && summary.total.operations > 1e18)
  }

  @Test func dataThatIsNeitherThereNorDeclaredIsNamed() throws {
    let folder = try StudyFolder()
    let error = #expect(throws: RunError.self) { try plan(folder) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("the task 'sums' is not there"))
    try TinyStudy.write(to: folder)
    let other = #expect(throws: (any Error).self) { try plan(folder, ["models.tiny.path=./nowhere"]) }
    #expect("\(other.map { "\($0)" } ?? "")".contains("nowhere"))
    #expect(try plan(folder, ["models.tiny.path=./nowhere", "models.tiny.shape=llama2-7b"]).missing == ["the weights of tiny"])
  }

  @Test func parametersOfPublishedShapes() throws {
    let published = [
      "llama-7b": 6_738_415_616, "llama2-7b": 6_738_415_616, "llama3-8b": 8_030_261_248, "gemma-7b": 8_537_680_896,
      "opt-6.7b": 6_658_473_984,
    ]
    for (name, count) in published { #expect(PublishedShape.named(name)?.parameters == count, "\(name)") }
    #expect(try ModelDimensions(of: ModelFolder(named: Examples.model)).parameters == 117_168)
  }
}
