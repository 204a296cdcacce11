import ActivationPatterns
import Foundation
import Ground
import Runs
import Selection
import Testing

@testable import Studies

/// What tests of likenesses are computed by, held against scipy and numpy (`scripts/goldens/likeness_worth.py`), and each of them in a tiny study.
struct LikenessWorthTests {
  private struct Goldens: Decodable {
    struct Partial: Decodable {
      var x, y, z: [Double]
      var spearman, partial: Double
    }
    struct Form: Decodable {
      var weights, mean: [Double]
      var each: [[Double]]
    }
    struct Forms: Decodable {
      var pool, target: [[Double]]
      var standardised, weighted: Form
    }
    struct Scores: Decodable {
      var values: [[Double]]
      var members: [[Int]]
      var losses: [[[Double]]]
      var score, single, reliability, ceiling: Double
    }
    var partial: [Partial]
    var forms: Forms
    var scores: Scores
  }

  private func goldens() throws -> Goldens {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/likeness_worth", withExtension: "json"))
    return try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: url))
  }

  /// Both sides are doubles.
  private func near(_ one: Double?, _ two: Double) -> Bool { one.map { abs($0 - two) <= 1e-10 } ?? false }

  @Test func rankCorrelationsWithAThirdListHeldFixed() throws {
    for golden in try goldens().partial {
      #expect(near(Correlation.spearman(golden.x, golden.y), golden.spearman))
      #expect(near(RankCorrelation.partial(golden.x, golden.y, without: golden.z), golden.partial))
    }
    // A third list that is the same everywhere explains nothing; one that is the list itself explains all.
    #expect(
      RankCorrelation.partial([1, 2, 3, 4], [1, 3, 2, 4], without: [5, 5, 5, 5]) == Correlation.spearman([1, 2, 3, 4], [1, 3, 2, 4]))
    #expect(RankCorrelation.partial([1, 2, 3, 4], [1, 3, 2, 4], without: [1, 2, 3, 4]) == nil)
    #expect(RankCorrelation.partial([1, 1, 1], [1, 3, 2], without: [1, 2, 3]) == nil)
  }

  @Test func formsOfAPatternAreWeightedCorrelations() throws {
    let goldens = try goldens().forms
    for (golden, weighs) in [(goldens.standardised, false), (goldens.weighted, true)] {
      let form = PatternForm(pool: goldens.pool, target: goldens.target, standardises: true, weighs: weighs)
      #expect(zip(form.weights, golden.weights).allSatisfy { near($0, $1) })
      for (view, wanted) in [(TargetView.mean, golden.mean), (.samples, golden.each.flatMap(\.self))] {
        var found: [Double] = []
        try form.likeness(view: view).forEachBlock { found += Array($1) }
        #expect(found.count == wanted.count && zip(found, wanted).allSatisfy { near($0, $1) })
      }
    }
  }

  @Test func linearDatamodellingScores() throws {
    let golden = try goldens().scores
    let means = golden.losses.map { trainings in trainings[0].indices.map { sample in trainings.reduce(0) { $0 + $1[sample] } / 3 } }
    let score = DatamodelRun.score(
      golden.values, Array(golden.values.indices), columns: [0, 1, 2], members: golden.members, losses: means)
    #expect(near(score, golden.score))
    let noise = DatamodelRun.noise(golden.losses)
    #expect(near(noise.single, golden.single) && near(noise.reliability, golden.reliability) && near(noise.ceiling, golden.ceiling))
    // One training says nothing of another.
    #expect(DatamodelRun.noise(golden.losses.map { [$0[0]] }).single == nil)
  }

  @Test func binsHaveEqualLabelsAsNearlyAsWholeSamplesAllow() throws {
    var generator = SeededGenerator(seed: 3)
    for bins in [3, 10] {
      let labels = (0..<200).map { _ in Int.random(in: 1...9, using: &generator) }
      let ranges = try BinsRun.cut(labels, into: bins)
      #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == labels.count)
      #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
      let sums = ranges.map { labels[$0].reduce(0, +) }
      #expect((sums.max() ?? 0) - (sums.min() ?? 0) <= 18)
    }
    #expect(throws: RunError.self) { try BinsRun.cut([100, 1, 1], into: 3) }
  }

  // MARK: In a study

  private func run(_ folder: StudyFolder, _ make: String, _ changes: [String] = []) throws -> StudyResult {
    try TinyStudy.write(to: folder)
    try TinyStudy.text(make: make).write(toFile: folder.path("study.yaml"), atomically: true, encoding: .utf8)
    var run = StudyRun(file: folder.path("study.yaml"))
    run.out = folder.path("out")
    run.changes = changes
    return try run.run(.silent)
  }

  private func column(_ table: StudyTable, _ name: String) throws -> [StudyTable.Cell] {
    let place = try #require(table.columns.firstIndex { $0.name == name })
    return table.rows.map { $0[place] }
  }

  @Test func retrievalCountsTheTargetsOwnTaskAmongTheChosen() throws {
    let folder = try StudyFolder()
    let result = try run(folder, "[retrieval]", ["retrieval.choose=[4, 20, 1000]", "budgets.pool=10"])
    let table = try #require(result.table("retrieval"))
    // Whoever chooses all has chance's share, and more than there are cannot be chosen.
    for (chosen, share) in zip(try column(table, "choose"), try column(table, "share")) {
      switch chosen {
      case 4: #expect(share != .nothing)
      case 20: #expect(share == 0.5)
      default: #expect(share == .nothing)
      }
    }
    #expect(try column(table, "chance").allSatisfy { $0 == 0.5 })
    #expect(try Set(column(table, "seen_by")) == ["base model", "fine-tuned on the target", "texts"])
    // Nothing that stands for a target is chosen from.
    let parts = try FileManager.default.contentsOfDirectory(atPath: folder.path("out/steps/parts/sums"))
    func texts(_ part: String) throws -> Set<String> {
      let text = try String(contentsOfFile: folder.path("out/steps/parts/sums/\(part)/data.jsonl"), encoding: .utf8)
      return Set(text.split(separator: "\n").map { String($0.split(separator: "\"")[3]) })
    }
    let own = try #require(parts.first { $0.hasPrefix("train-4-seed-0") })
    let pool = try #require(parts.first { $0.hasPrefix("likened-") && $0.hasSuffix("seed-0") })
    #expect(try texts(own).count == 4 && texts(own).isDisjoint(with: texts(pool)))
  }

  @Test func distanceBinsLeaveTheTargetsOwnTaskOut() throws {
    let folder = try StudyFolder()
    let result = try run(
      folder, "[distance-bins]", ["tasks.goal.role=[target, pool]", "distance_bins.methods=[{representation: length}]", "seeds=[0]"])
    let bins = try #require(result.table("distance-bins-losses"))
    #expect(try Set(column(bins, "pool")) == ["with", "without"] && bins.rows.count == 6)
    for pool in ["with", "without"] {
      let text = try (0..<3).map { bin in
        try String(contentsOfFile: folder.path("out/steps/tiny/seed-0/goal/bins/\(pool)/length/bins/bin-\(bin).jsonl"), encoding: .utf8)
      }.joined()
      #expect(text.contains("in goal") == (pool == "with"))
    }
    let table = try #require(result.table("distance-bins"))
    #expect(try column(table, "rho").allSatisfy { $0 != .nothing })
  }

  @Test func aPlanCountsWhatTestsOfLikenessTake() throws {
    let folder = try StudyFolder()
    try TinyStudy.write(to: folder)
    let plan = try StudyPlan.make(
      of: folder.study(TinyStudy.text(make: "[datamodelling, ablation, retrieval, distance-bins]")), in: folder.url.appending(path: "out"))
    let trainings = plan.steps.filter { $0.kind == "sft" && $0.name.contains("/subset-") }
    #expect(trainings.count == 2 * 3 * 2 && trainings.allSatisfy { $0.cost.operations > 0 })
    #expect(plan.steps.filter { $0.kind == "ablate" }.count == 3 + 2 * 3)
    let heads = try #require(plan.step("tiny/before/sums/ablation/heads")?.cost.operations)
    let pattern = try #require(plan.step("tiny/before/sums/ablation/pattern")?.cost.operations)
    #expect(heads > pattern)
  }

  // MARK: Seeds that redraw everything

  @Test func aSeedCanHaveItsOwnModelAndData() throws {
    let folder = try StudyFolder()
    for seed in [3, 5] {
      for name in ["sums", "letters", "both", "goal"] {
        try folder.write(
          "\(name)-\(seed).jsonl",
          (0..<24).map {
            ("In \(name) of \(seed) number \($0) what is \($0) plus \($0 * 3 % 7)?\n", "It is \($0 + $0 * 3 % 7) in \(name).")
          })
      }
      try FileManager.default.createSymbolicLink(atPath: folder.path("model-\(seed)"), withDestinationPath: Examples.model)
    }
    var text = TinyStudy.text(make: "[table-1, figure-2, figure-4, table-2, table-3]", seeds: "[3, 5]")
      .replacing(Examples.model, with: folder.path("model-{seed}"))
    for name in ["sums", "letters", "both", "goal"] { text = text.replacing("\(name).jsonl", with: "\"\(name)-{seed}.jsonl\"") }
    text = text.replacing("role: complex,", with: "role: complex, made_of: [sums, letters],")
    try text.write(toFile: folder.path("study.yaml"), atomically: true, encoding: .utf8)
    var run = StudyRun(file: folder.path("study.yaml"))
    run.out = folder.path("out")
    let listener = Listener()
    let result = try run.run(listener.monitor)
    let elsewhere = listener.steps.filter { !$0.hasPrefix("drawn/3/") && !$0.hasPrefix("drawn/5/") }
    #expect(elsewhere.isEmpty)
    // What is one number for all seeds elsewhere has an interval over worlds here.
    let table = try #require(result.table("table-1"))
    #expect(try column(table, "gini_low").allSatisfy { $0 != .nothing })
    #expect(try column(table, "state") == ["before SFT", "after SFT", "change"])
    let means = try column(table, "mean").compactMap { cell -> Double? in if case .number(let value) = cell { value } else { nil } }
    try #require(means.count == 3)
    #expect(abs(means[1] - means[0] - means[2]) < 1e-12)
    let arms = try #require(result.table("table-2"))
    let untouched = try #require(try column(arms, "arm").firstIndex(of: "untouched"))
    #expect(try column(arms, "value_low")[untouched] != .nothing)
    let parts = try #require(result.table("figure-4-parts"))
    #expect(try column(parts, "pair") == ["letters + sums"] && column(parts, "rank") == [1] && column(parts, "first") == [2])
    let again = Listener()
    _ = try run.run(again.monitor)
    #expect(again.steps.isEmpty)
  }
}
